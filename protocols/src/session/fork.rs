//! Independent parts of a run, worked on side by side; and the same work with the roles changed round.

use std::{
    panic::resume_unwind,
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use super::{
    core::Session,
    error::SessionError,
    gate::Gate,
    meter::Meter,
    units::{NUMBERS, Span, say},
    wire::Wire,
};
use crate::{
    net::{Channel, ChannelError, Junction},
    party::Role,
};

/// Steps of a plan are below 2^40; what is above in a tag, or in a keystream position, is the number of a part of a fork.
pub(super) const STEP_BITS: u32 = 40;

impl Session {
    /// Works on `parts` independent parts of a run at the same time, and returns what came of each, in order.
    ///
    /// Each part has its own tags, keystream positions, order of messages, and chain of rounds: the deepest part counts. Nothing
    /// can be opened within. A part of a fork does not fork again: its parts come one after the other. Where a link is lost within
    /// units, the fork is broken off, and the unit repeated.
    ///
    /// # Cost
    /// The sum of the parts' bytes; the most of their rounds. A thread a part.
    ///
    /// # Errors
    /// Those of the first part that fails; it ends the run for the others, too.
    ///
    /// # Panics
    /// If a part panics, or after 2^24 parts in one step.
    pub fn fork<T: Send>(
        &mut self,
        parts: usize,
        work: impl Fn(&mut Self, usize) -> Result<T, SessionError> + Sync,
    ) -> Result<Vec<T>, SessionError> {
        if parts <= 1 || self.is_part() || !self.has_numbers(parts) {
            return (0..parts).map(|part| work(self, part)).collect();
        }
        let first = self.wire.branches + 1;
        self.wire.branches += parts as u64;
        assert!(self.wire.branches >> (64 - STEP_BITS) == 0, "too many parts of one step");
        let part_of = move |path: u64| {
            let part = usize::try_from((path >> STEP_BITS).checked_sub(first)?).ok()?;
            (part < parts).then_some(part)
        };
        let early = std::mem::take(&mut self.wire.early);
        let channel = self.wire.channel.clone();
        let junction = Junction::new(channel, parts, part_of, early);
        let numbered = (0..parts).zip(first..);
        let children: Vec<Self> =
            numbered.map(|(part, number)| self.child(&junction, part, number)).collect();
        let (work, broken) = (&work, &Mutex::new(None));
        let done: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..parts)
                .zip(children)
                .map(|(part, child)| {
                    let junction = &junction;
                    scope.spawn(move || child.finish_part(part, work, (junction, broken)))
                })
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
                .collect()
        });
        let broken = broken.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.join(&junction, done, broken)
    }

    /// Whether there are numbers for so many parts: within units there are so many, of all forks of an attempt.
    fn has_numbers(&self, parts: usize) -> bool {
        let own = self.wire.branch >> STEP_BITS;
        !self.wire.is_unit() || self.wire.branches - own + (parts as u64) < NUMBERS
    }

    fn child(&self, junction: &Arc<Junction>, part: usize, number: u64) -> Self {
        let mut wire = Wire::new(junction.branch(part), Gate::listing(&[]));
        (wire.path, wire.branch) = (self.wire.path, number << STEP_BITS);
        (wire.depth, wire.span) = (self.wire.depth, self.wire.span);
        let prss = self.prss.at(wire.place());
        Self { role: self.role, turn: self.turn, profile: self.profile, prss, wire }
    }

    fn finish_part<T>(
        mut self,
        part: usize,
        work: impl Fn(&mut Self, usize) -> Result<T, SessionError>,
        (junction, broken): (&Junction, &Mutex<Option<SessionError>>),
    ) -> (Wire, Result<T, SessionError>) {
        let result = work(&mut self, part);
        // Now, not when all have ended: the others may wait for a peer that waits for this part.
        if let Err(error) = &result {
            match self.wire.next_attempt(error) {
                Some(next) => junction.break_off(|channel| {
                    *broken.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.clone());
                    tell(channel, next, self.wire.depth);
                }),
                None => self.abort(error),
            }
        }
        (self.wire, result)
    }

    fn join<T>(
        &mut self,
        junction: &Junction,
        done: Vec<(Wire, Result<T, SessionError>)>,
        broken: Option<SessionError>,
    ) -> Result<Vec<T>, SessionError> {
        let before = self.wire.depth;
        let (mut results, mut first, mut ended) = (Vec::new(), None, None);
        let is_consequence = |error: &SessionError| {
            is_consequence(error) || (broken.is_some() && error.breaks_off())
        };
        for (wire, result) in done {
            self.wire.absorb(&wire);
            match result {
                Ok(value) => results.push(value),
                Err(error) if is_consequence(&error) => ended = ended.or(Some(error)),
                Err(error) => first = first.or(Some(error)),
            }
        }
        self.wire.passed(before);
        if let (None, Some(error)) = (&first, broken) {
            (self.wire.told, self.wire.early) = (true, junction.beyond());
            return Err(error);
        }
        if let Some(error) = first.or(ended) {
            return Err(error);
        }
        let left = junction.close();
        self.wire.early = left.map_err(|(peer, frame)| self.wire.desync(peer, 0, 0, frame.tag))?;
        Ok(results)
    }

    /// Does some work with the roles changed round: role 0 is played by this run's party `by`, and so on. Since the sharing is the
    /// same for all three, up to the names, every function works on the same shares as before.
    pub fn turned<T>(&mut self, by: usize, work: impl FnOnce(&mut Self) -> T) -> T {
        self.turn(by % 3);
        let done = work(self);
        self.turn(3 - by % 3);
        done
    }

    fn turn(&mut self, by: usize) {
        self.turn = (self.turn + by) % 3;
        self.role = (0..by).fold(self.role, |role, _| role.prev());
        self.prss.play(self.role);
    }
}

