//! The two hash functions of an instance, and the one behind both where the peer may lie.

use crate::kernels::{AesKey, Backend};

/// What the hash keys are derived for.
const KEYS: &str = "unseen psi oprf hash keys v1";

/// Hash functions of one instance, from its public coins and everything it must not be mixed up with.
pub(super) struct Hashes {
    /// `h`: the value a store holds for an item.
    pub(super) inner: AesKey,
    /// `H`: from a decoded value to an output.
    outer: AesKey,
    /// `H` of the malicious variant.
    oracle: [u8; 32],
}

impl Hashes {
    /// The functions of instance `number` of a run, under the receiver's coins.
    pub(super) fn new(context: &[u8; 32], number: u64, coins: [u128; 2]) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(KEYS);
        hasher.update(context).update(&number.to_le_bytes());
        for coin in coins {
            hasher.update(&coin.to_le_bytes());
        }
        let mut keys = hasher.finalize_xof();
        let (mut inner, mut outer, mut oracle) = ([0; 16], [0; 16], [0; 32]);
        keys.fill(&mut inner);
        keys.fill(&mut outer);
        keys.fill(&mut oracle);
        Self { inner: AesKey::new(&inner), outer: AesKey::new(&outer), oracle }
    }

    /// Decoded values become outputs.
    pub(super) fn finish(&self, values: &mut [u128]) {
        Backend::active().hash_blocks(&self.outer, values);
    }

    /// Decoded values become outputs of a random oracle on the value, shifted by the coin of both sides, and the item.
    pub(super) fn finish_by_oracle(
        &self,
        values: &mut [u128],
        coin: u128,
        items: impl Iterator<Item = u128>,
    ) {
        for (value, item) in values.iter_mut().zip(items) {
            let mut input = [0; 32];
            input[..16].copy_from_slice(&(*value ^ coin).to_le_bytes());
            input[16..].copy_from_slice(&item.to_le_bytes());
            let mut half = [0; 16];
            half.copy_from_slice(&blake3::keyed_hash(&self.oracle, &input).as_bytes()[..16]);
            *value = u128::from_le_bytes(half);
        }
    }
}
