//! Ids: 16 bytes that both sides make alike from a key, under a salt of the session.

use std::fmt;

use zeroize::Zeroizing;

use crate::{
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
        let mut half = [0; 16];
        half.copy_from_slice(&blake3::keyed_hash(&self.0, key).as_bytes()[..16]);
        u128::from_le_bytes(half)
    }

    /// The ids of many keys.
    pub fn ids<'k>(&self, keys: impl IntoIterator<Item = &'k [u8]>) -> Vec<u128> {
        keys.into_iter().map(|key| self.id(key)).collect()
    }

    /// What can be shown of the salt to compare it: a one-way image.
    #[must_use]
    pub fn commitment(&self) -> [u8; 32] {
        blake3::derive_key(COMMITMENT, &*self.0)
    }
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