impl Wire {
    /// The attempt that begins after this error, if what is under way is repeated after it.
    fn next_attempt(&self, error: &SessionError) -> Option<(Span, u64)> {
        let span = self.span.filter(|_| error.breaks_off())?;
        let next = span.attempt(self.place())? + 1;
        (next <= span.last()).then_some((span, next))
    }
}

/// Tells both others that this party begins an attempt, over the channel that the parts of a fork share.
fn tell(channel: &dyn Channel, next: (Span, u64), depth: u32) {
    for peer in Role::ALL.map(Role::id).into_iter().filter(|peer| *peer != channel.me()) {
        // That the link is lost, or the run ended, shows where the answer is due.
        let _ = say(channel, peer, next, (next.0.done, depth));
    }
}

/// Whether a part only failed because another one did.
fn is_consequence(error: &SessionError) -> bool {
    matches!(error, SessionError::Channel { source: ChannelError::Aborted(_), .. })
}

impl Meter {
    /// Twin of [`Session::fork`].
    pub fn fork(&mut self, parts: usize, mut work: impl FnMut(&mut Self, usize)) {
        let numbers = self.numbers.is_none_or(|left| left >= parts as u64);
        if parts <= 1 || self.forked || !numbers {
            (0..parts).for_each(|part| work(self, part));
            return;
        }
        self.numbers = self.numbers.map(|left| left - parts as u64);
        self.forked = true;
        let (before, mut after) = (self.depth, self.depth);
        for part in 0..parts {
            self.depth = before;
            work(self, part);
            after.iter_mut().zip(self.depth).for_each(|(most, depth)| *most = depth.max(*most));
        }
        self.depth = after;
        self.forked = false;
    }

    /// Twin of [`Session::turned`].
    pub fn turned<T>(&mut self, by: usize, work: impl FnOnce(&mut Self) -> T) -> T {
        self.turn = (self.turn + by) % 3;
        let done = work(self);
        self.turn = (self.turn + 3 - by % 3) % 3;
        done
    }

    /// Whether this is within a fork.
    pub(crate) fn is_part(&self) -> bool {
        self.forked
    }
}

#[cfg(test)]
mod tests;
