//! Ids: 16 bytes that both sides make alike from a key, under a salt of the session.

use std::fmt;

use zeroize::Zeroizing;

use crate::{
    kernels::Backend,
    prg::Prg,
    ring::Z128,
    session::{Pair, PairCost, SessionError, Side},
};

/// What [`Salt::commitment`] is derived for.
const COMMITMENT: &str = "unseen psi salt commitment v1";
/// What [`Salt::agree`] is derived for.
const AGREEMENT: &str = "unseen psi salt agreement v1";
/// Random bytes that each side brings to [`Salt::agree`].
const PART_BYTES: usize = 32;
/// Longest key that is hashed beside others.
const BLOCK: usize = 64;
/// Keys that are hashed beside each other.
const BATCH: usize = 64;

/// The salt of a session: the key under which keys become ids.
///
/// # Security
/// Both sides know it and nobody else should: who has it can try keys against ids. Ids never travel, so a lost salt alone
/// shows nothing. A new salt for each session keeps the ids of two sessions apart.
pub struct Salt(Zeroizing<[u8; 32]>);

impl Salt {
    /// The salt of these 32 bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// A salt of two: each side brings 32 random bytes.
    ///
    /// # Cost
    /// One message of 32 bytes each way; [`Salt::cost`].
    ///
    /// # Errors
    /// If the link is down.
    ///
    /// # Security
    /// The side that hears first can choose its part so that some bits of the salt are as it likes. With the hash a random
    /// oracle that gains nothing but the choice among so many random salts.
    pub fn agree(pair: &mut Pair<'_>, side: Side, rng: &mut Prg) -> Result<Self, SessionError> {
        let mut parts = Zeroizing::new([[0_u8; PART_BYTES]; 2]);
        let (own, peers) = match side {
            Side::Sender => (0, 1),
            Side::Receiver => (1, 0),
        };
        let words = rng.elements::<Z128>(PART_BYTES / 16);
        parts[own].copy_from_slice(bytemuck::cast_slice(&words));
        pair.send(&parts[own])?;
        parts[peers] = pair.recv_array()?;
        Ok(Self::new(blake3::derive_key(AGREEMENT, parts.as_flattened())))
    }

    /// The price of [`Salt::agree`].
    pub fn cost(c: &mut PairCost) {
        c.exchange(PART_BYTES);
    }

    /// The id of a key's canonical bytes: the first half of BLAKE3 keyed with the salt.
    ///
    /// # Security
    /// With BLAKE3 a random oracle, ids of different keys are independent and uniform: `n` keys collide with probability
    /// at most `n² / 2^129`. Canonical bytes of different keys must differ; a length before every part sees to that.
    #[must_use]
    pub fn id(&self, key: &[u8]) -> u128 {
        half(blake3::keyed_hash(&self.0, key).as_bytes())
    }

    /// The ids of many keys: several at a time where they are short.
    pub fn ids<'k>(&self, keys: impl IntoIterator<Item = &'k [u8]>) -> Vec<u128> {
        let mut ids = Vec::new();
        let mut batch = Batch { blocks: [[0; BLOCK]; BATCH], lengths: [0; BATCH], len: 0 };
        for key in keys {
            if key.len() > BLOCK {
                batch.hash(&self.0, &mut ids);
                ids.push(self.id(key));
            } else if batch.push(key) {
                batch.hash(&self.0, &mut ids);
            }
        }
        batch.hash(&self.0, &mut ids);
        ids
    }

    /// What can be shown of the salt to compare it: a one-way image.
    #[must_use]
    pub fn commitment(&self) -> [u8; 32] {
        blake3::derive_key(COMMITMENT, &*self.0)
    }
}

/// Keys of at most a block that are hashed together.
struct Batch {
    blocks: [[u8; BLOCK]; BATCH],
    lengths: [u8; BATCH],
    len: usize,
}

impl Batch {
    /// Takes a key in; whether that was the last that there is room for.
    fn push(&mut self, key: &[u8]) -> bool {
        let block = &mut self.blocks[self.len];
        let (own, rest) = block.split_at_mut(key.len());
        own.copy_from_slice(key);
        rest.fill(0);
        self.lengths[self.len] = u8::try_from(key.len()).unwrap_or(u8::MAX);
        self.len += 1;
        self.len == BATCH
    }

    /// Adds the ids of those that are there, and begins anew.
    fn hash(&mut self, salt: &[u8; 32], ids: &mut Vec<u128>) {
        let mut hashes = [[0; 32]; BATCH];
        let (len, hashes) = (self.len, &mut hashes[..self.len]);
        Backend::active().keyed_hash(salt, &self.blocks[..len], &self.lengths[..len], hashes);
        ids.extend(hashes.iter().map(half));
        self.len = 0;
    }
}

/// The first half of a hash as a number.
fn half(hash: &[u8; 32]) -> u128 {
    let mut half = [0; 16];
    half.copy_from_slice(&hash[..16]);
    u128::from_le_bytes(half)
}

/// Salts do not print.
impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::Duo;

    #[test]
    fn an_id_is_half_of_the_keyed_hash() {
        let salt = Salt::new([7; 32]);
        let whole = blake3::keyed_hash(&[7; 32], b"key");
        assert_eq!(salt.id(b"key").to_le_bytes(), whole.as_bytes()[..16]);
        assert_ne!(salt.id(b"key"), Salt::new([8; 32]).id(b"key"));
        assert_eq!(salt.ids([&b"a"[..], b"b"]), [salt.id(b"a"), salt.id(b"b")]);
        assert_eq!(format!("{salt:?}"), "Salt(..)");
    }

    #[test]
    fn ids_of_many_keys_are_those_of_each_whatever_their_lengths() {
        let salt = Salt::new([9; 32]);
        for n in [0, 1, 63, 64, 65, 200] {
            let keys: Vec<Vec<u8>> = (0..n).map(|i: u8| vec![i; usize::from(i) % 90]).collect();
            let want: Vec<u128> = keys.iter().map(|key| salt.id(key)).collect();
            assert_eq!(salt.ids(keys.iter().map(Vec::as_slice)), want, "{n}");
        }
    }

    #[test]
    fn two_sides_agree_on_a_salt() {
        let run = |seed| {
            Duo::new(seed).run(
                |pair, rng| Ok(Salt::agree(pair, Side::Sender, rng)?.commitment()),
                |pair, rng| Ok(Salt::agree(pair, Side::Receiver, rng)?.commitment()),
            )
        };
        let (one, two) = (run(1), run(2));
        assert_eq!(one.sender, one.receiver);
        assert_ne!(one.sender, two.sender);
        let mut cost = PairCost::new();
        Salt::cost(&mut cost);
        one.assert_cost(&cost);
    }
}
