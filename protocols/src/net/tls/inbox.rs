//! What one peer sent and nobody received yet.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use super::super::{
    channel::{Abort, ChannelError},
    frame::{Frame, HEADER_BYTES},
    watch::watch,
};
use crate::party::PartyId;

/// Filled by the reader thread, emptied by `recv`.
pub(super) struct Inbox {
    peer: PartyId,
    backlog: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
pub(super) struct State {
    frames: VecDeque<Frame>,
    notes: VecDeque<Vec<u8>>,
    /// Memory that the two queues take, roughly.
    bytes: usize,
    /// What they may take, where whoever receives has said that this is less than usually.
    throttled: Option<usize>,
    /// When the peer last said that it gets on with work of its own.
    worked: Option<Instant>,
    /// Why nothing more will come.
    end: Option<ChannelError>,
    /// The peer has taken leave: the link was not lost.
    goodbye: bool,
    /// Nobody will receive any more.
    left: bool,
    /// Threads that wait for a change. Nobody is woken, at the price of a system call, when there is none.
    waiting: usize,
}

impl State {
    /// The next frame.
    pub(super) fn frame(&mut self) -> Option<Frame> {
        let frame = self.frames.pop_front()?;
        self.bytes -= weight(&frame.body);
        Some(frame)
    }

    /// The next note.
    pub(super) fn note(&mut self) -> Option<Vec<u8>> {
        let note = self.notes.pop_front()?;
        self.bytes -= weight(&note);
        Some(note)
    }
}

/// What a queued body counts for: an empty one is not free either.
fn weight(body: &[u8]) -> usize {
    2 * HEADER_BYTES + body.len()
}

impl Inbox {
    pub(super) fn new(peer: PartyId, backlog: usize) -> Self {
        Self { peer, backlog, state: Mutex::default(), changed: Condvar::new() }
    }

    // A holder of the lock that panicked left whole queues behind: every change under it is a few infallible steps.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets go of a changed state and wakes who waits for that.
    fn release(&self, state: MutexGuard<'_, State>) {
        let wake = state.waiting > 0;
        drop(state);
        if wake {
            self.changed.notify_all();
        }
    }

    /// Queues frames and leaves `frames` empty; waits while the peer is too far ahead. False when nobody will receive them.
    pub(super) fn push_frames(&self, frames: &mut Vec<Frame>, abort: &OnceLock<Abort>) -> bool {
        let weight = frames.iter().map(|frame| weight(&frame.body)).sum();
        self.push(weight, abort, |state| state.frames.extend(frames.drain(..)))
    }

    /// The same for a note.
    pub(super) fn push_note(&self, note: Vec<u8>, abort: &OnceLock<Abort>) -> bool {
        let weight = weight(&note);
        self.push(weight, abort, |state| state.notes.push_back(note))
    }

    fn push(&self, weight: usize, abort: &OnceLock<Abort>, put: impl FnOnce(&mut State)) -> bool {
        let mut state = self.lock();
        while state.bytes > state.throttled.unwrap_or(self.backlog).min(self.backlog)
            && !state.left
            && abort.get().is_none()
        {
            state.waiting += 1;
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.waiting -= 1;
        }
        // After an abort nobody receives, but the link is read on: the peer's writer must not get stuck.
        if abort.get().is_none() {
            put(&mut state);
            state.bytes += weight;
        }
        let wanted = !state.left;
        self.release(state);
        wanted
    }

    /// Lets the peer be no further ahead than this, or than usually.
    pub(super) fn throttle(&self, bytes: Option<usize>) {
        let mut state = self.lock();
        state.throttled = bytes;
        self.release(state);
    }

    /// The peer gets on with work of its own: who waits for it has patience from now on.
    pub(super) fn working(&self) {
        self.lock().worked = Some(Instant::now());
    }

    /// Nothing more will come, for this reason.
    pub(super) fn end(&self, why: ChannelError) {
        self.lock().end.get_or_insert(why);
        self.changed.notify_all();
    }

    /// The peer says that nothing more will come.
    pub(super) fn goodbye(&self) {
        self.lock().goodbye = true;
    }

    /// Whether the peer said that nothing more will come.
    pub(super) fn has_left(&self) -> bool {
        self.lock().goodbye
    }

    /// Why nothing more will come, if that is so.
    pub(super) fn ended(&self) -> Option<ChannelError> {
        self.lock().end.clone()
    }

    /// Whether nothing more will come though the peer did not say so.
    pub(super) fn lost(&self) -> bool {
        let state = self.lock();
        matches!(state.end, Some(ChannelError::Closed(_))) && !state.goodbye
    }

    /// Waits, until the deadline, for whatever the peer still says; an error if the link was not lost.
    pub(super) fn outlive(
        &self,
        abort: &OnceLock<Abort>,
        deadline: Instant,
    ) -> Result<(), ChannelError> {
        let mut state = self.lock();
        while state.end.is_none() && abort.get().is_none() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state.waiting += 1;
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            state.waiting -= 1;
        }
        if let Some(abort) = abort.get() {
            return Err(ChannelError::Aborted(abort.clone()));
        }
        match &state.end {
            Some(ChannelError::Closed(_)) if !state.goodbye => Ok(()),
            Some(end) => Err(end.clone()),
            None => Ok(()),
        }
    }

    /// Nobody will receive any more.
    pub(super) fn leave(&self) {
        self.lock().left = true;
        self.changed.notify_all();
    }

    /// Makes whoever waits look again.
    pub(super) fn wake(&self) {
        // Under the lock, so that a thread between its check and its wait is not missed.
        let _held = self.lock();
        self.changed.notify_all();
    }

    /// Waits for what `pick` finds, an abort, the end, or `patience`.
    pub(super) fn take<T>(
        &self,
        abort: &OnceLock<Abort>,
        patience: Duration,
        pick: impl Fn(&mut State) -> Option<T>,
    ) -> Result<T, ChannelError> {
        let start = Instant::now();
        let mut state = watch(
            || self.lock(),
            |state| {
                state.frames.is_empty()
                    && state.notes.is_empty()
                    && state.end.is_none()
                    && abort.get().is_none()
            },
        );
        loop {
            if let Some(abort) = abort.get() {
                return Err(ChannelError::Aborted(abort.clone()));
            }
            if let Some(found) = pick(&mut state) {
                self.release(state);
                return Ok(found);
            }
            if let Some(end) = &state.end {
                return Err(end.clone());
            }
            let since = state.worked.map_or(start, |worked| worked.max(start));
            let left = (since + patience).saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ChannelError::stalled(self.peer, patience));
            }
            state.waiting += 1;
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            state.waiting -= 1;
        }
    }
}
