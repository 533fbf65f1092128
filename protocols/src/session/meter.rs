//! The meter: makes a protocol's calls without data, and so knows its bytes, rounds and openings before it runs.
//!
//! Each protocol function has a twin that tells a meter what it would send. Depth is kept for each party, as frames carry
//! it, so composed protocols have their exact critical path and not a sum of worst cases.

use std::fmt;

use super::{
    gate::{Opening, OpeningKind, Recipient},
    profile::Profile,
    stats::Counters,
};
use crate::{
    net::wire_bytes,
    party::Role,
    ring::{Ring, Word},
};

/// The public course of a run, all three parties together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meter {
    profile: Profile,
    path: u64,
    bytes: u64,
    messages: u64,
    pub(super) depth: [u32; 3],
    /// The party that plays role 0.
    pub(super) turn: usize,
    /// Within a fork.
    pub(super) forked: bool,
    openings: Vec<Opening>,
    choices: Vec<Choice>,
}

/// One protocol taken among several for a step of the plan, from public sizes and the profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The step of the plan.
    pub step: u64,
    /// What was chosen.
    pub what: Chosen,
}

/// What there is to choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Chosen {
    /// Bits of a radix sort's digit.
    SortDigit(usize),
    /// Digits that a comparison of so many bits is cut into.
    Comparison {
        /// Bits compared.
        width: usize,
        /// How many digits.
        digits: usize,
    },
}

impl fmt::Display for Chosen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SortDigit(bits) => write!(f, "sort by digits of {bits} bits"),
            Self::Comparison { width, digits } => {
                write!(f, "comparison of {width} bits by {digits} digits")
            }
        }
    }
}

impl Meter {
    /// A meter at the start of a run.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A meter of a run that chooses its protocols for links like these.
    #[must_use]
    pub fn on(profile: Profile) -> Self {
        Self { profile, ..Self::default() }
    }

    /// What the links are declared to be like.
    #[must_use]
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// Moves to a step of the plan.
    pub fn enter(&mut self, path: u64) {
        self.path = path;
    }

    /// Bytes and messages of all parties together, and rounds on the critical path.
    #[must_use]
    pub fn total(&self) -> Counters {
        let rounds = self.depth.into_iter().max().unwrap_or(0);
        Counters { bytes: self.bytes, messages: self.messages, rounds }
    }

    /// Every opening, in order.
    #[must_use]
    pub fn openings(&self) -> &[Opening] {
        &self.openings
    }

    /// What was chosen, in order; each choice once a step.
    #[must_use]
    pub fn choices(&self) -> &[Choice] {
        &self.choices
    }

    /// Notes what is chosen for this step.
    pub(crate) fn choose(&mut self, what: Chosen) {
        let choice = Choice { step: self.path, what };
        if !self.choices.contains(&choice) {
            self.choices.push(choice);
        }
    }

    /// Messages that are sent before any of them is received: (from, to, bytes).
    pub fn messages(&mut self, batch: &[(Role, Role, usize)]) {
        self.messages_as_of(self.depth, batch);
    }

    /// The place of who plays a role.
    fn player(&self, role: Role) -> usize {
        (role.index() + self.turn) % 3
    }

    /// How deep each party is.
    pub(crate) fn depths(&self) -> [u32; 3] {
        self.depth
    }

    /// Messages sent when parties were as deep as given, and received now.
    pub(crate) fn messages_as_of(&mut self, before: [u32; 3], batch: &[(Role, Role, usize)]) {
        for &(from, to, bytes) in batch {
            if bytes > 0 {
                self.bytes += wire_bytes(bytes);
                self.messages += 1;
                let arrival = before[self.player(from)] + 1;
                let to = self.player(to);
                self.depth[to] = self.depth[to].max(arrival);
            }
        }
    }

    /// One message by itself.
    pub fn message<W: Word>(&mut self, from: Role, to: Role, words: usize) {
        self.messages(&[(from, to, words * size_of::<W>())]);
    }

    /// A message from a provider that is no compute party, sent before anything else.
    pub fn outside(&mut self, to: Role, bytes: usize) {
        if bytes > 0 {
            self.bytes += wire_bytes(bytes);
            self.messages += 1;
            let to = self.player(to);
            self.depth[to] = self.depth[to].max(1);
        }
    }

    /// [`super::Session::exchange`] of `words` elements at every party.
    pub fn exchange<R: Ring>(&mut self, words: usize) {
        let bytes = words * size_of::<R::Word>();
        self.messages(&Role::ALL.map(|role| (role, role.prev(), bytes)));
    }

    /// [`super::Session::pass_gate`].
    pub fn pass_gate(&mut self, kind: OpeningKind, count: usize, to: Recipient) {
        let to = match to {
            Recipient::One(role) => Recipient::One(Role::ALL[self.player(role)]),
            other => other,
        };
        self.openings.push(Opening { step: self.path, kind, count: count as u64, to });
    }
}
