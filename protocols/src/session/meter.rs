//! The meter: makes a protocol's calls without data, and so knows its bytes, rounds and openings before it runs.
//!
//! Each protocol function has a twin that tells a meter what it would send. Depth is kept for each party, as frames carry
//! it, so composed protocols have their exact critical path and not a sum of worst cases.

use std::{collections::BTreeMap, fmt};

use super::{
    circle::CircleCost,
    gate::{Opening, OpeningKind, Recipient},
    pair::PairCost,
    profile::Profile,
    stats::Counters,
    units::NUMBERS,
};
use crate::{
    net::wire_bytes,
    party::{PartyId, Role},
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
    /// Within units: how many parts there can still be of forks in this step.
    pub(super) numbers: Option<u64>,
    /// How deep the participants are that are no compute parties, where they take part in more than their inputs.
    outside: BTreeMap<PartyId, u32>,
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
        if path != self.path {
            self.numbers = self.numbers.map(|_| NUMBERS - 1);
        }
        self.path = path;
    }

    /// Bytes and messages of all parties together, and rounds on the critical path.
    #[must_use]
    pub fn total(&self) -> Counters {
        let rounds = self.depth.iter().chain(self.outside.values()).copied().max().unwrap_or(0);
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

    /// A protocol of two between compute parties, on [`super::Session::pair`]: `twin` is the one that quotes it by itself.
    ///
    /// # Panics
    /// If a party is named as both.
    pub fn pair(&mut self, sender: Role, receiver: Role, twin: impl FnOnce(&mut PairCost)) {
        self.pair_of(sender.id(), receiver.id(), twin);
    }

    /// The same between any two participants.
    ///
    /// # Panics
    /// If a party is named as both.
    pub fn pair_of(
        &mut self,
        sender: PartyId,
        receiver: PartyId,
        twin: impl FnOnce(&mut PairCost),
    ) {
        assert_ne!(sender, receiver, "a protocol of two is between two");
        let mut cost = PairCost::after([sender, receiver].map(|party| *self.depth_of(party)));
        twin(&mut cost);
        self.bytes += cost.total_bytes();
        self.messages += cost.messages;
        for (party, depth) in [sender, receiver].into_iter().zip(cost.depths()) {
            *self.depth_of(party) = depth;
        }
    }

    /// A message between any two participants, on a [`super::Wire`].
    pub fn told(&mut self, from: PartyId, to: PartyId, bytes: usize) {
        self.bytes += wire_bytes(bytes);
        self.messages += 1;
        let arrival = *self.depth_of(from) + 1;
        let depth = self.depth_of(to);
        *depth = arrival.max(*depth);
    }

    /// How deep a participant is; a compute party while no roles are turned.
    fn depth_of(&mut self, party: PartyId) -> &mut u32 {
        match party.role() {
            Some(role) => &mut self.depth[role.index()],
            None => self.outside.entry(party).or_default(),
        }
    }

    /// A protocol of several participants, each on its [`super::Wire`]: `twin` is the one that quotes it by itself. Its parties 0, 1
    /// and 2 are P0, P1 and P2, and all others do not compute; there are so many places for them, taken or not.
    pub fn circle(&mut self, places: usize, twin: impl FnOnce(&mut CircleCost)) {
        let parties = || (0..u16::MAX).map(PartyId).take(places);
        let before: Vec<u32> = parties().map(|party| *self.depth_of(party)).collect();
        let mut cost = CircleCost::after(&before);
        twin(&mut cost);
        self.bytes += cost.total_bytes();
        self.messages += cost.messages;
        for (party, depth) in parties().zip(cost.depths()) {
            *self.depth_of(party) = *depth;
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        mpc::{input, input_cost},
        party::PartyId,
        ring::Z64,
        session::Side,
        testkit::World,
    };

    #[test]
    fn a_protocol_of_two_within_one_of_three_is_quoted_by_its_own_twin() {
        for (sender, receiver) in [(Role::P0, Role::P1), (Role::P2, Role::P1)] {
            let run = World::new(5).run(|s| {
                input::<Z64>(s, Role::P1, (s.role() == Role::P1).then_some(&[1; 9]), 9)?;
                if s.role() == sender {
                    let mut pair = s.pair(receiver.id());
                    pair.send(&[1_u64; 3])?;
                    pair.recv_array::<7>()?;
                } else if s.role() == receiver {
                    let mut pair = s.pair(sender.id());
                    pair.recv_words::<u64>(3)?;
                    pair.send(&[0_u8; 7])?;
                }
                input::<Z64>(s, sender, (s.role() == sender).then_some(&[1; 9]), 9)
            });
            run.assert_cost("a pair between inputs", |m| {
                input_cost::<Z64>(m, Role::P1, 9);
                m.pair(sender, receiver, |c| {
                    c.message::<u64>(Side::Sender, 3);
                    c.message::<u8>(Side::Receiver, 7);
                });
                input_cost::<Z64>(m, sender, 9);
            });
        }
    }

    #[test]
    fn a_protocol_of_all_as_a_circle_is_quoted_by_its_own_twin() {
        let [first, second, third] = [0, 1, 2].map(PartyId);
        let run = World::new(6).run(|s| {
            input::<Z64>(s, Role::P1, (s.role() == Role::P1).then_some(&[1; 9]), 9)?;
            let wire = s.wire();
            let me = wire.me();
            // The third one's chain is the longest.
            if me == first {
                wire.send(second, &[1_u64; 3])?;
            } else if me == second {
                wire.recv(first, &mut [0_u64; 3])?;
                wire.send(third, &[1_u64; 2])?;
            } else {
                wire.recv(second, &mut [0_u64; 2])?;
            }
            input::<Z64>(s, Role::P2, (s.role() == Role::P2).then_some(&[1; 9]), 9)
        });
        run.assert_cost("a circle between inputs", |m| {
            input_cost::<Z64>(m, Role::P1, 9);
            m.circle(3, |c| {
                c.at_once::<u64>(&[(first, second)], 3);
                c.at_once::<u64>(&[(second, third)], 2);
            });
            input_cost::<Z64>(m, Role::P2, 9);
        });
    }
}
