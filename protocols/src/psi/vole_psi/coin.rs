//! The coin of a bucket in the malicious variant: a sum of two parts, of which the sender's is committed to before it sees the
//! receiver's.

use crate::{prg::Prg, ring::Z128};

/// What commitments are derived for.
const COMMITMENT: &str = "unseen psi coin commitment v1";
/// Words of a commitment on the wire.
pub(super) const COMMITMENT_WORDS: usize = 2;
/// Words of an opening: the part and what blinds the commitment.
pub(super) const OPENING_WORDS: usize = 2;

/// The sender's part.
pub(super) struct Part {
    coin: u128,
    blinding: u128,
}

impl Part {
    pub(super) fn draw(rng: &mut Prg) -> Self {
        let words = rng.elements::<Z128>(OPENING_WORDS);
        Self { coin: words[0], blinding: words[1] }
    }

    pub(super) fn opened(words: &[u128]) -> Self {
        Self { coin: words[0], blinding: words[1] }
    }

    pub(super) fn opening(&self) -> [u128; OPENING_WORDS] {
        [self.coin, self.blinding]
    }

    /// Binding and hiding with BLAKE3 a random oracle; 256 bits, for one bucket of one run.
    pub(super) fn commitment(&self, context: &[u8; 32], bucket: usize) -> [u128; COMMITMENT_WORDS] {
        let mut hasher = blake3::Hasher::new_derive_key(COMMITMENT);
        hasher.update(context).update(&(bucket as u64).to_le_bytes());
        hasher.update(&self.coin.to_le_bytes()).update(&self.blinding.to_le_bytes());
        let mut words = [0; COMMITMENT_WORDS];
        bytemuck::bytes_of_mut(&mut words).copy_from_slice(hasher.finalize().as_bytes());
        words
    }

    /// The coin of both.
    pub(super) fn with(&self, peers: u128) -> u128 {
        self.coin ^ peers
    }
}
