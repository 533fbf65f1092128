//! Canonical bytes: what is hashed and signed is `domain tag ‖ 0 ‖ SHA-256(JCS(value))` (RFC 8785), integers of 64 bits as strings.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A SHA-256 value. Written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash32(pub [u8; 32]);

/// The hash of a value's canonical JSON under a domain tag: SHA-256(domain ‖ 0 ‖ SHA-256(JCS)).
///
/// # Panics
/// If the value cannot be JSON (a map with keys that are not strings): a programming error.
pub fn canonical_hash<T: Serialize>(domain: &str, value: &T) -> Hash32 {
    Hash32(Sha256::digest(canonical_message(domain, value)).into())
}

/// The bytes that are signed for a value: domain ‖ 0 ‖ SHA-256(JCS(value)).
///
/// # Panics
/// As [`canonical_hash`].
pub fn canonical_message<T: Serialize>(domain: &str, value: &T) -> Vec<u8> {
    #[expect(clippy::expect_used, reason = "our own types are JSON objects")]
    let json = serde_jcs::to_vec(value).expect("a wire type is an object with string keys");
    let mut message = Vec::with_capacity(domain.len() + 33);
    message.extend_from_slice(domain.as_bytes());
    message.push(0);
    message.extend_from_slice(&Sha256::digest(&json));
    message
}

impl fmt::Display for Hash32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Hash32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for Hash32 {
    type Err = hex::FromHexError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes)?;
        Ok(Self(bytes))
    }
}

impl Serialize for Hash32 {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash32 {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// 64-bit integers as decimal strings, since JSON numbers lose them: `#[serde(with = "int_string")]`.
pub mod int_string {
    use std::{fmt::Display, str::FromStr};

    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes the integer as a string.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<T: Display, S: Serializer>(value: &T, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(value)
    }

    /// Reads an integer from a string.
    ///
    /// # Errors
    /// If it is no string, or no integer of this type.
    pub fn deserialize<'de, T: FromStr, D: Deserializer<'de>>(d: D) -> Result<T, D::Error>
    where
        T::Err: Display,
    {
        let text = String::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
