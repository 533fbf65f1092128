//! Masks from secrets, and the sealing of shares.

use chacha20poly1305::{
    ChaCha20Poly1305, KeyInit as _,
    aead::{Aead as _, Payload},
};
use hkdf::Hkdf;
use sha2::Sha256;
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

use super::{setting::Setting, shamir::Secret};

/// The key of a client's own mask.
pub(super) fn own(setting: &Setting, client: u32, seed: &Secret) -> Zeroizing<[u8; 16]> {
    derive(setting, seed.as_ref(), &[b"own", &client.to_le_bytes()])
}

/// The key of the mask that two clients have in common; nothing if the public key forces it.
pub(super) fn common(
    setting: &Setting,
    (a, secret): (u32, &Secret),
    (b, public): (u32, &[u8; 32]),
) -> Option<Zeroizing<[u8; 16]>> {
    let shared = agree(secret, public)?;
    let (low, high) = (a.min(b).to_le_bytes(), a.max(b).to_le_bytes());
    Some(derive(setting, shared.as_ref(), &[b"common", &low, &high]))
}

/// Whether the first of two clients adds their common mask; the second subtracts it.
pub(super) const fn adds(client: u32, other: u32) -> bool {
    client < other
}

/// The public key of a secret one.
pub(super) fn public(secret: &Secret) -> [u8; 32] {
    PublicKey::from(&StaticSecret::from(**secret)).to_bytes()
}

/// Whether a public key gives secrets: one of low order gives the same one to whomever, so any key of one's own tells.
pub(super) fn gives(public: &[u8; 32]) -> bool {
    agree(&Zeroizing::new([1; 32]), public).is_some()
}

/// The cipher between two clients, in one direction.
pub(super) struct Seal {
    cipher: ChaCha20Poly1305,
    bound: Vec<u8>,
}

impl Seal {
    /// For what `from` sends `to`, at either end; nothing if the public key forces the secret.
    pub(super) fn new(
        setting: &Setting,
        (from, to): (u32, u32),
        secret: &Secret,
        public: &[u8; 32],
    ) -> Option<Self> {
        let shared = agree(secret, public)?;
        let bound = [from.to_le_bytes(), to.to_le_bytes()].concat();
        let key: Zeroizing<[u8; 32]> = derive(setting, shared.as_ref(), &[b"seal", &bound]);
        Some(Self { cipher: ChaCha20Poly1305::new(&(*key).into()), bound })
    }

    /// Seals the one message there is: the nonce is 0, since the key serves for nothing else.
    pub(super) fn seal(&self, shares: &[Secret; 2]) -> Vec<u8> {
        let plain = Zeroizing::new([*shares[0], *shares[1]].concat());
        let payload = Payload { msg: &plain, aad: &self.bound };
        self.cipher.encrypt(&[0; 12].into(), payload).unwrap_or_default()
    }

    /// Opens it.
    pub(super) fn open(&self, sealed: &[u8]) -> Option<[Secret; 2]> {
        let payload = Payload { msg: sealed, aad: &self.bound };
        let plain = Zeroizing::new(self.cipher.decrypt(&[0; 12].into(), payload).ok()?);
        let (first, second) = plain.split_at_checked(32)?;
        let secret = |bytes: &[u8]| Some(Zeroizing::new(<[u8; 32]>::try_from(bytes).ok()?));
        Some([secret(first)?, secret(second)?])
    }
}

fn agree(secret: &Secret, public: &[u8; 32]) -> Option<Zeroizing<[u8; 32]>> {
    let shared = StaticSecret::from(**secret).diffie_hellman(&PublicKey::from(*public));
    shared.was_contributory().then(|| Zeroizing::new(*shared.as_bytes()))
}

fn derive<const N: usize>(setting: &Setting, secret: &[u8], parts: &[&[u8]]) -> Zeroizing<[u8; N]> {
    let mut out = Zeroizing::new([0; N]);
    let info = parts.concat();
    let hkdf = Hkdf::<Sha256>::new(Some(&setting.digest), secret);
    // A few bytes are never too many for HKDF.
    if hkdf.expand(&info, out.as_mut()).is_err() {
        unreachable!("HKDF gives up to 8160 bytes");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Name, Threshold},
        *,
    };

    /// Also bits that a checksum of 32 bits would not tell apart: a mask is worth no more than what is left of its secret.
    #[test]
    fn every_bit_of_a_secret_counts() {
        let clients =
            (1..=3).map(|key| ed25519_dalek::SigningKey::from_bytes(&[key; 32]).verifying_key());
        let name = Name { job: [1; 32], round: 0, attempt: 0, from: [2; 32] };
        let threshold = (Threshold::complete(3, 0, 0).unwrap(), 2);
        let setting = Setting::new(name, clients.collect(), 4, threshold, &[3; 32]).unwrap();
        let mut seen = std::collections::BTreeSet::new();
        let mut is_new = |secret: [u8; 32]| {
            let secret = Zeroizing::new(secret);
            assert!(seen.insert(*own(&setting, 0, &secret)), "another secret, the same mask");
        };
        is_new([0; 32]);
        for bit in 0..256 {
            let mut secret = [0; 32];
            secret[bit / 8] = 1 << (bit % 8);
            is_new(secret);
        }
        // Two equal words cancel in a sum of words.
        for word in 0..7 {
            let mut secret = [0; 32];
            secret[4 * word..4 * word + 8].fill(9);
            is_new(secret);
        }
    }
}
