//! An encoded update of which each party holds two summands of three, so that the parties can compute with it.

use std::fmt;

use protocols::{
    party::Role,
    ring::{Buf, Z64},
    share::Shared,
};

use super::{
    shares::{Share, Source},
    sum::SumError,
};

/// What one party holds of an update that was [split](super::split) and sent to two parties each: the share with its own number
/// and that of the party after it.
///
/// The first of them is what it adds up, as without this. One party's two shares are a seed and a seed, or a seed and the words:
/// they are pseudo-random whatever the update is; two parties hold all three.
pub struct Replicated {
    own: Share,
    next: Share,
    words: usize,
}

/// The two parties that hold a share of an update in this way: the one whose number it has, and the one before.
#[must_use]
pub fn holders(share: Role) -> [Role; 2] {
    [share, share.prev()]
}

impl Replicated {
    /// From the two shares that this party was sent, of an update of so many words, the trailer's included.
    ///
    /// # Errors
    /// [`SumError::Length`] if a share has words and another number of them.
    pub fn new(provider: u32, own: Share, next: Share, words: usize) -> Result<Self, SumError> {
        let other = [own.words(), next.words()].into_iter().flatten().find(|got| *got != words);
        other.map_or(Ok(Self { own, next, words }), |got| {
            Err(SumError::Length { provider, got, want: words })
        })
    }

    /// How many words the update has.
    #[must_use]
    pub fn words(&self) -> usize {
        self.words
    }

    /// The share that this party adds up.
    #[must_use]
    pub fn own(&self) -> &Share {
        &self.own
    }

    /// A reader of both shares' words.
    #[must_use]
    pub fn reader(&self) -> Reader<'_> {
        Reader { sources: [self.own.source(), self.next.source()], words: self.words }
    }

    /// All of it, as protocols take it.
    #[must_use]
    pub fn shared(&self) -> Shared<Z64> {
        let [mut own, mut next] = [(); 2].map(|()| Buf::zeroed(self.words));
        self.reader().read(0, [&mut own, &mut next]);
        Shared::from_parts(own, next)
    }
}

/// Reads both shares of an update, from any word on, in any order.
pub struct Reader<'a> {
    sources: [Source<'a>; 2],
    words: usize,
}

impl Reader<'_> {
    /// Writes the words from `from` on of both shares.
    ///
    /// # Panics
    /// If there are not as many, or the two ask for different numbers.
    pub fn read(&self, from: usize, out: [&mut [u64]; 2]) {
        let n = out[0].len();
        assert_eq!(n, out[1].len(), "the same words of both shares");
        assert!(from + n <= self.words, "words {from} and on of {}", self.words);
        for (source, out) in self.sources.iter().zip(out) {
            source.read(from, out);
        }
    }
}

/// Shares do not print.
impl fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reader({} words)", self.words)
    }
}

/// Shares do not print.
impl fmt::Debug for Replicated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Replicated({} words)", self.words)
    }
}
