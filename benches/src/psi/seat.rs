//! A protocol, and one party's place in a run of it.

use std::{fs, sync::Arc, time::Instant};

use protocols::{
    net::Channel,
    party::PartyId,
    prg::Prg,
    psi::Sizes,
    session::{Gate, Pair, Profile, Session, SessionError, Wire},
    testkit::test_prss,
};

use crate::Failure;

/// The party that learns the result, or leads those that do.
pub(super) const RECEIVER: u16 = 1;

/// A protocol that is timed.
pub(crate) struct Protocol {
    pub(crate) name: &'static str,
    pub(crate) parties: u16,
    /// One party's part: makes its input, runs [`Seat::timed`] once, and says whether the outcome is right.
    pub(crate) party: fn(&mut Seat<'_>) -> Result<bool, Failure>,
    /// Bytes of all parties and rounds that it is quoted at for sets like these over such a network, where there is a quote.
    pub(crate) quote: fn(Sizes, Profile) -> Option<Quote>,
    pub(crate) note: &'static str,
}

/// Bytes of all parties, and the longest chain of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quote {
    pub(crate) bytes: u64,
    pub(crate) rounds: u32,
}

/// One party's place in one repetition.
pub(crate) struct Seat<'a> {
    /// 0 sends, 1 receives, and so on.
    pub(crate) role: u16,
    pub(crate) sizes: Sizes,
    pub(crate) rep: u32,
    /// What the three compute parties choose their protocols for.
    profile: Profile,
    channel: Arc<dyn Channel>,
    /// Returns when all parties are ready.
    start: &'a dyn Fn(),
    /// Is told as soon as this party has ended.
    done: &'a dyn Fn(),
    seen: Option<Seen>,
}

/// What one party saw.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) began: Instant,
    pub(crate) ended: Instant,
    pub(crate) bytes: u64,
    pub(crate) rounds: u32,
    /// Nanoseconds of processor time of this party's thread.
    pub(crate) cpu_nanos: u64,
}

impl<'a> Seat<'a> {
    pub(super) fn new(
        (role, sizes, rep): (u16, Sizes, u32),
        profile: Profile,
        channel: Arc<dyn Channel>,
        start: &'a dyn Fn(),
        done: &'a dyn Fn(),
    ) -> Self {
        Self { role, sizes, rep, profile, channel, start, done, seen: None }
    }

    /// A generator of this repetition, for this party and what it is used for.
    pub(crate) fn prg(&self, label: u64) -> Prg {
        let seed = u128::from(self.rep) << 96 | u128::from(self.role) << 64 | u128::from(label);
        Prg::new(&(seed ^ 0x0075_6e73_6565_6e00 << 112).to_le_bytes())
    }

    /// What is timed, with a wire to all others; the step of the plan is 1. Waits for the others first.
    pub(crate) fn timed<T>(
        &mut self,
        protocol: impl FnOnce(&mut Wire) -> Result<T, SessionError>,
    ) -> Result<T, Failure> {
        let mut wire = Wire::new(Arc::clone(&self.channel), Gate::recording());
        wire.enter(1);
        let (result, clock) = self.clocked(|| protocol(&mut wire));
        let outcome = result.inspect_err(|error| wire.abort(error))?;
        self.seen = Some(clock.seen(wire.stats().total().bytes, wire.depth()));
        Ok(outcome)
    }

    /// [`Seat::timed`] for a protocol of the three compute parties. `check` follows it untimed, over the same session.
    pub(crate) fn timed_session<T>(
        &mut self,
        protocol: impl FnOnce(&mut Session) -> Result<T, SessionError>,
        check: impl FnOnce(&mut Session, T) -> Result<bool, SessionError>,
    ) -> Result<bool, Failure> {
        let role = PartyId(self.role).role().ok_or("a party that is none of the three")?;
        let prss = test_prss(u64::from(self.rep), role);
        let gate = Gate::recording();
        let mut s = Session::new(role, Arc::clone(&self.channel), prss, gate).on(self.profile);
        s.enter(1);
        let (result, clock) = self.clocked(|| protocol(&mut s));
        let outcome = result.inspect_err(|error| s.abort(error))?;
        self.seen = Some(clock.seen(s.stats().total().bytes, s.depth()));
        Ok(check(&mut s, outcome).inspect_err(|error| s.abort(error))?)
    }

    fn clocked<T>(&self, protocol: impl FnOnce() -> T) -> (T, Clock) {
        (self.start)();
        let (began, cpu) = (Instant::now(), cpu_nanos());
        let result = protocol();
        let ended = Instant::now();
        (self.done)();
        (result, Clock { began, ended, cpu_nanos: cpu_nanos().saturating_sub(cpu) })
    }

    /// [`Seat::timed`] for a protocol of two.
    pub(crate) fn timed_pair<T>(
        &mut self,
        protocol: impl FnOnce(&mut Pair<'_>) -> Result<T, SessionError>,
    ) -> Result<T, Failure> {
        let peer = PartyId(1 - self.role.min(1));
        self.timed(|wire| protocol(&mut wire.pair(peer)))
    }

    pub(super) fn seen(&self) -> Result<Seen, Failure> {
        self.seen.ok_or_else(|| "the protocol timed nothing".into())
    }
}

/// How long a protocol took.
struct Clock {
    began: Instant,
    ended: Instant,
    cpu_nanos: u64,
}

impl Clock {
    fn seen(self, bytes: u64, rounds: u32) -> Seen {
        let Self { began, ended, cpu_nanos } = self;
        Seen { began, ended, bytes, rounds, cpu_nanos }
    }
}

/// Processor time of this thread so far; 0 where the system does not say.
fn cpu_nanos() -> u64 {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0)
}
