//! What both sides know of a run before it begins.

use super::steps::Steps;
use crate::{
    psi::parameters::Sizes,
    session::{Pair, SessionError},
};

/// No two different items match but with a probability of 2^−40, over all pairs of a run.
const STATISTICAL_BITS: u32 = 40;

/// Who learns what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Output {
    /// The receiver learns which of its items are common.
    ToReceiver,
    /// Both learn which of their items are common, and hold against each other that it is the same set.
    ToBoth,
    /// The receiver learns how many items are common, and not which.
    CountToReceiver,
}

/// The public sizes of a run, and who learns what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Items of the sender.
    pub sender: usize,
    /// Items of the receiver.
    pub receiver: usize,
    /// Who learns what.
    pub output: Output,
}

impl Shape {
    /// −log2 of the bound on the probability that a run shows a false member.
    pub(super) const FAILURE_BITS: f64 = 40.0;

    /// Holds one's items to the size both know.
    pub(super) fn check(pair: &Pair<'_>, items: &[u128], size: usize) -> Result<(), SessionError> {
        let (left, right) = (items.len(), size);
        if left == right {
            Ok(())
        } else {
            Err(SessionError::Shape { step: pair.step(), left, right })
        }
    }

    /// Whether one of the sets is empty: then nothing is sent, and nothing is common.
    pub(super) fn is_empty(&self) -> bool {
        self.sender == 0 || self.receiver == 0
    }

    /// Bytes of a point that are compared: at least 40 + log2 of the number of pairs, in bits.
    ///
    /// # Panics
    /// Never for sizes below 2^44.
    #[must_use]
    pub fn tag_bytes(&self) -> usize {
        let pairs = self.sender.max(1) as u128 * self.receiver.max(1) as u128;
        let bits = STATISTICAL_BITS + pairs.next_power_of_two().trailing_zeros();
        let bytes = bits.div_ceil(8) as usize;
        assert!(bytes <= 16, "sets of 2^44 items and more are not compared in one run");
        bytes
    }

    /// All of it is one bucket.
    pub(super) fn steps(&self) -> Steps {
        Steps::of(1, Sizes { sender: self.sender, receiver: self.receiver })
    }
}
