//! A daemon's log as its tasks share it.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use super::log::{AuditLog, Event, LogError, LogHead};
use crate::{clock::Clock, identity::Hash32, store::HeadStore};

/// How often, and how many times, a log is asked for again that another process still has open.
const AGAIN: (Duration, u32) = (Duration::from_millis(100), 50);

/// One daemon's [`AuditLog`] with its clock.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    log: Mutex<AuditLog>,
    head: HeadStore,
    clock: Arc<dyn Clock>,
}

impl Ledger {
    /// Opens the log at `path`, making it where there is none; it must lead through the end that the journal keeps. A
    /// predecessor that is just closing is given a moment.
    ///
    /// # Errors
    /// [`LogError`]; nothing may be done that such a log would have to record.
    pub async fn open(
        path: &Path,
        head: HeadStore,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<Self>, LogError> {
        let kept = head.get().await?.map(|(entries, hash)| LogHead { entries, hash });
        let log = open(path, kept).await?;
        // A line may have been written and then not noted; a log of an earlier build has no end noted at all.
        head.advance(log.head().entries, log.head().hash).await?;
        Ok(Arc::new(Self { path: path.to_owned(), log: Mutex::new(log), head, clock }))
    }

    /// Begins a new log at `path`, where none may be, in the place of one that is lost; its first line names the end of that.
    ///
    /// # Errors
    /// [`LogError`].
    pub async fn begin(
        path: &Path,
        head: HeadStore,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<Self>, LogError> {
        let lost = head.get().await?;
        let log = open(path, None).await?;
        if log.head().entries > 0 {
            return Err(LogError::Kept(path.to_owned()));
        }
        head.forget().await?;
        let ledger = Arc::new(Self { path: path.to_owned(), log: Mutex::new(log), head, clock });
        if let Some((entries, hash)) = lost {
            ledger.note(Event::Begun { entries, hash }).await?;
        }
        Ok(ledger)
    }

    /// Writes an event down; it is on disk when this returns.
    ///
    /// # Errors
    /// [`LogError`]; what was to be recorded must not go ahead.
    pub async fn note(self: &Arc<Self>, event: Event) -> Result<(), LogError> {
        let ledger = Arc::clone(self);
        let head = blocking(&self.path, move || {
            let mut log = ledger.log.lock().unwrap_or_else(PoisonError::into_inner);
            log.append(ledger.clock.now_ms(), event)?;
            Ok(log.head())
        })
        .await?;
        Ok(self.head.advance(head.entries, head.hash).await?)
    }

    /// Whether the log says that this policy of a dataset is in force.
    #[must_use]
    pub fn has_policy(&self, dataset: &str, policy: Hash32) -> bool {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).has_policy(dataset, policy)
    }
}

async fn open(path: &Path, kept: Option<LogHead>) -> Result<AuditLog, LogError> {
    let (pause, times) = AGAIN;
    let mut tried = 0;
    loop {
        let at = path.to_owned();
        match blocking(path, move || AuditLog::open(&at, kept)).await {
            Err(LogError::Busy(_)) if tried < times => {
                tried += 1;
                tokio::time::sleep(pause).await;
            }
            done => return done,
        }
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
