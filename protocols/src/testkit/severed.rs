//! A mesh in memory whose links are cut at planned places and made anew, as those of daemons are.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    net::{Abort, Channel, ChannelError, Frame},
    party::PartyId,
};

/// Where a link is cut: instead of sending this frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Who sends it.
    pub from: PartyId,
    /// To whom.
    pub to: PartyId,
    /// Which frame of this direction, from 0, over all connections.
    pub nth: usize,
    /// Whether what was sent before and not yet received arrives, in both directions.
    pub rest_arrives: bool,
}

/// One party's end.
pub struct Severed {
    me: PartyId,
    mesh: Arc<Mesh>,
}

struct Mesh {
    stall: Duration,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    cuts: Vec<Cut>,
    /// Frames under way, and how many were sent, and their bytes since the link was made last.
    queues: BTreeMap<(PartyId, PartyId), Queue>,
    links: BTreeMap<(PartyId, PartyId), Link>,
    left: Vec<PartyId>,
    abort: Option<Abort>,
}

#[derive(Default)]
struct Queue {
    frames: VecDeque<Frame>,
    sent: usize,
    bytes: u64,
}

#[derive(Default)]
struct Link {
    cut: bool,
    renewed: u32,
    /// For which time after the first each end has asked for it.
    asked: BTreeMap<PartyId, u32>,
}

impl Severed {
    /// Channels between so many parties, in order.
    #[must_use]
    pub fn mesh(parties: u16, stall: Duration, cuts: &[Cut]) -> Vec<Self> {
        let state = Mutex::new(State { cuts: cuts.to_vec(), ..State::default() });
        let mesh = Arc::new(Mesh { stall, state, changed: Condvar::new() });
        (0..parties).map(|me| Self { me: PartyId(me), mesh: Arc::clone(&mesh) }).collect()
    }

    /// Looks at the mesh when the parties are gone: for each link how often it was made anew, and the bytes of both directions
    /// since then.
    #[must_use]
    pub fn watch(&self) -> Watch {
        Watch(Arc::clone(&self.mesh))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.mesh.lock()
    }
}

/// What passed.
pub struct Watch(Arc<Mesh>);

impl Watch {
    /// How often the link was made anew, and the bytes of both directions since then.
    #[must_use]
    pub fn link(&self, one: PartyId, other: PartyId) -> (u32, u64) {
        let state = self.0.lock();
        let bytes = |from, to| state.queues.get(&(from, to)).map_or(0, |queue| queue.bytes);
        let renewed = state.links.get(&key(one, other)).map_or(0, |link| link.renewed);
        (renewed, bytes(one, other) + bytes(other, one))
    }

    /// Cuts a link now; what is under way is gone.
    pub fn cut(&self, one: PartyId, other: PartyId) {
        let mut state = self.0.lock();
        state.links.entry(key(one, other)).or_default().cut = true;
        for way in [(one, other), (other, one)] {
            state.queues.entry(way).or_default().frames.clear();
        }
        self.0.changed.notify_all();
    }

    /// Frames that were sent in one direction, over all connections.
    #[must_use]
    pub fn sent(&self, from: PartyId, to: PartyId) -> usize {
        self.0.lock().queues.get(&(from, to)).map_or(0, |queue| queue.sent)
    }
}

impl Mesh {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there is something, the run is over, or for too long.
    fn wait<T>(
        &self,
        mut ready: impl FnMut(&mut State) -> Option<Result<T, ChannelError>>,
        late: ChannelError,
    ) -> Result<T, ChannelError> {
        let mut state = self.lock();
        let mut left = self.stall;
        loop {
            if let Some(abort) = &state.abort {
                return Err(ChannelError::Aborted(abort.clone()));
            }
            if let Some(done) = ready(&mut state) {
                return done;
            }
            let began = std::time::Instant::now();
            let (locked, waited) =
                self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner);
            if waited.timed_out() {
                return Err(late);
            }
            left = left.saturating_sub(began.elapsed());
            state = locked;
        }
    }
}

fn key(one: PartyId, other: PartyId) -> (PartyId, PartyId) {
    (one.min(other), one.max(other))
}

impl Channel for Severed {
    fn me(&self) -> PartyId {
        self.me
    }

    fn send(&self, to: PartyId, frame: Frame) -> Result<(), ChannelError> {
        let mut state = self.lock();
        if let Some(abort) = &state.abort {
            return Err(ChannelError::Aborted(abort.clone()));
        }
        if state.left.contains(&to) || state.links.entry(key(self.me, to)).or_default().cut {
            return Err(ChannelError::Closed(to));
        }
        let queue = state.queues.entry((self.me, to)).or_default();
        let nth = queue.sent;
        queue.sent += 1;
        let cut = state.cuts.iter().find(|cut| (cut.from, cut.to, cut.nth) == (self.me, to, nth));
        if let Some(Cut { rest_arrives, .. }) = cut.copied() {
            state.links.entry(key(self.me, to)).or_default().cut = true;
            if !rest_arrives {
                for way in [(self.me, to), (to, self.me)] {
                    state.queues.entry(way).or_default().frames.clear();
                }
            }
        } else {
            let queue = state.queues.entry((self.me, to)).or_default();
            queue.bytes += crate::net::wire_bytes(frame.body.len());
            queue.frames.push_back(frame);
        }
        self.mesh.changed.notify_all();
        Ok(())
    }

    fn recv(&self, from: PartyId) -> Result<Frame, ChannelError> {
        let late = ChannelError::stalled(from, self.mesh.stall);
        let ready = |state: &mut State| {
            let next = state.queues.entry((from, self.me)).or_default().frames.pop_front();
            let closed = state.left.contains(&from)
                || state.links.entry(key(self.me, from)).or_default().cut;
            next.map(Ok).or_else(|| closed.then_some(Err(ChannelError::Closed(from))))
        };
        self.mesh.wait(ready, late)
    }

    fn abort(&self, abort: Abort) {
        self.lock().abort.get_or_insert(abort);
        self.mesh.changed.notify_all();
    }

    fn renew(&self, peer: PartyId) -> Result<(), ChannelError> {
        let time = {
            let mut state = self.lock();
            let link = state.links.entry(key(self.me, peer)).or_default();
            link.cut = true;
            let time = link.renewed + 1;
            link.asked.insert(self.me, time);
            self.mesh.changed.notify_all();
            time
        };
        let ready = |state: &mut State| {
            let gone = state.left.contains(&peer);
            let link = state.links.entry(key(self.me, peer)).or_default();
            if link.renewed < time && link.asked.get(&peer) == Some(&time) {
                (link.renewed, link.cut) = (time, false);
                for way in [(self.me, peer), (peer, self.me)] {
                    let queue = state.queues.entry(way).or_default();
                    queue.frames.clear();
                    queue.bytes = 0;
                }
                self.mesh.changed.notify_all();
                return Some(Ok(()));
            }
            let stands = link.renewed == time;
            stands.then_some(Ok(())).or_else(|| gone.then_some(Err(ChannelError::Closed(peer))))
        };
        self.mesh.wait(ready, ChannelError::Closed(peer))
    }
}

impl Drop for Severed {
    fn drop(&mut self) {
        let me = self.me;
        self.lock().left.push(me);
        self.mesh.changed.notify_all();
    }
}

impl fmt::Debug for Severed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Severed({})", self.me)
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watch")
    }
}
