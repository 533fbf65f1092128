//! A party's Ed25519 identity, and values signed with it.

use std::{fmt, path::Path};

use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use zeroize::Zeroizing;

use super::{canonical::canonical_message, name::PartyName};

/// A party's public key. Written `ed25519:` and 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey([u8; 32]);

/// An Ed25519 signature. Written as 128 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Signature([u8; 64]);

/// A party's secret key. Does not print, compare or serialise.
pub struct IdentityKey(SigningKey);

/// A value with the name and the signature of the party that vouches for it. Check it with [`Signed::verify`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signed<T> {
    /// What is signed.
    pub body: T,
    /// Who signed.
    pub party: PartyName,
    /// Over the canonical message of `body` under the type's domain tag.
    pub signature: Signature,
}

/// A signature that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signature of {0} does not hold")]
pub struct BadSignature(pub String);

/// A key file that cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// The file system said no.
    #[error("key file {path}: {source}")]
    Io {
        /// Which file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// It holds something else.
    #[error("key file {0} does not hold 64 hexadecimal digits; make one with `unseen keygen`")]
    Malformed(String),
}

impl IdentityKey {
    /// The key of a 32-byte seed.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// A fresh key from the operating system's randomness.
    ///
    /// # Errors
    /// If the operating system has none.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(seed.as_mut())?;
        Ok(Self::from_seed(&seed))
    }

    /// The seed, for writing a certificate or a key file.
    #[must_use]
    pub fn seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// Reads a key file.
    ///
    /// # Errors
    /// If the file cannot be read or holds something else.
    pub fn load(path: &Path) -> Result<Self, KeyFileError> {
        Ok(Self::from_seed(&*load_secret(path)?))
    }

    /// Writes a key file that only its owner can read; refuses to overwrite.
    ///
    /// # Errors
    /// If it exists or cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), KeyFileError> {
        save_secret(path, &self.seed())
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// Signs a value under a domain tag.
    pub fn sign<T: Serialize>(&self, domain: &str, value: &T) -> Signature {
        self.sign_bytes(&canonical_message(domain, value))
    }

    /// The key itself, for a protocol that signs messages of its own with it: each must start with a domain tag of its own.
    pub(crate) fn signer(&self) -> SigningKey {
        self.0.clone()
    }

    /// Signs raw bytes, which must start with a domain tag of their own.
    #[must_use]
    pub fn sign_bytes(&self, message: &[u8]) -> Signature {
        Signature(self.0.sign(message).to_bytes())
    }
}

impl<T: Serialize + DeserializeOwned> Signed<T> {
    /// Signs `body` as `party`.
    pub fn new(domain: &str, body: T, party: PartyName, key: &IdentityKey) -> Self {
        let signature = key.sign(domain, &body);
        Self { body, party, signature }
    }

    /// The body, if `key` signed it under this domain tag.
    ///
    /// # Errors
    /// [`BadSignature`] naming the party.
    pub fn verify(&self, domain: &str, key: &PublicKey) -> Result<&T, BadSignature> {
        key.verify(domain, &self.body, &self.signature)
            .map(|()| &self.body)
            .map_err(|_| BadSignature(self.party.to_string()))
    }
}

impl Signature {
    /// The signature of 64 bytes, whatever they are.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

impl PublicKey {
    /// The key of 32 bytes, whatever they are; a bad one verifies nothing.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Checks a signature over a value under a domain tag (strict: no small-order keys).
    ///
    /// # Errors
    /// [`BadSignature`] naming this key.
    pub fn verify<T: Serialize>(
        &self,
        domain: &str,
        value: &T,
        signature: &Signature,
    ) -> Result<(), BadSignature> {
        self.verify_bytes(&canonical_message(domain, value), signature)
    }

    /// Checks a signature over raw bytes.
    ///
    /// # Errors
    /// [`BadSignature`] naming this key.
    pub fn verify_bytes(&self, message: &[u8], signature: &Signature) -> Result<(), BadSignature> {
        let bad = || BadSignature(self.to_string());
        let key = VerifyingKey::from_bytes(&self.0).map_err(|_| bad())?;
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        key.verify_strict(message, &signature).map_err(|_| bad())
    }
}

/// Reads 32 secret bytes as hexadecimal digits.
pub(super) fn load_secret(path: &Path) -> Result<Zeroizing<[u8; 32]>, KeyFileError> {
    let text = std::fs::read_to_string(path)
        .map(Zeroizing::new)
        .map_err(|source| KeyFileError::Io { path: path.display().to_string(), source })?;
    let mut bytes = Zeroizing::new([0; 32]);
    hex::decode_to_slice(text.trim(), bytes.as_mut())
        .map_err(|_| KeyFileError::Malformed(path.display().to_string()))?;
    Ok(bytes)
}

/// Writes 32 secret bytes to a new file that only its owner can read.
pub(super) fn save_secret(path: &Path, secret: &[u8; 32]) -> Result<(), KeyFileError> {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    let text = Zeroizing::new(hex::encode(secret));
    std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| writeln!(file, "{}", text.as_str()))
        .map_err(|source| KeyFileError::Io { path: path.display().to_string(), source })
}

impl fmt::Debug for IdentityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdentityKey({})", self.public())
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ed25519:{}", hex::encode(self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", hex::encode(self.0))
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> Self {
        key.to_string()
    }
}

impl TryFrom<String> for PublicKey {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let mut bytes = [0; 32];
        let digits = text.strip_prefix("ed25519:").ok_or("a key starts with `ed25519:`")?;
        hex::decode_to_slice(digits, &mut bytes)
            .map_err(|_| "a key has 64 hexadecimal digits after `ed25519:`")?;
        Ok(Self(bytes))
    }
}

impl From<Signature> for String {
    fn from(signature: Signature) -> Self {
        hex::encode(signature.0)
    }
}

impl TryFrom<String> for Signature {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let mut bytes = [0; 64];
        hex::decode_to_slice(&text, &mut bytes)
            .map_err(|_| "a signature has 128 hexadecimal digits")?;
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> IdentityKey {
        IdentityKey::from_seed(&[byte; 32])
    }

    #[test]
    fn a_signature_holds_for_its_body_domain_and_key_only() {
        let name = PartyName::try_from("census").unwrap();
        let mut signed = Signed::new("test/a", vec![1, 2], name, &key(1));
        assert!(signed.verify("test/a", &key(1).public()).is_ok());
        assert!(signed.verify("test/b", &key(1).public()).is_err());
        assert!(signed.verify("test/a", &key(2).public()).is_err());
        signed.body[0] = 9;
        assert!(signed.verify("test/a", &key(1).public()).is_err());
    }

    #[test]
    fn a_key_file_is_private_and_never_overwritten() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("identity.key");
        key(7).save(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(IdentityKey::load(&path).unwrap().public(), key(7).public());
        assert!(matches!(key(8).save(&path), Err(KeyFileError::Io { .. })));
        std::fs::write(&path, "abc").unwrap();
        assert!(matches!(IdentityKey::load(&path), Err(KeyFileError::Malformed(_))));
    }

    #[test]
    fn a_secret_key_prints_its_public_half_only() {
        let text = format!("{:?}", key(7));
        assert!(text.contains("ed25519:"));
        assert!(!text.contains(&hex::encode([7; 32])));
    }
}
