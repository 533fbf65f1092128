//! One live job: its record, everybody who watches it, and the way to end it.

use tokio::sync::{Mutex, watch};

use crate::{
    clock::Clock,
    job::{Failure, Illegal, JobEvent, JobId, JobState, Reason, Stage},
    store::{JobRecord, JobStore, StoreError},
    wire::{JobView, Progress, SealedRound},
};

/// Rounds of a training that are kept for whoever comes to watch.
const ROUNDS: usize = 64;

/// Longest sealed round that is kept, in bytes: sets of some thousand providers.
const MAX_ROUND_BYTES: usize = 16 << 10;

/// A job in memory. The journal is ahead of it, never behind.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) id: JobId,
    record: Mutex<JobRecord>,
    view: watch::Sender<JobView>,
    stop: watch::Sender<Option<Failure>>,
}

impl Live {
    pub(super) fn new(record: JobRecord) -> Self {
        let (view, _) = watch::channel(view_of(&record, Progress::default()));
        let (stop, _) = watch::channel(None);
        Self { id: record.job, record: Mutex::new(record), view, stop }
    }

    pub(super) fn watch(&self) -> watch::Receiver<JobView> {
        self.view.subscribe()
    }

    pub(super) async fn record(&self) -> JobRecord {
        self.record.lock().await.clone()
    }

    pub(super) fn state(&self) -> JobState {
        self.view.borrow().state
    }

    /// Moves the job: journal first, then memory, then whoever watches. Skips an event that the job has behind it; gives
    /// the new state otherwise.
    pub(super) async fn advance(
        &self,
        store: &JobStore,
        clock: &dyn Clock,
        event: JobEvent,
        edit: impl FnOnce(&mut JobRecord) + Send,
    ) -> Result<Option<JobState>, Failure> {
        let mut record = self.record.lock().await;
        let state = match record.state.on(event) {
            Ok(state) => state,
            Err(illegal) if self.behind(&illegal) => return Ok(None),
            Err(illegal) => {
                let words = illegal.to_string();
                return Err(Failure::new(Reason::Internal, Stage::Submit, words));
            }
        };
        let mut next = record.clone();
        edit(&mut next);
        next.state = state;
        next.changed_at_ms = clock.now_ms();
        store.transition(event, &next).await.map_err(|error| broken(&error))?;
        *record = next;
        self.show(&record);
        Ok(Some(state))
    }

    /// Ends the job for this reason, unless it has ended. Returns whether it was this call that ended it.
    pub(super) async fn end(
        &self,
        store: &JobStore,
        clock: &dyn Clock,
        failure: &Failure,
    ) -> Result<bool, StoreError> {
        let mut record = self.record.lock().await;
        // A transition may have been written and then interrupted before memory followed.
        if let Some(written) = store.get(self.id).await? {
            *record = written;
        }
        let event = failure.reason.event();
        let ended = record.state.on(event).map(|state| (event, state));
        let ended = ended.or_else(|_| record.state.on(JobEvent::Fail).map(|s| (JobEvent::Fail, s)));
        let Ok((event, state)) = ended else { return Ok(false) };
        let mut next = record.clone();
        next.state = state;
        next.changed_at_ms = clock.now_ms();
        next.awaiting.clear();
        next.failure = Some(failure.clone().redacted());
        store.transition(event, &next).await?;
        *record = next;
        self.show(&record);
        Ok(true)
    }

    /// Changes what is known of the job without moving it.
    pub(super) async fn amend(
        &self,
        store: &JobStore,
        edit: impl FnOnce(&mut JobRecord) + Send,
    ) -> Result<(), Failure> {
        let mut record = self.record.lock().await;
        let mut next = record.clone();
        edit(&mut next);
        if next == *record {
            return Ok(());
        }
        store.update(&next).await.map_err(|error| broken(&error))?;
        *record = next;
        self.show(&record);
        Ok(())
    }

    /// Shows the record as it is now; rounds that were heard of stay.
    fn show(&self, record: &JobRecord) {
        self.view.send_modify(|view| {
            let rounds = std::mem::take(&mut view.rounds);
            *view = JobView { rounds, ..view_of(record, Progress::default()) };
        });
    }

    /// Shows progress, and a sealed round for its buyer; not journalled.
    pub(super) fn progress(&self, mut progress: Progress) {
        let round = progress.round.take();
        self.view.send_if_modified(|view| {
            let changed = view.progress != progress;
            view.progress = progress;
            round.is_some_and(|round| keep(&mut view.rounds, round)) || changed
        });
    }

    /// Asks the driver to end the job.
    pub(super) fn stop(&self, failure: Failure) {
        self.stop.send_if_modified(|stop| {
            let first = stop.is_none();
            if first {
                *stop = Some(failure);
            }
            first
        });
    }

    /// Waits until somebody asks for the end.
    pub(super) async fn stopped(&self) -> Failure {
        let mut stop = self.stop.subscribe();
        match stop.wait_for(Option::is_some).await.map(|stop| stop.clone()) {
            Ok(Some(failure)) => failure,
            // The sender is `self`: it cannot be gone.
            _ => std::future::pending().await,
        }
    }

    /// Whether the event leads to where the job has been already (a restarted driver repeats itself).
    fn behind(&self, illegal: &Illegal) -> bool {
        let target = match illegal.event {
            JobEvent::Validate => JobState::Validating,
            JobEvent::Agreed => JobState::AwaitingApproval,
            JobEvent::Approve => JobState::Approved,
            JobEvent::Prepare => JobState::Preparing,
            JobEvent::Deliver => JobState::Delivered,
            _ => return false,
        };
        illegal.state >= target && !illegal.state.is_failure()
    }
}

/// Keeps a round that is later than the last one, and forgets the first where there are too many; whether it did.
fn keep(rounds: &mut Vec<SealedRound>, round: SealedRound) -> bool {
    let last = rounds.last().map_or(0, |last| last.round);
    if round.round <= last || round.bytes() > MAX_ROUND_BYTES {
        return false;
    }
    rounds.push(round);
    rounds.drain(..rounds.len().saturating_sub(ROUNDS));
    true
}

/// A record as others see it.
pub(super) fn view_of(record: &JobRecord, progress: Progress) -> JobView {
    JobView {
        job: record.job,
        request_id: record.request_id.clone(),
        buyer: record.buyer.clone(),
        state: record.state,
        changed_at_ms: record.changed_at_ms,
        plan: record.plan,
        participants: record.participants.clone(),
        awaiting: record.awaiting.clone(),
        refusals: record.refusals.clone(),
        failure: record.failure.clone(),
        progress,
        rounds: Vec::new(),
    }
}

/// A journal that fails is this program's fault, unless its disk is full; its words stay in the log.
pub(super) fn broken(error: &StoreError) -> Failure {
    tracing::error!(%error, "the journal failed");
    Failure::new(Reason::of_fault(error), Stage::Submit, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_rounds_are_kept_in_order_and_none_that_is_too_long() {
        let round = |round, ciphertext| SealedRound { round, ciphertext, manifest: vec![] };
        let mut rounds = Vec::new();
        assert!((1..=200).all(|at| keep(&mut rounds, round(at, vec![0; 56]))));
        let kept = |rounds: &[SealedRound]| (rounds[0].round, rounds.len());
        assert_eq!(kept(&rounds), (137, ROUNDS));
        assert!(!keep(&mut rounds, round(200, vec![])), "it was told");
        assert!(!keep(&mut rounds, round(201, vec![0; MAX_ROUND_BYTES + 1])), "too long");
        assert_eq!(kept(&rounds), (137, ROUNDS));
    }
}
