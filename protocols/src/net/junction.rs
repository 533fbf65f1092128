//! Several conversations of one party over one channel, each in its own order.
//!
//! The conversations of a fork are told apart by the steps in their tags. Whoever waits first reads the link for all of them.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock},
};

use super::{
    body::Body,
    channel::{Abort, Channel, ChannelError},
    frame::Frame,
};
use crate::party::{PartyId, Role};

/// Where the conversations of one fork meet. Between compute parties only.
pub(crate) struct Junction {
    channel: Arc<dyn Channel>,
    /// Which conversation a frame belongs to, by its step; `None` for one of before or after the fork.
    part_of: Box<dyn Fn(u64) -> Option<usize> + Send + Sync>,
    peers: [Peer; 3],
    /// Nothing more is sent within the fork.
    ended: RwLock<bool>,
}

#[derive(Default)]
struct Peer {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// What came for each conversation and was not received yet.
    queues: Vec<VecDeque<Frame>>,
    /// Somebody reads the link.
    reading: bool,
    /// A frame from after the fork: the peer has nothing more to say within it.
    beyond: Option<Frame>,
    /// Why nothing more will come.
    end: Option<ChannelError>,
}

impl Peer {
    // A holder of the lock that panicked left whole queues behind.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn put(&mut self, part: Option<usize>, frame: Frame) {
        match part.and_then(|part| self.queues.get_mut(part)) {
            Some(queue) => queue.push_back(frame),
            None => self.beyond = Some(frame),
        }
    }
}

impl Junction {
    /// A junction of `parts` conversations; `early` has what peers that are ahead sent already.
    pub(crate) fn new(
        channel: Arc<dyn Channel>,
        parts: usize,
        part_of: impl Fn(u64) -> Option<usize> + Send + Sync + 'static,
        early: Vec<(PartyId, Frame)>,
    ) -> Arc<Self> {
        let peers: [Peer; 3] = Default::default();
        for peer in &peers {
            peer.lock().queues.resize_with(parts, VecDeque::new);
        }
        for (from, frame) in early {
            if let Some(role) = from.role() {
                peers[role.index()].lock().put(part_of(frame.tag.path), frame);
            }
        }
        Arc::new(Self { channel, part_of: Box::new(part_of), peers, ended: RwLock::new(false) })
    }

    /// One conversation's end of the channel.
    pub(crate) fn branch(self: &Arc<Self>, part: usize) -> Arc<dyn Channel> {
        Arc::new(Branch { junction: Arc::clone(self), part })
    }

    /// Ends the fork: frames from after it, or the first one that nobody received within it.
    pub(crate) fn close(&self) -> Result<Vec<(PartyId, Frame)>, (PartyId, Frame)> {
        let mut beyond = Vec::new();
        for (role, peer) in Role::ALL.into_iter().zip(&self.peers) {
            let mut state = peer.lock();
            if let Some(frame) = state.queues.iter_mut().find_map(VecDeque::pop_front) {
                return Err((role.id(), frame));
            }
            beyond.extend(state.beyond.take().map(|frame| (role.id(), frame)));
        }
        Ok(beyond)
    }

    /// Breaks the fork off, once: `last` is what is said over the channel behind all that was sent within. Conversations that
    /// send after that end; those that wait end by what their peers say.
    pub(crate) fn break_off(&self, last: impl FnOnce(&dyn Channel)) {
        let mut ended = self.ended.write().unwrap_or_else(PoisonError::into_inner);
        if !std::mem::replace(&mut *ended, true) {
            last(&*self.channel);
        }
    }

    /// Frames from after a fork that was broken off. What was not received within it is thrown away.
    pub(crate) fn beyond(&self) -> Vec<(PartyId, Frame)> {
        let each = Role::ALL.into_iter().zip(&self.peers);
        each.filter_map(|(role, peer)| Some((role.id(), peer.lock().beyond.take()?))).collect()
    }

    fn recv(&self, from: PartyId, part: usize) -> Result<Frame, ChannelError> {
        let role = from.role().ok_or(ChannelError::NoLink(from))?;
        let peer = &self.peers[role.index()];
        let mut state = peer.lock();
        loop {
            if let Some(frame) = state.queues[part].pop_front() {
                return Ok(frame);
            }
            if let Some(end) = &state.end {
                return Err(end.clone());
            }
            if let Some(Frame { tag, depth, .. }) = state.beyond {
                // Not what is due, as whoever waits will find by its tag; the frame itself is kept for who it is for.
                return Ok(Frame { tag, depth, body: Body::scratch(0) });
            }
            if state.reading {
                state = peer.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            state.reading = true;
            drop(state);
            let read = self.channel.recv(from);
            state = peer.lock();
            state.reading = false;
            match read {
                Ok(frame) => state.put((self.part_of)(frame.tag.path), frame),
                Err(error) => state.end = Some(error),
            }
            peer.changed.notify_all();
        }
    }
}

/// One conversation's end.
struct Branch {
    junction: Arc<Junction>,
    part: usize,
}

impl Channel for Branch {
    fn me(&self) -> PartyId {
        self.junction.channel.me()
    }

    fn send(&self, to: PartyId, frame: Frame) -> Result<(), ChannelError> {
        // Held until it is sent: nothing follows the last word of a fork that is broken off.
        let ended = self.junction.ended.read().unwrap_or_else(PoisonError::into_inner);
        if *ended { Err(ChannelError::Closed(to)) } else { self.junction.channel.send(to, frame) }
    }

    fn recv(&self, from: PartyId) -> Result<Frame, ChannelError> {
        self.junction.recv(from, self.part)
    }

    fn working(&self) {
        self.junction.channel.working();
    }

    fn abort(&self, abort: Abort) {
        self.junction.channel.abort(abort);
    }
}
