//! What waits to be sent to one peer.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::super::{channel::Abort, frame::Frame};

/// One thing to send.
pub(super) enum Item {
    /// A frame of the run.
    Data(Frame),
    /// Bytes for whoever set the link up.
    Note(Vec<u8>),
    /// The run is over.
    Abort(Abort),
}

/// What the writer is to do next.
pub(super) enum Work {
    /// Send these.
    Send(VecDeque<Item>),
    /// Nothing was queued for a while: show that this party lives.
    Heartbeat,
    /// Everything is sent and nothing more will come.
    Close,
}

/// Filled by `send`, emptied by the writer thread. Has no bound: `send` never waits.
#[derive(Default)]
pub(super) struct Outbox {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Item>,
    /// Items were taken and are not on the wire yet.
    busy: bool,
    /// Nothing more will be queued.
    closing: bool,
    /// The writer has ended, for better or worse.
    done: bool,
}

impl Outbox {
    // As in the inbox: a panic leaves the state whole.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues an item; false if the writer has ended.
    pub(super) fn push(&self, item: Item) -> bool {
        let mut state = self.lock();
        if state.done || state.closing {
            return false;
        }
        state.queue.push_back(item);
        drop(state);
        self.changed.notify_all();
        true
    }

    /// Puts an abort in the place of everything queued.
    pub(super) fn abort(&self, abort: Abort) {
        let mut state = self.lock();
        state.queue.clear();
        if !state.done {
            state.queue.push_back(Item::Abort(abort));
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Waits for work. What was taken before counts as sent.
    pub(super) fn take(&self, heartbeat: Duration) -> Work {
        let mut state = self.lock();
        state.busy = false;
        self.changed.notify_all();
        let idle = |state: &mut State| state.queue.is_empty() && !state.closing;
        let waited = self.changed.wait_timeout_while(state, heartbeat, idle);
        state = waited.unwrap_or_else(PoisonError::into_inner).0;
        if !state.queue.is_empty() {
            state.busy = true;
            return Work::Send(std::mem::take(&mut state.queue));
        }
        if state.closing { Work::Close } else { Work::Heartbeat }
    }

    /// Nothing more will be queued.
    pub(super) fn close(&self) {
        self.lock().closing = true;
        self.changed.notify_all();
    }

    /// The writer has ended.
    pub(super) fn done(&self) {
        let mut state = self.lock();
        state.done = true;
        state.queue.clear();
        drop(state);
        self.changed.notify_all();
    }

    /// Waits until the writer has ended or the deadline passed.
    pub(super) fn wait_done(&self, deadline: Instant) {
        self.wait(deadline, |state| state.done);
    }

    /// Waits until everything queued is on the wire; false if it will not be, or not by the deadline.
    pub(super) fn wait_sent(&self, deadline: Instant) -> bool {
        self.wait(deadline, |state| state.done || (state.queue.is_empty() && !state.busy));
        let state = self.lock();
        state.queue.is_empty() && !state.busy && !state.done
    }

    fn wait(&self, deadline: Instant, until: impl Fn(&State) -> bool) {
        let patience = deadline.saturating_duration_since(Instant::now());
        let waited = self.changed.wait_timeout_while(self.lock(), patience, |state| !until(state));
        drop(waited);
    }
}
