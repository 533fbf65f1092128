//! A protocol, and one party's place in a run of it.

use std::{fs, sync::Arc, time::Instant};

use protocols::{
    net::Channel,
    party::PartyId,
    prg::Prg,
    session::{Gate, Pair, SessionError, Wire},
};

use crate::Failure;

/// A protocol that is timed.
pub(crate) struct Protocol {
    pub(crate) name: &'static str,
    pub(crate) parties: u16,
    /// One party's part: makes its input, runs [`Seat::timed`] once, and says whether the outcome is right.
    pub(crate) party: fn(&mut Seat<'_>) -> Result<bool, Failure>,
    /// Bytes of all parties and rounds that it is quoted at for `--n`, where there is a quote.
    pub(crate) quote: fn(usize) -> Option<Quote>,
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
    pub(crate) n: usize,
    pub(crate) rep: u32,
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
        (role, n, rep): (u16, usize, u32),
        channel: Arc<dyn Channel>,
        start: &'a dyn Fn(),
        done: &'a dyn Fn(),
    ) -> Self {
        Self { role, n, rep, channel, start, done, seen: None }
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
        (self.start)();
        let (began, cpu) = (Instant::now(), cpu_nanos());
        let result = protocol(&mut wire);
        let ended = Instant::now();
        (self.done)();
        let cpu_nanos = cpu_nanos().saturating_sub(cpu);
        let outcome = result.inspect_err(|error| wire.abort(error))?;
        let (bytes, rounds) = (wire.stats().total().bytes, wire.depth());
        self.seen = Some(Seen { began, ended, bytes, rounds, cpu_nanos });
        Ok(outcome)
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

/// Processor time of this thread so far; 0 where the system does not say.
fn cpu_nanos() -> u64 {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0)
}
