//! The session: one compute party's end of a run of three, with its correlated randomness.

use std::{fmt, sync::Arc};

use super::{
    error::SessionError,
    fork::STEP_BITS,
    gate::{Gate, Opening, OpeningKind, Recipient},
    pair::Pair,
    profile::Profile,
    stats::Stats,
    wire::Wire,
};
use crate::{
    net::Channel,
    party::{PartyId, Role},
    prss::Prss,
    ring::{Buf, Ring, Word},
};

/// One compute party's end of one run.
pub struct Session {
    /// Whom this party plays now.
    pub(super) role: Role,
    /// The party that plays role 0.
    pub(super) turn: usize,
    pub(super) prss: Prss,
    pub(super) profile: Profile,
    pub(super) wire: Wire,
}

impl Session {
    /// A session over a channel, with keys of this run and the list of what may be opened.
    #[must_use]
    pub fn new(role: Role, channel: Arc<dyn Channel>, prss: Prss, gate: Gate) -> Self {
        Self { role, turn: 0, prss, profile: Profile::default(), wire: Wire::new(channel, gate) }
    }

    /// The same session, choosing its protocols for links like these. All three parties must name the same.
    #[must_use]
    pub fn on(self, profile: Profile) -> Self {
        Self { profile, ..self }
    }

    /// What the links are declared to be like.
    #[must_use]
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// This party's role; another one while the roles are [turned](Self::turned).
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// Correlated randomness.
    pub fn prss(&mut self) -> &mut Prss {
        &mut self.prss
    }

    /// Counters so far.
    #[must_use]
    pub fn stats(&self) -> &Stats {
        self.wire.stats()
    }

    /// Length of the longest chain of messages so far: the rounds this party has seen.
    #[must_use]
    pub fn depth(&self) -> u32 {
        self.wire.depth()
    }

    /// The step of the plan this party is at.
    #[must_use]
    pub fn step(&self) -> u64 {
        self.wire.step()
    }

    /// What was opened so far.
    #[must_use]
    pub fn opened(&self) -> &[Opening] {
        self.wire.opened()
    }

    /// Moves to the next step of the plan. Steps only go up, so no keystream position comes twice; where units are repeated, they do
    /// within each attempt, which has positions of its own in each step. There, the step that is on may be entered again, and goes on.
    ///
    /// # Panics
    /// If `path` is not above the current step, not below 2^40, within a fork, or beyond the last step of units.
    pub fn enter(&mut self, path: u64) {
        assert!(path >> STEP_BITS == 0 && !self.is_part(), "a step of the plan, outside of forks");
        if self.wire.branch == 0 {
            self.wire.enter(path);
            self.prss.enter(path);
        } else if path != self.wire.step() {
            self.wire.enter(path);
            assert!(self.wire.is_unit(), "beyond the last step of units");
            self.wire.branches = self.wire.branch >> STEP_BITS;
            self.prss = self.prss.at(self.wire.place());
        }
    }

    /// Whether this is a part of a [fork](Self::fork).
    pub(crate) fn is_part(&self) -> bool {
        self.wire.branch != 0 && !self.wire.is_unit()
    }

    /// The participant behind an id: who plays that role, if it is a compute party's.
    fn player(&self, id: PartyId) -> PartyId {
        id.role().map_or(id, |role| (0..self.turn).fold(role, |role, _| role.next()).id())
    }

    /// Takes an opening off the plan's list. Every opening passes here, before its first byte is sent.
    ///
    /// # Errors
    /// [`super::GateError::NotListed`].
    pub fn pass_gate(
        &mut self,
        kind: OpeningKind,
        count: usize,
        to: Recipient,
    ) -> Result<(), SessionError> {
        let to = match to {
            Recipient::One(role) => {
                Recipient::One((0..self.turn).fold(role, |role, _| role.next()))
            }
            other => other,
        };
        self.wire.pass_gate(kind, count, to)
    }

    /// Lets nothing more be opened in this run: a bit that was opened said that what is still listed is not to happen.
    pub fn close_gate(&mut self) {
        self.wire.close_gate();
    }

    /// Ends the run: all that was listed must have been opened.
    ///
    /// # Errors
    /// [`super::GateError::LeftOver`].
    pub fn finish(&self) -> Result<(), SessionError> {
        self.wire.finish()
    }

    /// Sends one message. Nothing is sent for an empty one.
    ///
    /// # Errors
    /// If the link is down.
    pub fn send<W: Word>(&mut self, to: PartyId, words: &[W]) -> Result<(), SessionError> {
        self.wire.send(self.player(to), words)
    }

    /// Receives one message of as many words as `out` has. Waits for nothing if it has none.
    ///
    /// # Errors
    /// If the link is down, or the frame is not the one due.
    pub fn recv<W: Word>(&mut self, from: PartyId, out: &mut [W]) -> Result<(), SessionError> {
        self.wire.recv(self.player(from), out)
    }

    /// One round on the ring of three: `words` to the previous party, as many from the next one.
    ///
    /// # Errors
    /// As [`Session::send`] and [`Session::recv`].
    pub fn exchange<R: Ring>(&mut self, words: &[R::Word]) -> Result<Buf<R::Word>, SessionError> {
        self.send(self.role.prev().id(), words)?;
        let mut from_next = Buf::scratch(words.len());
        self.recv(self.role.next().id(), &mut from_next)?;
        Ok(from_next)
    }

    /// Sends a message while it is being made: `make` fills one block of `words` after the other, each of a whole number of
    /// keystream blocks except the last, and the block is copied into its frame while it is in the first-level cache.
    ///
    /// # Errors
    /// As [`Session::send`].
    pub(crate) fn send_made<W: Word>(
        &mut self,
        to: PartyId,
        words: &mut [W],
        mut make: impl FnMut(&mut Prss, usize, &mut [W]),
    ) -> Result<(), SessionError> {
        let to = self.player(to);
        let (wire, prss) = (&mut self.wire, &mut self.prss);
        wire.send_made(to, words, |at, part| make(prss, at, part))
    }

    /// Tells the peers that this party ends the run because of `error`; an abort that came from a peer is not sent again.
    pub fn abort(&self, error: &SessionError) {
        self.wire.abort(error);
    }

    /// What a protocol of several parties sees of this session: ids are the participants', whatever roles they play.
    pub fn wire(&mut self) -> &mut Wire {
        &mut self.wire
    }

    /// What a protocol of two sees of this session. Both parties must be compute parties of the run or known to its channel.
    pub fn pair(&mut self, peer: PartyId) -> Pair<'_> {
        self.wire.pair(self.player(peer))
    }

    /// Checks that two vectors are equally long.
    ///
    /// # Errors
    /// [`SessionError::Shape`].
    pub(crate) fn same_len(&self, left: usize, right: usize) -> Result<usize, SessionError> {
        if left == right {
            Ok(left)
        } else {
            Err(SessionError::Shape { step: self.step(), left, right })
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session({}, step {}, depth {})", self.role, self.step(), self.depth())
    }
}
