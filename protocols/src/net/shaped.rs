//! A slower network than the one underneath: latency and bandwidth for figures that name a network.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, OnceLock, PoisonError, mpsc},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use super::{
    channel::{Abort, Channel, ChannelError},
    frame::{Frame, HEADER_BYTES},
};
use crate::party::PartyId;

/// What a network is like, the same between any two parties and in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// There and back.
    pub rtt: Duration,
    /// Of one direction of one link.
    pub bits_per_second: u64,
}

impl Network {
    /// One room: 10 Gbit/s, 0.3 ms.
    #[must_use]
    pub const fn lan() -> Self {
        Self { rtt: Duration::from_micros(300), bits_per_second: 10_000_000_000 }
    }

    /// Two cities: 100 Mbit/s, 50 ms.
    #[must_use]
    pub const fn wan() -> Self {
        Self { rtt: Duration::from_millis(50), bits_per_second: 100_000_000 }
    }

    /// How long a frame with this body occupies the line.
    fn occupied(&self, body: usize) -> Duration {
        let bits = 8 * (HEADER_BYTES + body) as u128;
        let nanos = bits * 1_000_000_000 / u128::from(self.bits_per_second.max(1));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

/// When the frames of one direction arrive: one after the other at the line's pace, half a round trip later.
struct Schedule {
    network: Network,
    free: Instant,
}

impl Schedule {
    fn due(&mut self, now: Instant, body: usize) -> Instant {
        self.free = self.free.max(now) + self.network.occupied(body);
        self.free + self.network.rtt / 2
    }
}

/// A channel whose frames arrive no earlier than its [`Network`] allows.
///
/// Frames wait on the sender's side, one thread for each peer. A link that fails says so at the next `send`. Dropping it delivers
/// what was sent, in the time that takes.
pub struct Shaped<C: Channel + 'static> {
    inner: Arc<C>,
    network: Network,
    lines: Mutex<BTreeMap<PartyId, Line>>,
}

struct Line {
    schedule: Schedule,
    queue: mpsc::Sender<(Instant, Frame)>,
    failed: Arc<OnceLock<ChannelError>>,
    thread: JoinHandle<()>,
}

impl Line {
    fn start<C: Channel + 'static>(inner: &Arc<C>, to: PartyId, network: Network) -> Self {
        let (queue, waiting) = mpsc::channel::<(Instant, Frame)>();
        let failed = Arc::new(OnceLock::new());
        let (channel, failure) = (Arc::clone(inner), Arc::clone(&failed));
        let thread = thread::spawn(move || {
            for (due, frame) in waiting {
                wait_until(due);
                if let Err(error) = channel.send(to, frame) {
                    let _ = failure.set(error);
                    return;
                }
            }
        });
        Self { schedule: Schedule { network, free: Instant::now() }, queue, failed, thread }
    }

    fn send(&mut self, to: PartyId, frame: Frame) -> Result<(), ChannelError> {
        if let Some(error) = self.failed.get() {
            return Err(error.clone());
        }
        let due = self.schedule.due(Instant::now(), frame.body.len());
        self.queue.send((due, frame)).map_err(|_| ChannelError::Closed(to))
    }
}

#[expect(clippy::disallowed_methods, reason = "this models time: nothing else happens until then")]
fn wait_until(due: Instant) {
    thread::sleep(due.saturating_duration_since(Instant::now()));
}

impl<C: Channel + 'static> Shaped<C> {
    /// `inner` as if over `network`.
    pub fn new(inner: C, network: Network) -> Self {
        Self { inner: Arc::new(inner), network, lines: Mutex::default() }
    }
}

impl<C: Channel + 'static> Channel for Shaped<C> {
    fn me(&self) -> PartyId {
        self.inner.me()
    }

    fn send(&self, to: PartyId, frame: Frame) -> Result<(), ChannelError> {
        frame.sendable()?;
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let line = lines.entry(to).or_insert_with(|| Line::start(&self.inner, to, self.network));
        line.send(to, frame)
    }

    fn recv(&self, from: PartyId) -> Result<Frame, ChannelError> {
        self.inner.recv(from)
    }

    fn working(&self) {
        self.inner.working();
    }

    fn abort(&self, abort: Abort) {
        self.inner.abort(abort);
    }
}

impl<C: Channel + 'static> Drop for Shaped<C> {
    fn drop(&mut self) {
        let lines = self.lines.get_mut().unwrap_or_else(PoisonError::into_inner);
        for (_, Line { queue, thread, .. }) in std::mem::take(lines) {
            drop(queue);
            // Its panic is the inner channel's and has been reported as such.
            let _ = thread.join();
        }
    }
}

impl<C: Channel + 'static> fmt::Debug for Shaped<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shaped({}, {:?})", self.inner.me(), self.network)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::frame::Tag, super::memory, *};

    const A: PartyId = PartyId(0);
    const B: PartyId = PartyId(1);

    #[test]
    fn frames_take_the_line_in_turn_and_travel_half_a_round_trip() {
        let start = Instant::now();
        let mut schedule = Schedule { network: Network::wan(), free: start };
        let millis = Duration::from_millis;
        let body = 1_250_000 - HEADER_BYTES; // 10 Mbit: 100 ms at 100 Mbit/s
        assert_eq!(schedule.due(start, body) - start, millis(100 + 25));
        assert_eq!(schedule.due(start, body) - start, millis(200 + 25));
        let later = start + millis(1000);
        assert_eq!(schedule.due(later, body) - start, millis(1000 + 100 + 25));
    }

    #[test]
    fn frames_arrive_in_order_and_none_before_its_time() {
        let mut ends = memory::mesh(2, Duration::from_secs(60)).into_iter();
        let network = Network { rtt: Duration::from_millis(40), bits_per_second: 1_000_000_000 };
        let a = Shaped::new(ends.next().unwrap(), network);
        let b = ends.next().unwrap();
        let start = Instant::now();
        for seq in 0..5 {
            let tag = Tag { path: 0, seq, chunk: 0 };
            a.send(B, Frame { tag, depth: 0, body: vec![].into() }).unwrap();
        }
        for seq in 0..5 {
            assert_eq!(b.recv(A).unwrap().tag.seq, seq);
        }
        assert!(start.elapsed() >= network.rtt / 2);
    }

    #[test]
    fn a_dropped_end_still_delivers() {
        let mut ends = memory::mesh(2, Duration::from_secs(60)).into_iter();
        let a = Shaped::new(ends.next().unwrap(), Network::wan());
        let b = ends.next().unwrap();
        let tag = Tag { path: 0, seq: 0, chunk: 0 };
        a.send(B, Frame { tag, depth: 0, body: vec![1].into() }).unwrap();
        drop(a);
        assert_eq!(b.recv(A).map(|frame| frame.body), Ok(vec![1].into()));
        assert_eq!(b.recv(A), Err(ChannelError::Closed(A)));
    }
}
