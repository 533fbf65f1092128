//! Which attempt a frame belongs to, by its tag.

use crate::{net::Tag, session::fork::STEP_BITS};

/// Numbers of each attempt in tags: the first is its own, the others are of parts of forks within it.
pub(in crate::session) const NUMBERS: u64 = 1 << 19;

/// The attempts at units of one step, or of several one after the other.
#[derive(Clone, Copy, Debug)]
pub(in crate::session) struct Span {
    /// The step in which they begin, and the last one that they may come to.
    pub(in crate::session) step: u64,
    pub(super) last_step: u64,
    /// The number of the first attempt.
    first: u64,
    /// How many there can be.
    attempts: u64,
    /// How many units this party is done with.
    pub(in crate::session) done: u64,
}

impl Span {
    pub(super) fn new((step, last_step): (u64, u64), first: u64, attempts: u64) -> Self {
        Self { step, last_step, first, attempts, done: 0 }
    }

    /// The same where this party is done with so many units.
    pub(super) fn with_done(self, done: u64) -> Self {
        Self { done, ..self }
    }

    /// Which attempt a frame belongs to, be it to a part of a fork within it.
    pub(in crate::session) fn attempt(self, path: u64) -> Option<u64> {
        let attempt = (path >> STEP_BITS).checked_sub(self.first)? / NUMBERS;
        let steps = self.step..=self.last_step;
        let here = steps.contains(&(path & ((1 << STEP_BITS) - 1)));
        (here && attempt < self.attempts).then_some(attempt)
    }

    /// The number of an attempt.
    pub(in crate::session) fn number(self, attempt: u64) -> u64 {
        self.first + attempt * NUMBERS
    }

    /// That of the first word of an attempt: of the step in which the units begin, wherever they are.
    pub(super) fn tag(self, attempt: u64) -> Tag {
        Tag { path: self.number(attempt) << STEP_BITS | self.step, seq: 0, chunk: 0 }
    }

    /// The last attempt there can be.
    pub(in crate::session) fn last(self) -> u64 {
        self.attempts - 1
    }
}
