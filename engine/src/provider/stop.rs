//! Ending a run from outside.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
};

use crate::job::Failure;

type Hook = Box<dyn FnOnce(&Failure) + Send>;

/// One run's emergency stop. The first failure counts; whoever runs hangs in how to be stopped.
#[derive(Default)]
pub struct Stop {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    failure: Option<Failure>,
    hooks: Vec<Hook>,
}

impl Stop {
    /// Calls `hook` when the run is stopped; at once if it has been.
    pub fn on_stop(&self, hook: impl FnOnce(&Failure) + Send + 'static) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state.failure.clone() {
            Some(failure) => {
                drop(state);
                hook(&failure);
            }
            None => state.hooks.push(Box::new(hook)),
        }
    }

    /// Stops the run, unless it has been stopped.
    pub fn stop(&self, failure: &Failure) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.failure.is_some() {
            return;
        }
        state.failure = Some(failure.clone());
        let hooks = std::mem::take(&mut state.hooks);
        drop(state);
        for hook in hooks {
            hook(failure);
        }
    }

    /// Why it was stopped, if it was.
    #[must_use]
    pub fn failure(&self) -> Option<Failure> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).failure.clone()
    }
}

impl fmt::Debug for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stop").field("failure", &self.failure()).finish_non_exhaustive()
    }
}
