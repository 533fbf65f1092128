//! What passes between compute parties and providers, as words.

use std::sync::Arc;

/// Words of what a compute party asks of a provider: the round, and the model's hash.
pub(super) const ASK_WORDS: usize = 5;
/// Words of an update that travel in one message: a frame.
pub(super) const PIECE_WORDS: usize = 32 << 10;
/// Numbers of a model that do: as many bytes.
pub(super) const PIECE_NUMBERS: usize = 2 * PIECE_WORDS;
/// Words of a hash.
pub(super) const HASH_WORDS: usize = 4;
/// In the place of the round: there is no other one.
pub(super) const OVER: u64 = u64::MAX;
/// A provider that sends its update.
pub(super) const COMES: u64 = 1;
/// A provider that sends none this time.
pub(super) const DECLINES: u64 = 2;

/// What a compute party asks of a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ask {
    /// Which round, from 0, or [`OVER`].
    pub(super) round: u64,
    /// The last round whose average this provider's update is in; said only where its trainer has to know.
    pub(super) taken: Option<u32>,
    /// The hash of the model that it begins with.
    pub(super) hash: [u8; 32],
}

impl Ask {
    pub(super) fn words(&self) -> [u64; ASK_WORDS] {
        // Beside the number of a round, which has 32 bits.
        let taken = self.taken.map_or(0, |round| u64::from(round) + 1) << 32;
        let mut words = [self.round | taken; ASK_WORDS];
        words[1..].copy_from_slice(&hash_words(&self.hash));
        words
    }

    pub(super) fn from_words(words: &[u64; ASK_WORDS]) -> Self {
        let [_, a, b, c, d] = *words;
        let hash = hash_of([a, b, c, d]);
        match words[0] {
            OVER => Self { round: OVER, taken: None, hash },
            word => {
                let taken = u32::try_from(word >> 32).unwrap_or(0).checked_sub(1);
                Self { round: word & u64::from(u32::MAX), taken, hash }
            }
        }
    }
}

/// Words of what a provider answers before its shares: whether there are any, a seed where one is a seed, and the name of all
/// that this party gets.
pub(super) const fn answer_words(shares: usize) -> usize {
    1 + 2 * shares + HASH_WORDS
}

/// The name in an answer: its last words.
pub(super) fn name_in(answer: &[u64]) -> [u8; 32] {
    let words = answer.last_chunk().copied();
    hash_of(words.unwrap_or_default())
}

/// Words of a hash, and back.
pub(super) fn hash_words(hash: &[u8; 32]) -> [u64; HASH_WORDS] {
    let (words, _) = hash.as_chunks();
    std::array::from_fn(|at| u64::from_le_bytes(words[at]))
}

/// The inverse of [`hash_words`].
pub(super) fn hash_of(words: [u64; HASH_WORDS]) -> [u8; 32] {
    let mut hash = [0; 32];
    for (bytes, word) in hash.as_chunks_mut().0.iter_mut().zip(words) {
        *bytes = word.to_le_bytes();
    }
    hash
}

/// A model as it travels and is hashed: single precision, little-endian.
pub(super) fn model_bytes(model: &[f32]) -> Vec<u8> {
    model.iter().flat_map(|x| x.to_le_bytes()).collect()
}

/// A model as it travels, its hash beside it.
pub(super) fn packed(model: &[f32]) -> (Arc<[u8]>, [u8; 32]) {
    let bytes: Arc<[u8]> = model_bytes(model).into();
    let hash = *blake3::hash(&bytes).as_bytes();
    (bytes, hash)
}

/// The lengths of the pieces in which so many words travel.
pub(super) fn pieces(words: usize) -> impl Iterator<Item = usize> {
    (0..words).step_by(PIECE_WORDS).map(move |at| PIECE_WORDS.min(words - at))
}

/// The lengths of the pieces in which a model of so many numbers travels.
pub(super) fn model_pieces(numbers: usize) -> impl Iterator<Item = usize> {
    (0..numbers).step_by(PIECE_NUMBERS).map(move |at| PIECE_NUMBERS.min(numbers - at))
}

/// Two words of a seed, and back.
pub(super) fn seed_words(seed: &[u8; 16]) -> [u64; 2] {
    let (words, _) = seed.as_chunks();
    [u64::from_le_bytes(words[0]), u64::from_le_bytes(words[1])]
}

/// The inverse of [`seed_words`].
pub(super) fn seed_of([low, high]: [u64; 2]) -> zeroize::Zeroizing<[u8; 16]> {
    let mut seed = zeroize::Zeroizing::new([0; 16]);
    seed[..8].copy_from_slice(&low.to_le_bytes());
    seed[8..].copy_from_slice(&high.to_le_bytes());
    seed
}
