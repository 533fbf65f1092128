//! What both sides know of a run before it begins.

use std::ops::Range;

use crate::session::{Pair, SessionError};

/// Items whose points travel together: 128 KiB, some ten milliseconds of work.
const CHUNK: usize = 4096;

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

    /// How many chunks the larger set has; both sides go through as many steps.
    pub(super) fn steps(&self) -> usize {
        self.sender.max(self.receiver).div_ceil(CHUNK)
    }

    /// What of the sender's items goes in a step.
    pub(super) fn of_sender(&self, step: usize) -> Range<usize> {
        chunk(step, self.sender)
    }

    /// What of the receiver's items goes in a step.
    pub(super) fn of_receiver(&self, step: usize) -> Range<usize> {
        chunk(step, self.receiver)
    }
}

fn chunk(step: usize, len: usize) -> Range<usize> {
    (step * CHUNK).min(len)..((step + 1) * CHUNK).min(len)
}
