//! Waiting a moment before going to sleep.

use std::{sync::MutexGuard, thread};

/// How often a waiting thread looks again, letting others run in between, before it asks to be woken: some ten microseconds.
const LOOKS: usize = 32;

/// Locks the state and returns it as soon as it is no longer `idle`, or after a few looks; the caller checks and sleeps.
///
/// A small message is answered within microseconds: to go to sleep and be woken, two system calls and two switches of threads,
/// takes longer than all the rest of a round.
pub(super) fn watch<'a, S>(
    lock: impl Fn() -> MutexGuard<'a, S>,
    idle: impl Fn(&S) -> bool,
) -> MutexGuard<'a, S> {
    for _ in 0..LOOKS {
        let state = lock();
        if !idle(&state) {
            return state;
        }
        drop(state);
        thread::yield_now();
    }
    lock()
}

#[cfg(test)]
mod tests {
    use std::{
        cell::Cell,
        sync::{Mutex, MutexGuard},
    };

    use super::*;

    /// The state that was seen, and how often it was locked, when it changes at the `at`th look.
    fn looks(at: usize) -> (bool, usize) {
        let (state, looked) = (Mutex::new(false), Cell::new(0));
        let lock = || -> MutexGuard<'_, bool> {
            looked.set(looked.get() + 1);
            let mut state = state.lock().unwrap();
            *state = looked.get() >= at;
            state
        };
        let seen = *watch(lock, |changed| !changed);
        (seen, looked.get())
    }

    #[test]
    fn a_change_is_seen_at_once_and_watching_ends_without_one() {
        assert_eq!(looks(0), (true, 1));
        assert_eq!(looks(5), (true, 5));
        assert_eq!(looks(usize::MAX), (false, LOOKS + 1));
    }
}
