//! The two hash functions of an instance, and the one behind both where the peer may lie.

use crate::{
    kernels::{AesKey, Backend},
    ring::Buf,
};

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
    /// What the first coordinate of a value goes through before the second is added.
    first: AesKey,
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
        let (mut inner, mut outer, mut oracle, mut first) = ([0; 16], [0; 16], [0; 32], [0; 16]);
        keys.fill(&mut inner);
        keys.fill(&mut outer);
        keys.fill(&mut oracle);
        keys.fill(&mut first);
        let [inner, outer, first] = [inner, outer, first].map(|key| AesKey::new(&key));
        Self { inner, outer, oracle, first }
    }

    /// Decoded values, by coordinates, become outputs: `H(v)`, or `H(H'(v_0) ⊕ v_1)` with another key in `H'`.
    ///
    /// # Security
    /// Both functions are `x ↦ AES_k(x) ⊕ x` under public keys that are drawn after both sets are fixed. With AES as an ideal
    /// cipher two different values of two coordinates have equal inputs to `H` with probability 2^-128, since `H'` of different
    /// elements is, and whoever lacks 128 bits of a value lacks as many of its output.
    pub(super) fn finish(&self, values: Vec<Buf<u128>>) -> Buf<u128> {
        let mut values = values.into_iter();
        let mut outputs = values.next().unwrap_or_else(|| Buf::zeroed(0));
        for next in values {
            Backend::active().hash_blocks(&self.first, &mut outputs);
            outputs.iter_mut().zip(next.iter()).for_each(|(output, next)| *output ^= next);
        }
        Backend::active().hash_blocks(&self.outer, &mut outputs);
        outputs
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
