//! What waits to be sent to one peer.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::super::{channel::Abort, frame::Frame, watch::watch};

/// One thing to send.
pub(super) enum Item {
    /// A frame of the run.
    Data(Frame),
    /// Bytes for whoever set the link up.
    Note(Vec<u8>),
    /// This party gets on with work of its own.
    Working,
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
    /// Threads that wait for a change. Nobody is woken, at the price of a system call, when there is none.
    waiting: usize,
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

    /// Changes the state and wakes who waits for that.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let changed = change(&mut state);
        let wake = state.waiting > 0;
        drop(state);
        if wake {
            self.changed.notify_all();
        }
        changed
    }

    /// Waits until something holds or the time is over.
    fn wait<'a>(
        &self,
        mut state: MutexGuard<'a, State>,
        patience: Duration,
        until: impl Fn(&State) -> bool,
    ) -> MutexGuard<'a, State> {
        state.waiting += 1;
        let waited = self.changed.wait_timeout_while(state, patience, |state| !until(state));
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        state.waiting -= 1;
        state
    }

    /// Queues an item; false if the writer has ended.
    pub(super) fn push(&self, item: Item) -> bool {
        self.change(|state| {
            let open = !state.done && !state.closing;
            if open {
                state.queue.push_back(item);
            }
            open
        })
    }

    /// Puts an abort in the place of everything queued.
    pub(super) fn abort(&self, abort: Abort) {
        self.change(|state| {
            state.queue.clear();
            if !state.done {
                state.queue.push_back(Item::Abort(abort));
            }
        });
    }

    /// Waits for work. What was taken before counts as sent.
    pub(super) fn take(&self, heartbeat: Duration) -> Work {
        self.change(|state| state.busy = false);
        let idle = |state: &State| state.queue.is_empty() && !state.closing;
        let mut state = self.wait(watch(|| self.lock(), idle), heartbeat, |state| !idle(state));
        if !state.queue.is_empty() {
            state.busy = true;
            return Work::Send(std::mem::take(&mut state.queue));
        }
        if state.closing { Work::Close } else { Work::Heartbeat }
    }

    /// Nothing more will be queued.
    pub(super) fn close(&self) {
        self.change(|state| state.closing = true);
    }

    /// The writer has ended.
    pub(super) fn done(&self) {
        self.change(|state| {
            state.done = true;
            state.queue.clear();
        });
    }

    /// Waits until the writer has ended or the deadline passed.
    pub(super) fn wait_done(&self, deadline: Instant) {
        drop(self.wait(self.lock(), until(deadline), |state| state.done));
    }

    /// Waits until everything queued is on the wire; false if it will not be, or not by the deadline.
    pub(super) fn wait_sent(&self, deadline: Instant) -> bool {
        let sent = |state: &State| state.queue.is_empty() && !state.busy;
        let state = self.wait(self.lock(), until(deadline), |state| state.done || sent(state));
        !state.done && sent(&state)
    }
}

fn until(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}
