//! Keys: one for each publication.

use std::fmt;

use curve25519_dalek::{RistrettoPoint, Scalar};
use zeroize::{Zeroize, Zeroizing};

use super::suite::{Element, decode, random_scalar};
use crate::prg::Prg;

/// The public half of a publication's key, in its [`Header`](super::Header).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(Element);

impl PublicKey {
    /// The key of these bytes, if they are the encoding of a point other than the neutral one.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Option<Self> {
        decode(&bytes).map(|_| Self(bytes))
    }

    /// The encoding.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(super) fn point(&self) -> Option<RistrettoPoint> {
        decode(&self.0)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PublicKey(")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

/// The secret of the function.
pub(super) struct SecretKey {
    scalar: Scalar,
    public: PublicKey,
}

impl SecretKey {
    /// The key of a scalar, unless it is 0.
    pub(super) fn new(scalar: Scalar) -> Option<Self> {
        let public = RistrettoPoint::mul_base(&scalar).compress().to_bytes();
        (scalar != Scalar::ZERO).then_some(Self { scalar, public: PublicKey(public) })
    }

    pub(super) fn public(&self) -> &PublicKey {
        &self.public
    }

    pub(super) fn scalar(&self) -> &Scalar {
        &self.scalar
    }
}

impl Drop for SecretKey {
    fn drop(&mut self) {
        self.scalar.zeroize();
    }
}

/// The secret of one publication: what answers queries against it, and nothing else.
///
/// Only [`publish`](super::publish) makes one, fresh for each publication.
pub struct EpochKey {
    pub(super) number: u64,
    pub(super) secret: SecretKey,
}

impl EpochKey {
    /// A fresh key.
    pub(super) fn random(number: u64, rng: &mut Prg) -> Self {
        loop {
            if let Some(secret) = SecretKey::new(random_scalar(rng)) {
                return Self { number, secret };
            }
        }
    }

    /// The epoch it is for.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> &PublicKey {
        self.secret.public()
    }

    /// What to keep, in a safe place, as long as the epoch lasts.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<[u8; 40]> {
        let mut bytes = Zeroizing::new([0; 40]);
        bytes[..8].copy_from_slice(&self.number.to_le_bytes());
        bytes[8..].copy_from_slice(self.secret.scalar().as_bytes());
        bytes
    }

    /// The key that was kept; nothing if the bytes are none.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 40]) -> Option<Self> {
        let (number, scalar) = bytes.split_first_chunk::<8>()?;
        let scalar = Scalar::from_canonical_bytes(scalar.try_into().ok()?);
        let secret = SecretKey::new(Option::from(scalar)?)?;
        Some(Self { number: u64::from_le_bytes(*number), secret })
    }
}

/// Keys do not print.
impl fmt::Debug for EpochKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EpochKey(epoch {}, ..)", self.number)
    }
}
