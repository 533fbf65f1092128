//! The in-process mesh: every party a thread, every link a queue.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use super::{
    channel::{Abort, Channel, ChannelError},
    frame::{Frame, MAX_NOTE_BYTES},
    notes::Notes,
    watch::watch,
};
use crate::party::PartyId;

/// Channels between `parties` parties of one process, in the order of their ids.
///
/// A frame is moved, never copied. A `recv` that waits longer than `stall` fails.
///
/// # Panics
/// If `parties` exceeds the number of party ids.
#[must_use]
pub fn mesh(parties: usize, stall: Duration) -> Vec<MemoryChannel> {
    assert!(parties <= 1 << 16, "party ids have 16 bits");
    let queues = (0..parties * parties).map(|_| Queue::default()).collect();
    let mesh = Arc::new(Mesh { parties, stall, queues, abort: OnceLock::new() });
    (0..=u16::MAX)
        .take(parties)
        .map(|id| MemoryChannel { me: PartyId(id), mesh: Arc::clone(&mesh) })
        .collect()
}

/// One party's end of a [`mesh`]. Dropping it closes its links: peers receive what was sent before, then `Closed`.
pub struct MemoryChannel {
    me: PartyId,
    mesh: Arc<Mesh>,
}

struct Mesh {
    parties: usize,
    stall: Duration,
    /// The queue from `a` to `b` stands at `a * parties + b`.
    queues: Vec<Queue>,
    abort: OnceLock<Abort>,
}

#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    frames: VecDeque<Frame>,
    notes: VecDeque<Vec<u8>>,
    closed: bool,
    /// Receivers that wait. Nobody is woken, at the price of a system call, when there is none.
    waiting: usize,
}

impl Queue {
    // A thread that panicked with the lock held left a whole queue behind: pushes and pops are single steps.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }
}

impl Mesh {
    fn queue(&self, from: PartyId, to: PartyId) -> &Queue {
        &self.queues[usize::from(from.0) * self.parties + usize::from(to.0)]
    }

    fn check(&self, me: PartyId, peer: PartyId) -> Result<(), ChannelError> {
        if peer == me || usize::from(peer.0) >= self.parties {
            return Err(ChannelError::NoLink(peer));
        }
        self.abort.get().map_or(Ok(()), |abort| Err(ChannelError::Aborted(abort.clone())))
    }
}

impl MemoryChannel {
    fn put(&self, to: PartyId, put: impl FnOnce(&mut State)) -> Result<(), ChannelError> {
        self.mesh.check(self.me, to)?;
        let queue = self.mesh.queue(self.me, to);
        let mut state = queue.lock();
        if state.closed {
            return Err(ChannelError::Closed(to));
        }
        put(&mut state);
        let wake = state.waiting > 0;
        drop(state);
        if wake {
            queue.changed.notify_all();
        }
        Ok(())
    }

    /// Waits until `missing` no longer holds or nothing more can come, then tries `take`.
    fn take<T>(
        &self,
        from: PartyId,
        missing: impl Fn(&State) -> bool,
        take: impl FnOnce(&mut State) -> Option<T>,
    ) -> Result<T, ChannelError> {
        self.mesh.check(self.me, from)?;
        let queue = self.mesh.queue(from, self.me);
        let idle =
            |state: &State| missing(state) && !state.closed && self.mesh.abort.get().is_none();
        let mut state = watch(|| queue.lock(), idle);
        state.waiting += 1;
        let (mut state, _) = queue
            .changed
            .wait_timeout_while(state, self.mesh.stall, |state| idle(state))
            .unwrap_or_else(PoisonError::into_inner);
        state.waiting -= 1;
        self.mesh.check(self.me, from)?;
        match take(&mut state) {
            Some(found) => Ok(found),
            None if state.closed => Err(ChannelError::Closed(from)),
            None => Err(ChannelError::stalled(from, self.mesh.stall)),
        }
    }
}

impl Channel for MemoryChannel {
    fn me(&self) -> PartyId {
        self.me
    }

    fn send(&self, to: PartyId, frame: Frame) -> Result<(), ChannelError> {
        frame.sendable()?;
        self.put(to, |state| state.frames.push_back(frame))
    }

