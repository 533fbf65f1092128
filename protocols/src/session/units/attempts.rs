//! Units of work, and the attempts at one.

use crate::{
    net::{ChannelError, wire_bytes},
    party::{PartyId, Role},
    prss::Prss,
    session::{core::Session, error::SessionError, fork::STEP_BITS, meter::Meter},
};

use super::span::{NUMBERS, Span};

/// How many times each link may be made anew in a run.
pub const RENEWALS: u32 = 2;
/// So many attempts there can be after the first: each end of a link that is lost begins one.
pub const REPEATS: u64 = 2 * 3 * RENEWALS as u64;

/// What a party says of itself is one number.
pub(super) const WORD: usize = size_of::<u64>();

/// How many bytes all parties send at most for one loss of a link, beside what they send anyway, where a unit takes so many: each
/// end begins an attempt, of which all tell both others, and once more over the link that was made anew.
#[must_use]
pub fn again_bytes(unit: u64) -> u64 {
    2 * (unit + 8 * wire_bytes(WORD))
}

impl Session {
    /// Does `units` units of work in order, and repeats the one under way where a link was lost. `keep` is given what came of each
    /// unit, once, when all three parties are done with it. Random permutations alone can be opened, and are on
    /// the list once for each unit, however often that is repeated. No two parties can be done with a unit without what the third one
    /// sent of it, be it to one of them: else one might keep what it made in another attempt.
    ///
    /// # Cost
    /// That of the units, and for each a word from each party to both others, in a round of its own. Where a link is lost, what
    /// was sent of the unit until then, at most twice, and other words likewise.
    ///
    /// # Errors
    /// Those of the work; `lost` gives the one of the session in it. [`SessionError::Invalid`] for a number of units that
    /// cannot be.
    ///
    /// # Security
    /// See the module: `work` must draw what it draws from the session and from generators that go on.
    ///
    /// # Panics
    /// Within a fork or a unit; or if the step has had too many parts before.
    pub fn in_units<T, E: From<SessionError>>(
        &mut self,
        units: u64,
        lost: impl Fn(&E) -> Option<&SessionError>,
        work: impl FnMut(&mut Self, u64) -> Result<T, E>,
        keep: impl FnMut(T),
    ) -> Result<(), E> {
        self.in_units_until(self.step(), units, lost, work, keep)
    }

    /// The same over several steps, up to this one, which is on at the end: `work` [enters](Session::enter) each when it comes to it, the one it is at in any
    /// case, since what is repeated begins at the first.
    ///
    /// # Errors
    /// As [`Session::in_units`].
    ///
    /// # Panics
    /// As [`Session::in_units`], and if `work` enters a step below the one it is at, or above the last.
    pub fn in_units_until<T, E: From<SessionError>>(
        &mut self,
        last_step: u64,
        units: u64,
        lost: impl Fn(&E) -> Option<&SessionError>,
        mut work: impl FnMut(&mut Self, u64) -> Result<T, E>,
        mut keep: impl FnMut(T),
    ) -> Result<(), E> {
        assert!(self.wire.branch == 0, "units stand outside of forks and of one another");
        let mut attempts = Attempts::begin(self, last_step);
        let (mut unit, mut made, mut opened) = (0, None, self.opened().len());
        while unit < units {
            let done = match made {
                Some(_) => Ok(()),
                None => work(self, unit).map(|of| made = Some(of)),
            };
            let done = done.and_then(|()| Ok(self.all_done(unit)?));
            let next = match done {
                Ok(()) => unit + 1,
                Err(error) => match lost(&error).filter(|why| why.breaks_off()).cloned() {
                    Some(why) => {
                        let own = unit + u64::from(made.is_some());
                        attempts.again(self, (unit, own), why)?
                    }
                    None => return Err(error),
                },
            };
            // What not all are done with is made again.
            let of = made.take();
            if next > unit {
                of.into_iter().for_each(&mut keep);
                opened = self.opened().len();
            } else {
                self.wire.put_back(opened);
            }
            unit = next;
            attempts.done(self, unit);
        }
        attempts.end(self);
        Ok(())
    }

    /// Says to both others that this party is done with a unit, and hears it of them.
    fn all_done(&mut self, unit: u64) -> Result<(), SessionError> {
        let others = self.others();
        others.into_iter().try_for_each(|peer| self.send(peer, &[unit]))?;
        for peer in others {
            let mut word = [0_u64];
            self.recv(peer, &mut word)?;
            if word != [unit] {
                return Err(self.pair(peer).invalid("another unit than the one that is done"));
            }
        }
        Ok(())
    }

    /// Both other compute parties, the lower one first: where several links are lost, all make them anew in one order.
    pub(super) fn others(&self) -> [PartyId; 2] {
        let [one, other] = [self.role().next(), self.role().prev()].map(Role::id);
        if one < other { [one, other] } else { [other, one] }
    }
}

/// The attempts of one session.
pub(super) struct Attempts {
    /// The one that is on.
    pub(super) again: u64,
    span: Span,
    /// Correlated randomness of the first step, outside of the units.
    outer: Prss,
}

impl Attempts {
    fn begin(s: &mut Session, last_step: u64) -> Self {
        let steps = (s.wire.path, last_step);
        let span = Span::new(steps, s.wire.branches + 1, 1 + REPEATS);
        assert!(span.number(1 + REPEATS) >> (64 - STEP_BITS) == 0, "too many parts of one step");
        s.wire.span = Some(span);
        let outer = s.prss.at(s.wire.path);
        let outer = std::mem::replace(&mut s.prss, outer);
        let attempts = Self { again: 0, span, outer };
        attempts.enter(s);
        attempts
    }

    /// Tags and keystreams of the attempt that is on, and of the parts of its forks, from the first step on.
    pub(super) fn enter(&self, s: &mut Session) {
        s.wire.path = self.span.step;
        s.wire.branches = self.span.number(self.again);
        s.wire.branch = s.wire.branches << STEP_BITS;
        s.prss = self.outer.at(s.wire.place());
    }

    /// This party is done with so many units.
    fn done(&self, s: &mut Session, units: u64) {
        s.wire.span = Some(self.span.with_done(units));
    }

    fn end(self, s: &mut Session) {
        s.wire.branches = self.span.number(1 + REPEATS) - 1;
        s.wire.branch = 0;
        s.prss = self.outer;
        if self.span.last_step > self.span.step {
            // Whoever had done all when a link was lost had gone back to the first. What is left is drawn where no unit has.
            s.wire.path = self.span.last_step;
            s.prss.enter(s.wire.path);
        }
    }
}

impl SessionError {
    /// Whether the link with some compute party was lost, or one of them says so of another.
    pub(in crate::session) fn breaks_off(&self) -> bool {
        match self {
            Self::BrokenOff { .. } => true,
            Self::Channel { source: ChannelError::Closed(peer), .. } => peer.role().is_some(),
            _ => false,
        }
    }
}

impl Meter {
    /// Twin of [`Session::in_units`] where no link is lost.
    ///
    /// # Errors
    /// Those of the work.
    pub fn in_units<E>(
        &mut self,
        units: u64,
        mut work: impl FnMut(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        let outside = self.numbers.replace(NUMBERS - 1);
        for _ in 0..units {
            work(self)?;
            let words = Role::ALL.map(|from| [from.next(), from.prev()].map(|to| (from, to, WORD)));
            self.messages(words.as_flattened());
        }
        self.numbers = outside;
        Ok(())
    }
}
