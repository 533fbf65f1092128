//! Whose noise a party's is.

use std::fmt;

use hkdf::Hkdf;
use protocols::{prg::Prg, ring::Z64};
use sha2::Sha256;
use zeroize::Zeroizing;

/// What noise is derived for.
const DOMAIN: &[u8] = b"unseen.noise/v1";
/// What sets of updates are hashed for.
const UPDATES: &str = "unseen noise updates v1";

/// A party's own secret of a job, from which its noise is derived: uniform, told to nobody, kept until the job ends.
pub struct Secret(Zeroizing<[u8; 32]>);

impl Secret {
    /// This one.
    #[must_use]
    pub fn new(secret: Zeroizing<[u8; 32]>) -> Self {
        Self(secret)
    }

    /// Draws a fresh one.
    #[must_use]
    pub fn draw(rng: &mut Prg) -> Self {
        let mut secret = Zeroizing::new([0; 32]);
        for (bytes, word) in secret.as_chunks_mut().0.iter_mut().zip(rng.elements::<Z64>(4).iter())
        {
            *bytes = word.to_le_bytes();
        }
        Self(secret)
    }
}

/// Secrets do not print.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// One attempt at one round of one job, and what is in its sum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Round {
    /// The job.
    pub job: [u8; 32],
    /// The round.
    pub round: u32,
    /// The attempt at it.
    pub attempt: u32,
    /// A digest of the updates in the sum.
    pub updates: [u8; 32],
}

impl Round {
    /// With a digest of these updates: whose they are, and the digests that went with them. A provider that sends again sends
    /// another update, so that numbers alone would not do.
    #[must_use]
    pub fn new<'a>(
        job: [u8; 32],
        (round, attempt): (u32, u32),
        updates: impl IntoIterator<Item = (u32, &'a [u8; 32])>,
    ) -> Self {
        let mut all: Vec<_> = updates.into_iter().collect();
        all.sort_unstable();
        let mut hasher = blake3::Hasher::new_derive_key(UPDATES);
        for (provider, digest) in all {
            hasher.update(&provider.to_le_bytes()).update(digest);
        }
        Self { job, round, attempt, updates: *hasher.finalize().as_bytes() }
    }

    /// The generator of a party's noise for this sum: the same if it is made again, another one for any other sum.
    ///
    /// # Panics
    /// Never.
    ///
    /// # Source
    /// HKDF-SHA256, RFC 5869.
    #[must_use]
    pub fn generator(&self, secret: &Secret) -> Prg {
        let (round, attempt) = (self.round.to_le_bytes(), self.attempt.to_le_bytes());
        let info = [DOMAIN, &self.job, &round, &attempt, &self.updates].concat();
        let mut seed = Zeroizing::new([0; 16]);
        Hkdf::<Sha256>::new(None, &*secret.0)
            .expand(&info, seed.as_mut())
            .expect("16 bytes are within what HKDF-SHA256 gives");
        Prg::new(&seed)
    }
}
