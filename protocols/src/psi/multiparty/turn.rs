//! Where a run is: which bucket, and how many were repeated before.

use super::setting::Setting;

/// One run of one bucket. All parties come past the same turns, each at most once and in ascending order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Turn {
    /// The bucket; behind the last one: all are done with.
    pub(super) bucket: u64,
    /// How many turns so far were broken off, of all buckets.
    pub(super) again: u64,
}

impl Turn {
    /// The bucket came to its end.
    pub(super) fn next(self) -> Self {
        Self { bucket: self.bucket + 1, ..self }
    }

    /// The bucket was broken off.
    pub(super) fn repeated(self) -> Self {
        Self { again: self.again + 1, ..self }
    }

    /// Whether a leader that follows the protocol calls this turn after that one: the same bucket again, or the next one, and no
    /// more repeated in all than the setting says.
    pub(super) fn may_follow(self, before: Self, setting: &Setting) -> bool {
        let again = self.bucket == before.bucket && self.again > before.again;
        let next = self.bucket == before.bucket + 1 && self.again >= before.again;
        (again || next)
            && self.bucket <= setting.buckets() as u64
            && self.again <= setting.repeats()
    }

    /// As it travels.
    pub(super) fn words(self) -> [u64; 2] {
        [self.bucket, self.again]
    }

    /// The inverse of [`Turn::words`].
    pub(super) fn of([bucket, again]: [u64; 2]) -> Self {
        Self { bucket, again }
    }
}