    fn recv(&self, from: PartyId) -> Result<Frame, ChannelError> {
        self.take(from, |state| state.frames.is_empty(), |state| state.frames.pop_front())
    }

    fn abort(&self, abort: Abort) {
        // The first to end the run says why.
        let _ = self.mesh.abort.set(abort);
        for queue in &self.mesh.queues {
            // Under the lock, so that a receiver between its check and its wait is not missed.
            let _held = queue.lock();
            queue.changed.notify_all();
        }
    }
}

impl Notes for MemoryChannel {
    fn send_note(&self, to: PartyId, note: Vec<u8>) -> Result<(), ChannelError> {
        if note.len() > MAX_NOTE_BYTES {
            return Err(ChannelError::NoteTooLong(note.len()));
        }
        self.put(to, |state| state.notes.push_back(note))
    }

    fn recv_note(&self, from: PartyId) -> Result<Vec<u8>, ChannelError> {
        self.take(from, |state| state.notes.is_empty(), |state| state.notes.pop_front())
    }
}

impl Drop for MemoryChannel {
    fn drop(&mut self) {
        for peer in (0..=u16::MAX).take(self.mesh.parties).map(PartyId) {
            self.mesh.queue(self.me, peer).close();
            self.mesh.queue(peer, self.me).close();
        }
    }
}

impl fmt::Debug for MemoryChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryChannel({} of {})", self.me, self.mesh.parties)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::channel::AbortCode, super::frame::Tag, *};
    use crate::party::Role;

    const LONG: Duration = Duration::from_secs(60);

    fn frame(seq: u32, body: Vec<u8>) -> Frame {
        Frame { tag: Tag { path: 1, seq, chunk: 0 }, depth: 0, body: body.into() }
    }

    #[test]
    fn frames_arrive_in_order_on_each_link() {
        let ends = mesh(3, LONG);
        let body = |from: PartyId| from.0.to_le_bytes().to_vec();
        for role in Role::ALL {
            for seq in 0..10 {
                let frame = frame(seq, body(role.id()));
                ends[role.index()].send(role.next().id(), frame).unwrap();
            }
        }
        for role in Role::ALL {
            for seq in 0..10 {
                let from = role.prev().id();
                assert_eq!(ends[role.index()].recv(from), Ok(frame(seq, body(from))));
            }
        }
    }

    #[test]
    fn a_dropped_end_delivers_what_it_sent_and_then_closes() {
        let mut ends = mesh(2, LONG);
        let (b, a) = (ends.pop().unwrap(), ends.pop().unwrap());
        a.send(b.me(), frame(0, vec![])).unwrap();
        drop(a);
        assert_eq!(b.recv(PartyId(0)), Ok(frame(0, vec![])));
        assert_eq!(b.recv(PartyId(0)), Err(ChannelError::Closed(PartyId(0))));
        assert_eq!(b.send(PartyId(0), frame(0, vec![])), Err(ChannelError::Closed(PartyId(0))));
    }

    #[test]
    fn an_abort_ends_a_recv_that_waits() {
        let ends = mesh(3, LONG);
        let abort = Abort { party: PartyId(2), path: 7, code: AbortCode::Gate };
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| ends[0].recv(PartyId(1)));
            ends[2].abort(abort.clone());
            assert_eq!(waiting.join().unwrap(), Err(ChannelError::Aborted(abort.clone())));
        });
        let sent = ends[2].send(PartyId(0), frame(0, vec![]));
        assert_eq!(sent, Err(ChannelError::Aborted(abort)), "the party's own calls end too");
    }

    #[test]
    fn silence_is_a_stall() {
        let ends = mesh(2, Duration::from_millis(5));
        let stalled = ChannelError::Stalled { peer: PartyId(1), ms: 5 };
        assert_eq!(ends[0].recv(PartyId(1)), Err(stalled));
    }

    #[test]
    fn a_party_has_no_link_to_itself_or_to_strangers() {
        let ends = mesh(2, LONG);
        assert_eq!(ends[0].recv(PartyId(0)), Err(ChannelError::NoLink(PartyId(0))));
        let sent = ends[0].send(PartyId(2), frame(0, vec![]));
        assert_eq!(sent, Err(ChannelError::NoLink(PartyId(2))));
    }
}
