//! A daemon's log as its tasks share it.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use super::log::{AuditLog, Event, LogError};
use crate::clock::Clock;

/// How often, and how many times, a log is asked for again that another process still has open.
const AGAIN: (Duration, u32) = (Duration::from_millis(100), 50);

/// One daemon's [`AuditLog`] with its clock.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    log: Mutex<AuditLog>,
    clock: Arc<dyn Clock>,
}

impl Ledger {
    /// Opens the log at `path`, making it where there is none. A predecessor that is just closing is given a moment.
    ///
    /// # Errors
    /// [`LogError`]; nothing may be done that such a log would have to record.
    pub async fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Arc<Self>, LogError> {
        let (pause, times) = AGAIN;
        let mut tried = 0;
        let log = loop {
            let at = path.to_owned();
            let opened = blocking(path, move || AuditLog::open(&at)).await;
            match opened {
                Err(LogError::Busy(_)) if tried < times => {
                    tried += 1;
                    tokio::time::sleep(pause).await;
                }
                done => break done?,
            }
        };
        Ok(Arc::new(Self { path: path.to_owned(), log: Mutex::new(log), clock }))
    }

    /// Writes an event down; it is on disk when this returns.
    ///
    /// # Errors
    /// [`LogError::Io`]; what was to be recorded must not go ahead.
    pub async fn note(self: &Arc<Self>, event: Event) -> Result<(), LogError> {
        let ledger = Arc::clone(self);
        blocking(&self.path, move || {
            let mut log = ledger.log.lock().unwrap_or_else(PoisonError::into_inner);
            log.append(ledger.clock.now_ms(), event).map(|_| ())
        })
        .await
    }
}

async fn blocking<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce() -> Result<T, LogError> + Send + 'static,
) -> Result<T, LogError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| {
        Err(LogError::Io { path: path.to_owned(), source: std::io::Error::other(error) })
    })
}
