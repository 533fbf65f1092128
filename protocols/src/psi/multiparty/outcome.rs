//! What all parties have found, in a word that each tells each other with its last one: they end with the same intersection, or with an
//! error.

/// What the word is derived for.
const OUTCOME: &str = "unseen psi multiparty outcome v1";
/// Words of it.
pub(super) const WORDS: usize = 2;

/// A digest of the common items of all buckets so far; of none where the leader alone learns them.
///
/// # Security
/// It goes to parties that learn the same items, and tells them nothing else.
pub(super) struct Outcome(blake3::Hasher);

impl Outcome {
    /// Of no bucket yet.
    pub(super) fn new() -> Self {
        Self(blake3::Hasher::new_derive_key(OUTCOME))
    }

    /// One more bucket has these items in common, in whatever order.
    pub(super) fn bucket(&mut self, items: impl Iterator<Item = u128>) {
        let mut items: Vec<_> = items.collect();
        items.sort_unstable();
        self.0.update(&(items.len() as u64).to_le_bytes());
        for item in &items {
            self.0.update(&item.to_le_bytes());
        }
    }

    /// The word.
    pub(super) fn words(&self) -> [u64; WORDS] {
        let digest = self.0.finalize();
        let (words, _) = digest.as_bytes().as_chunks::<8>();
        [words[0], words[1]].map(u64::from_le_bytes)
    }
}
