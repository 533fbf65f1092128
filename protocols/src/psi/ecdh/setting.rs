//! What both sides hold alike before a run that goes bucket by bucket.

use std::fmt;

use super::{
    shape::{Output as OfShape, Shape},
    steps::Steps,
};
use crate::{
    psi::{
        hello::{Hello, Output},
        layout::Layout,
        parameters::{ParametersError, Sizes, equal_ids_bits},
        progress::Progress,
    },
    session::{Pair, SessionError},
};

/// The number of the protocol in a hello.
const PROTOCOL: u32 = 8;
/// Half of the failure probability of 2^-40 is for equal tags of different items.
const TAG_BITS: f64 = 41.0;
/// Bytes of a tag that is not cut.
const FULL_BYTES: usize = 16;
/// Bytes of the word that stands for a hello.
pub(super) const WORD_BYTES: usize = 16;
/// What that word is derived for.
const WORD: &str = "unseen psi ecdh word v1";

/// Sizes, buckets, who learns the outcome, and a digest of all else that the sides agreed on.
///
/// Sets that fit one bucket go as [`send`](super::send) and [`receive`](super::receive) have them go, and cannot be gone on with: no round is
/// spent on a hello, and each side says with what it sends first what it takes all of this to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Setting {
    sizes: Sizes,
    output: Output,
    context: [u8; 32],
    layout: Layout,
}

/// A digest of a setting: each side sends it before anything else, and hears the other's before it answers or takes anything.
#[derive(Clone, Copy)]
pub(super) struct Word([u8; WORD_BYTES]);

impl Word {
    /// Says it.
    pub(super) fn say(&self, pair: &mut Pair<'_>) -> Result<(), SessionError> {
        pair.send(&self.0)
    }

    /// Hears the other side's.
    ///
    /// # Errors
    /// [`SessionError::Inconsistent`] where that is another one; the link's errors.
    pub(super) fn hear(self, pair: &mut Pair<'_>) -> Result<(), SessionError> {
        let theirs: [u8; WORD_BYTES] = pair.recv_array()?;
        if theirs == self.0 {
            return Ok(());
        }
        Err(pair.inconsistent("salts, epochs, jobs, sizes or outputs"))
    }
}

impl Setting {
    /// Buckets of about `items` items of the larger set: fewer take less memory and more bytes.
    ///
    /// # Errors
    /// [`ParametersError`].
    pub fn with_buckets_of(
        items: usize,
        sizes: Sizes,
        output: Output,
        context: [u8; 32],
    ) -> Result<Self, ParametersError> {
        let layout = Layout::of_buckets_of(items, sizes)?;
        let largest = layout.capacity.sender.max(layout.capacity.receiver);
        if u32::try_from(largest).is_err() {
            return Err(ParametersError::LargeBucket { items: largest });
        }
        Ok(Self { sizes, output, context, layout })
    }

    /// Both sides' items at most.
    #[must_use]
    pub const fn sizes(&self) -> Sizes {
        self.sizes
    }

    /// Who learns the outcome.
    #[must_use]
    pub const fn output(&self) -> Output {
        self.output
    }

    /// Buckets: an item belongs to the one [`bucket_of`](crate::psi::bucket_of) says.
    #[must_use]
    pub const fn buckets(&self) -> usize {
        self.layout.buckets
    }

    /// Items that each bucket is padded to.
    #[must_use]
    pub const fn capacity(&self) -> Sizes {
        self.layout.capacity
    }

    /// Whether a run can go on over another link: there is a bucket it could go on from.
    #[must_use]
    pub const fn goes_on(&self) -> bool {
        self.layout.buckets > 1
    }

    /// Nothing is done yet of this intersection.
    #[must_use]
    pub fn progress(&self) -> Progress {
        Progress::new(&self.hello())
    }

