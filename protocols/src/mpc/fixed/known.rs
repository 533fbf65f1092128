//! What is known in the clear: words in batches, and the products of what P0 knows with what P1 and P2 know.

use std::ops::Range;

use crate::ring::{Ring, Z32, Z64};

/// Rows that go through a protocol together: few enough that what they take stays in the second-level cache.
pub(super) const BATCH: usize = 1 << 14;

/// Runs of at most [`BATCH`] rows.
pub(super) fn batches(n: usize) -> impl Iterator<Item = Range<usize>> {
    (0..n).step_by(BATCH).map(move |from| from..(from + BATCH).min(n))
}

/// A ring of at most 64 bits, between its words and `u64`.
pub(super) trait Narrow: Ring {
    /// The word modulo the ring's size.
    fn narrow(word: u64) -> Self::Word;
    /// The word as it stands.
    fn wide(word: Self::Word) -> u64;
}

impl Narrow for Z32 {
    #[expect(clippy::cast_possible_truncation, reason = "modulo 2^32 is meant")]
    fn narrow(word: u64) -> u32 {
        word as u32
    }
    fn wide(word: u32) -> u64 {
        u64::from(word)
    }
}

impl Narrow for Z64 {
    fn narrow(word: u64) -> u64 {
        word
    }
    fn wide(word: u64) -> u64 {
        word
    }
}
