//! Functions of the parties whose sum is zero everywhere, each of which looks random to all who miss one of its keys.

use super::setting::Setting;
use crate::{
    kernels::{AesKey, Backend},
    prg::Prg,
    ring::Z128,
    session::{SessionError, Wire},
};

/// Items at a time: a block fits the first-level cache.
const BLOCK: usize = 512;

/// One party's keys, one with every other party, in their order.
pub(super) struct ZeroShares {
    keys: Vec<AesKey>,
}

impl ZeroShares {
    /// Agrees on a key with every other party: who has the lower number draws it.
    ///
    /// # Errors
    /// If a link is down.
    pub(super) fn agree(
        wire: &mut Wire,
        setting: &Setting,
        rng: &mut Prg,
    ) -> Result<Self, SessionError> {
        let me = wire.me();
        let mut seeds = rng.elements::<Z128>(setting.sizes().len());
        for other in setting.others(me).filter(|other| *other > me) {
            wire.send(other, &seeds[usize::from(other.0)..][..1])?;
        }
        for other in setting.others(me).filter(|other| *other < me) {
            wire.recv(other, &mut seeds[usize::from(other.0)..][..1])?;
        }
        let key =
            |other: crate::party::PartyId| AesKey::new(&seeds[usize::from(other.0)].to_le_bytes());
        let keys = setting.others(me).map(key).collect();
        seeds.fill(0);
        Ok(Self { keys })
    }

    /// `shares[i] ^= f(items[i])`, the sum over this party's keys of `AES_k(x) ⊕ x`.
    pub(super) fn add(&self, items: &[u128], shares: &mut [u128]) {
        for key in &self.keys {
            add_one(key, items, shares);
        }
    }

    /// What each key by itself gives, for tests of what a party can tell.
    #[cfg(test)]
    pub(super) fn each(&self, items: &[u128]) -> Vec<Vec<u128>> {
        let one = |key| {
            let mut shares = vec![0; items.len()];
            add_one(key, items, &mut shares);
            shares
        };
        self.keys.iter().map(one).collect()
    }
}

fn add_one(key: &AesKey, items: &[u128], shares: &mut [u128]) {
    let mut block = [0; BLOCK];
    for (items, shares) in items.chunks(BLOCK).zip(shares.chunks_mut(BLOCK)) {
        let block = &mut block[..items.len()];
        block.copy_from_slice(items);
        Backend::active().hash_blocks(key, block);
        shares.iter_mut().zip(block).for_each(|(share, hash)| *share ^= *hash);
    }
}
