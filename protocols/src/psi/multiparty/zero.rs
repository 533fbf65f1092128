//! Functions of the parties whose sum is zero everywhere, each of which looks random to all who miss one of its keys.

use zeroize::Zeroizing;

use crate::{
    kernels::{AesKey, Backend},
    party::PartyId,
};

/// Items at a time: a block fits the first-level cache.
const BLOCK: usize = 512;
/// What the seed of two parties is derived for.
const SEED: &str = "unseen psi multiparty zero sharing v1";

/// What two parties have in common and nobody else: a seed, to which both brought a part.
pub(super) struct ZeroSeed(Zeroizing<[u8; 32]>);

impl ZeroSeed {
    /// Of both parts, whichever of the two works it out.
    pub(super) fn of((me, own): (PartyId, u128), (peer, peers): (PartyId, u128)) -> Self {
        let [first, last] = if me < peer { [own, peers] } else { [peers, own] };
        let mut parts = Zeroizing::new([0; 32]);
        parts[..16].copy_from_slice(&first.to_le_bytes());
        parts[16..].copy_from_slice(&last.to_le_bytes());
        Self(Zeroizing::new(blake3::derive_key(SEED, &*parts)))
    }

    /// The key while so many turns were broken off: a bucket that is repeated is shared under another one.
    fn key(&self, again: u64) -> AesKey {
        let hash = Zeroizing::new(*blake3::keyed_hash(&self.0, &again.to_le_bytes()).as_bytes());
        let mut key = Zeroizing::new([0; 16]);
        key.copy_from_slice(&hash[..16]);
        AesKey::new(&key)
    }

    /// `shares[i] ^= AES_k(items[i]) ⊕ items[i]` under the key of this turn: of two parties that do so the sum is as it was.
    pub(super) fn add(&self, again: u64, items: &[u128], shares: &mut [u128]) {
        let (key, mut block) = (self.key(again), [0; BLOCK]);
        for (items, shares) in items.chunks(BLOCK).zip(shares.chunks_mut(BLOCK)) {
            let block = &mut block[..items.len()];
            block.copy_from_slice(items);
            Backend::active().hash_blocks(&key, block);
            shares.iter_mut().zip(block).for_each(|(share, hash)| *share ^= *hash);
        }
    }
}
