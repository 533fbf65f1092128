//! What is sent, and what of it is signed.

use std::{collections::BTreeSet, fmt};

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};

use super::{setting::Setting, shamir::Secret};

/// A client's public keys of one sum, under its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// For common masks.
    pub(super) mask: [u8; 32],
    /// For sealing shares.
    pub(super) seal: [u8; 32],
    pub(super) signature: [u8; 64],
}

/// Two shares from one client for another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Whose secrets.
    pub from: u32,
    /// For whom.
    pub to: u32,
    pub(super) sealed: Vec<u8>,
}

/// Who is in the sum, and who sent shares and then no vector.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sets {
    /// Clients whose vectors are in the sum.
    pub summed: BTreeSet<u32>,
    /// Clients whose common masks are to be taken off.
    pub lost: BTreeSet<u32>,
}

/// What a client gives so that masks come off: of each neighbour one share of one kind, or that it has none.
#[derive(Default)]
pub struct Unmasking {
    /// Of neighbours in the sum: of the own mask's seed.
    pub(super) seeds: Vec<(u32, Secret)>,
    /// Of those who were lost: of the key of the common masks.
    pub(super) keys: Vec<(u32, Secret)>,
    /// Neighbours whose shares for this client do not open.
    pub(super) unopened: Vec<u32>,
}

/// Shares do not print.
impl fmt::Debug for Unmasking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unmasking({} summed, {} lost)", self.seeds.len(), self.keys.len())
    }
}

impl Keys {
    pub(super) fn sign(
        setting: &Setting,
        client: u32,
        [mask, seal]: [[u8; 32]; 2],
        key: &SigningKey,
    ) -> Self {
        let signature = key.sign(&Self::signed(setting, client, &mask, &seal)).to_bytes();
        Self { mask, seal, signature }
    }

    pub(super) fn verify(&self, setting: &Setting, client: u32) -> bool {
        let bytes = Self::signed(setting, client, &self.mask, &self.seal);
        setting.clients.get(client as usize).is_some_and(|key| holds(key, &bytes, &self.signature))
    }

    fn signed(setting: &Setting, client: u32, mask: &[u8; 32], seal: &[u8; 32]) -> Vec<u8> {
        let parts: [&[u8]; 5] =
            [b"unseen.secagg.keys/v1", &setting.digest, &client.to_le_bytes(), mask, seal];
        parts.concat()
    }
}

impl Sets {
    /// What names these sets in this sum.
    #[must_use]
    pub fn digest(&self, setting: &Setting) -> [u8; 32] {
        *blake3::hash(&self.signed(setting)).as_bytes()
    }

    /// What names whose vectors of this origin ([`super::Name::from`]) are in a sum, whichever job it is of: the clients by their
    /// registered keys. Two sums of one name have no difference to take.
    #[must_use]
    pub fn summed_of(&self, setting: &Setting, from: &[u8; 32]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("unseen 2026-11 secure sum: summed");
        hasher.update(from).update(&(self.summed.len() as u64).to_le_bytes());
        for client in &self.summed {
            let key = setting.clients.get(*client as usize);
            hasher.update(&key.map_or([0; 32], VerifyingKey::to_bytes));
        }
        *hasher.finalize().as_bytes()
    }

    /// What clients sign of these sets.
    pub(super) fn signed(&self, setting: &Setting) -> Vec<u8> {
        let mut bytes = [b"unseen.secagg.sets/v1".as_slice(), &setting.digest].concat();
        for set in [&self.summed, &self.lost] {
            bytes.extend((set.len() as u64).to_le_bytes());
            set.iter().for_each(|client| bytes.extend(client.to_le_bytes()));
        }
        bytes
    }
}

/// Whether a signature is that of a key under these bytes.
pub(super) fn holds(key: &VerifyingKey, bytes: &[u8], signature: &[u8; 64]) -> bool {
    key.verify_strict(bytes, &Signature::from_bytes(signature)).is_ok()
}