    /// Bytes of a point that are compared.
    #[must_use]
    pub fn tag_bytes(&self) -> usize {
        if !self.goes_on() {
            return self.shape().tag_bytes();
        }
        let wanted = TAG_BITS + self.layout.pairs.max(0.0);
        let fits = |bytes: &u32| f64::from(8 * bytes) >= wanted;
        (1_u32..).take(FULL_BYTES).find(fits).map_or(FULL_BYTES, |bytes| bytes as usize)
    }

    /// −log2 of the bound on the probability that anything goes wrong by chance: a false member or a run that fails.
    #[must_use]
    pub fn failure_bits(&self) -> f64 {
        if !self.goes_on() {
            return Shape::FAILURE_BITS;
        }
        let bits = 8 * u32::try_from(self.tag_bytes()).unwrap_or(u32::MAX);
        let tags = f64::from(bits) - self.layout.pairs;
        let each = [tags, self.layout.overflow_bits(self.sizes), equal_ids_bits(self.sizes)];
        -each.map(|bits| (-bits).exp2()).iter().sum::<f64>().log2()
    }

    /// Whether a set is empty, so that there is nothing to do.
    pub(super) const fn is_trivial(&self) -> bool {
        self.sizes.sender == 0 || self.sizes.receiver == 0
    }

    pub(super) fn steps(&self) -> Steps {
        Steps::of(self.layout.buckets, self.layout.capacity)
    }

    pub(super) fn hello(&self) -> Hello {
        Hello::new((PROTOCOL, self.output), self.sizes, &self.context, &self.to_string())
    }

    /// What stands in the place of a hello where there is none.
    pub(super) fn word(&self) -> Option<Word> {
        let digest = blake3::derive_key(WORD, self.hello().as_bytes());
        let mut word = [0; WORD_BYTES];
        word.copy_from_slice(&digest[..WORD_BYTES]);
        (!self.goes_on()).then_some(Word(word))
    }

    /// The same in one piece.
    fn shape(&self) -> Shape {
        let Sizes { sender, receiver } = self.sizes;
        let output = match self.output {
            Output::ToReceiver => OfShape::ToReceiver,
            Output::ToBoth => OfShape::ToBoth,
        };
        Shape { sender, receiver, output }
    }
}

/// The quote's line: sizes, and the failure probability.
impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sizes, layout, .. } = self;
        write!(
            f,
            "{} × {} items (semi-honest) in {} buckets of {} × {}, tags of {} bytes; fails with probability 2^-{:.1} at most",
            sizes.sender,
            sizes.receiver,
            layout.buckets,
            layout.capacity.sender,
            layout.capacity.receiver,
            self.tag_bytes(),
            self.failure_bits()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(items: usize, sender: usize, receiver: usize) -> Setting {
        let sizes = Sizes { sender, receiver };
        Setting::with_buckets_of(items, sizes, Output::ToReceiver, [0; 32]).unwrap()
    }

    #[test]
    fn everything_together_fails_with_2_to_the_minus_40_at_most() {
        let sizes = [0, 1, 2, 1000, 1 << 18, (1 << 18) + 1, 1 << 20, 10_000_000, 1 << 32];
        for sender in sizes {
            for receiver in sizes {
                for items in [1 << 12, 1 << 18, 1 << 22] {
                    let got = setting(items, sender, receiver);
                    assert!(got.failure_bits() >= 40.0, "{got}");
                    assert!(got.tag_bytes() <= 13, "{got}");
                }
            }
        }
    }

    #[test]
    fn what_is_too_large_is_refused() {
        let sizes = |sender| Sizes { sender, receiver: 1 };
        let of = |items, sender| {
            Setting::with_buckets_of(items, sizes(sender), Output::ToBoth, [0; 32]).unwrap_err()
        };
        assert_eq!(of(0, 1), ParametersError::NoBucket);
        assert!(matches!(of(1, 1 << 40), ParametersError::TooManyItems { .. }));
        assert!(matches!(of(1 << 33, 1 << 33), ParametersError::LargeBucket { .. }));
    }
}
