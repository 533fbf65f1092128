//! The buyer's X25519 key pair: results are sealed to the public half (HPKE).

use std::{fmt, path::Path};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::key::{KeyFileError, load_secret, save_secret};

/// A public HPKE key. Written `x25519:` and 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SealingPublicKey(pub [u8; 32]);

/// A secret HPKE key. Does not print, compare or serialise.
pub struct SealingKey(Zeroizing<[u8; 32]>);

impl SealingKey {
    /// The key of 32 secret bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// A fresh key from the operating system's randomness.
    ///
    /// # Errors
    /// If the operating system has none.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(bytes.as_mut())?;
        Ok(Self(bytes))
    }

    /// Reads a key file.
    ///
    /// # Errors
    /// If the file cannot be read or holds something else.
    pub fn load(path: &Path) -> Result<Self, KeyFileError> {
        load_secret(path).map(Self)
    }

    /// Writes a key file that only its owner can read; refuses to overwrite.
    ///
    /// # Errors
    /// If it exists or cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), KeyFileError> {
        save_secret(path, &self.0)
    }

    /// The secret bytes, for the HPKE library.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// The public half.
    ///
    /// # Panics
    /// Never: every 32 bytes are an X25519 key.
    #[must_use]
    pub fn public(&self) -> SealingPublicKey {
        use hpke::{Deserializable, Kem, Serializable, kem::X25519HkdfSha256};
        type Secret = <X25519HkdfSha256 as Kem>::PrivateKey;
        #[expect(clippy::expect_used, reason = "every 32 bytes are an X25519 key")]
        let secret = Secret::from_bytes(self.0.as_ref()).expect("32 bytes");
        let public = X25519HkdfSha256::sk_to_pk(&secret).to_bytes();
        let mut bytes = [0; 32];
        bytes.copy_from_slice(&public);
        SealingPublicKey(bytes)
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealingKey({})", self.public())
    }
}

impl fmt::Display for SealingPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "x25519:{}", hex::encode(self.0))
    }
}

impl fmt::Debug for SealingPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<SealingPublicKey> for String {
    fn from(key: SealingPublicKey) -> Self {
        key.to_string()
    }
}

impl TryFrom<String> for SealingPublicKey {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let mut bytes = [0; 32];
        let digits = text.strip_prefix("x25519:").ok_or("a sealing key starts with `x25519:`")?;
        hex::decode_to_slice(digits, &mut bytes)
            .map_err(|_| "a sealing key has 64 hexadecimal digits after `x25519:`")?;
        Ok(Self(bytes))
    }
}
