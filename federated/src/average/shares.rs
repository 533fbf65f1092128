//! One encoded update in three shares, two of which are seeds.

use std::fmt;

use protocols::{party::Role, prg::Prg, ring::Z64};
use zeroize::Zeroizing;

use crate::{pairs::Pairs, stream::Stream};

/// What digests of shares are derived for.
const DIGEST: &str = "unseen update share digest v1";
/// Words that are hashed at once: enough for several chunks of the hash side by side.
const HASHED: usize = 4096;

/// Three fresh seeds, which serve for one update and nothing else: two that mask it, and one by which it is rounded where that
/// is done at random.
pub struct Seeds([Zeroizing<[u8; 16]>; 3]);

impl Seeds {
    /// Seeds that must be uniform, unknown to anybody else, and never used before: another transmission of the same update
    /// takes fresh ones.
    #[must_use]
    pub fn new(seeds: [Zeroizing<[u8; 16]>; 3]) -> Self {
        Self(seeds)
    }

    /// Draws them.
    #[must_use]
    pub fn draw(rng: &mut Prg) -> Self {
        let words = rng.elements::<Z64>(6);
        let seed = |at: usize| {
            let mut bytes = Zeroizing::new([0; 16]);
            bytes[..8].copy_from_slice(&words[at].to_le_bytes());
            bytes[8..].copy_from_slice(&words[at + 1].to_le_bytes());
            bytes
        };
        Self([seed(0), seed(2), seed(4)])
    }
}

impl Seeds {
    /// What is left of words when one seed's stream is added and the other's subtracted.
    pub(super) fn masks(&self) -> Masks {
        let [plus, minus, _] = &self.0;
        Masks { plus: Stream::new(plus), minus: Stream::new(minus) }
    }

    /// What an update is rounded by. Nobody else ever has this seed.
    pub(super) fn rounding(&self) -> Stream {
        Stream::new(&self.0[2])
    }

    /// Both seeds and the words that they left, in the parties' order.
    pub(super) fn shares(self, words: Role, masked: Vec<u64>) -> [Share; 3] {
        let Self([plus, minus, _]) = self;
        let mut shares = [Share::Plus(plus), Share::Minus(minus), Share::Words(masked)];
        // The words go to the party whose turn it is, the seeds to the two after it.
        shares.rotate_left((2 + 3 - words.index()) % 3);
        shares
    }
}

/// The streams of an update's two seeds.
pub(super) struct Masks {
    plus: Stream,
    minus: Stream,
}

impl Masks {
    /// Takes the seeds' words from `from` on, an even number, off an update's.
    pub(super) fn apply(&self, pairs: Pairs, from: usize, words: &mut [u64]) {
        self.minus.add_and_subtract(&self.plus, (from, pairs), words);
    }
}

/// Seeds do not print.
impl fmt::Debug for Seeds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seeds")
    }
}

/// What one party gets of one update.
pub enum Share {
    /// The words of a seed's stream, to be added.
    Plus(Zeroizing<[u8; 16]>),
    /// The words of a seed's stream, to be subtracted.
    Minus(Zeroizing<[u8; 16]>),
    /// The words themselves.
    Words(Vec<u64>),
}

/// Shares do not print.
impl fmt::Debug for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plus(_) | Self::Minus(_) => "Share(seed)",
            Self::Words(_) => "Share(words)",
        })
    }
}

/// Who gets the words of a provider's updates: the parties in turn, so that they carry alike.
#[must_use]
pub fn explicit_party(provider: usize) -> Role {
    Role::ALL[provider % 3]
}

/// Splits an update that is encoded in 64 bits into the shares of the three parties, in order; `words` is whose turn it is to get words.
///
/// # Security
/// The streams are pseudo-random and each is used once: the words alone, or with one of the seeds, are pseudo-random.
#[must_use]
pub fn split(mut encoded: Vec<u64>, seeds: Seeds, words: Role) -> [Share; 3] {
    seeds.masks().apply(Pairs::NONE, 0, &mut encoded);
    seeds.shares(words, encoded)
}

impl Share {
    /// How many coordinates it has, if it says so itself.
    #[must_use]
    pub fn words(&self) -> Option<usize> {
        match self {
            Self::Words(words) => Some(words.len()),
            Self::Plus(_) | Self::Minus(_) => None,
        }
    }

    /// A digest that the two holders of a share compare: a seed's tells nothing to who does not know the seed, and that of words
    /// goes to who has them.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let seed = |sign: &[u8], seed: &[u8; 16]| {
            let mut hasher = blake3::Hasher::new_derive_key(DIGEST);
            *hasher.update(sign).update(seed).finalize().as_bytes()
        };
        match self {
            Self::Plus(plus) => seed(b"+", plus),
            Self::Minus(minus) => seed(b"-", minus),
            Self::Words(words) => {
                let mut digest = WordsDigest::new();
                digest.update(words);
                digest.finish()
            }
        }
    }

    /// A copy for the other holder of the share.
    #[must_use]
    pub fn copy(&self) -> Self {
        match self {
            Self::Plus(seed) => Self::Plus(seed.clone()),
            Self::Minus(seed) => Self::Minus(seed.clone()),
            Self::Words(words) => Self::Words(words.clone()),
        }
    }

    /// Writes its words from `from` on: for a piece of an update whose other share lies elsewhere.
    ///
    /// # Panics
    /// If it has words, and not as many.
    pub fn read(&self, from: usize, out: &mut [u64]) {
        self.source().read(from, out);
    }

    /// Where its words are read from.
    pub(super) fn source(&self) -> Source<'_> {
        match self {
            Self::Words(words) => Source::Words(words),
            Self::Plus(seed) => Source::Stream { plus: true, stream: Stream::new(seed).into() },
            Self::Minus(seed) => Source::Stream { plus: false, stream: Stream::new(seed).into() },
        }
    }

    /// Adds it to a sum.
    ///
    /// # Panics
    /// If it has words, and not as many as the sum.
    pub fn add_to(&self, sum: &mut [u64]) {
        self.add_pairs(Pairs::NONE, sum);
    }

    /// Adds it to a sum of which some words are pairs.
    ///
    /// # Panics
    /// If it has words, and not as many as the sum.
    pub fn add_pairs(&self, pairs: Pairs, sum: &mut [u64]) {
        match self {
            Self::Words(words) => {
                assert_eq!(words.len(), sum.len(), "words of a share");
                pairs.add(0, sum, words);
            }
            Self::Plus(seed) => Stream::new(seed).add_pairs(true, pairs, sum),
            Self::Minus(seed) => Stream::new(seed).add_pairs(false, pairs, sum),
        }
    }
}

/// The [digest](Share::digest) of words that come in pieces.
pub(crate) struct WordsDigest(blake3::Hasher);

impl WordsDigest {
    pub(crate) fn new() -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(DIGEST);
        hasher.update(b"w");
        Self(hasher)
    }

    pub(crate) fn update(&mut self, words: &[u64]) {
        let mut bytes = vec![0; 8 * HASHED.min(words.len())];
        for words in words.chunks(HASHED) {
            let bytes = &mut bytes[..8 * words.len()];
            for (bytes, word) in bytes.as_chunks_mut().0.iter_mut().zip(words) {
                *bytes = word.to_le_bytes();
            }
            self.0.update(bytes);
        }
    }

    pub(crate) fn finish(&self) -> [u8; 32] {
        *self.0.finalize().as_bytes()
    }
}

/// The words of a share, wherever they come from.
pub(super) enum Source<'a> {
    Words(&'a [u64]),
    Stream { plus: bool, stream: Box<Stream> },
}

impl Source<'_> {
    /// Writes the words from `from` on.
    pub(super) fn read(&self, from: usize, out: &mut [u64]) {
        match self {
            Self::Words(words) => out.copy_from_slice(&words[from..from + out.len()]),
            Self::Stream { plus, stream } => stream.read(*plus, from, out),
        }
    }
}
