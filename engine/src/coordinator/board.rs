//! The coordinator's board: which jobs there are, whom it can ask, and what it answers buyers.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures::future::join_all;
use tokio::sync::watch;

use super::{
    book::{Live, broken, view_of},
    planner::{Outline, Planner},
};
use crate::{
    audit::{Event, Ledger},
    clock::Clock,
    identity::{PartyName, Signed},
    job::{Failure, JobEvent, JobId, JobSpec, JobState, Reason, Stage, admit},
    link::{Dialler, LinkError},
    policy::Refusal,
    store::{JobRecord, JobStore, StoreError, Submitted},
    wire::{self, Datasets, Explanation, JobView, PartyCalls, Progress, Published},
};

/// How long the coordinator waits for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For an answer to a short question.
    pub answer: Duration,
    /// For a sign of life from a participant that runs its local sub-plan; that itself may take until the job's time is over.
    pub prepare: Duration,
    /// Between two looks at a verdict that is pending.
    pub poll: Duration,
    /// For a participant that cannot be reached while people think.
    pub lost: Duration,
    /// For all signatures under a receipt.
    pub release: Duration,
    /// For each answer of a participant about a job that failed.
    pub account: Duration,
}

/// The coordinator. Cheap to share; drives each job in a task of its own.
#[derive(Debug)]
pub struct Board {
    pub(super) store: JobStore,
    ledger: Arc<Ledger>,
    pub(super) planner: Arc<dyn Planner>,
    pub(super) dialler: Dialler,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) patience: Patience,
    parties: BTreeMap<PartyName, (String, PartyCalls)>,
    live: Mutex<BTreeMap<JobId, Arc<Live>>>,
    draining: AtomicBool,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            answer: Duration::from_secs(30),
            prepare: Duration::from_secs(60),
            poll: Duration::from_millis(250),
            lost: Duration::from_secs(60),
            release: Duration::from_secs(60),
            account: Duration::from_secs(10),
        }
    }
}

impl Board {
    /// A board over these participants (name → host:port).
    ///
    /// # Errors
    /// [`LinkError`] if TLS cannot be set up.
    pub fn new(
        (store, ledger): (JobStore, Arc<Ledger>),
        planner: Arc<dyn Planner>,
        dialler: Dialler,
        clock: Arc<dyn Clock>,
        patience: Patience,
        parties: BTreeMap<PartyName, String>,
    ) -> Result<Self, LinkError> {
        let call = |(name, address): (PartyName, String)| {
            let channel = dialler.control(&name, &address)?;
            let calls = PartyCalls::new(name.clone(), channel, patience.answer);
            Ok((name, (address, calls)))
        };
        let parties = parties.into_iter().map(call).collect::<Result<_, LinkError>>()?;
        let (live, draining) = (Mutex::default(), AtomicBool::new(false));
        Ok(Self { store, ledger, planner, dialler, clock, patience, parties, live, draining })
    }

    /// Takes up what the journal says is unfinished: everything before RUNNING and from RELEASING on goes on; what ran, failed;
    /// what failed gets its receipt.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn recover(self: &Arc<Self>) -> Result<(), StoreError> {
        for record in self.store.unfinished().await? {
            let live = self.enter(record);
            tokio::spawn(self.clone().drive(live));
        }
        for record in self.store.unaccounted().await? {
            let (board, live) = (self.clone(), self.enter(record));
            tokio::spawn(async move {
                board.account(&live).await;
                board.leave(live.id);
            });
        }
        Ok(())
    }

    /// Takes a job in. The same request id with the same specification, be it signed later, gives the same job.
    ///
    /// # Errors
    /// [`Failure`] if the specification is none, or the request id stands for another one.
    pub async fn submit(
        self: &Arc<Self>,
        caller: &PartyName,
        spec: &[u8],
    ) -> Result<JobView, Failure> {
        let admitted = self.admit(caller, spec)?;
        let job = JobId::of(&admitted.body);
        // A job that is there is answered even while draining, and even if it has expired meanwhile.
        if self.store.get(job).await.map_err(|error| broken(&error))?.is_some() {
            return self.view(caller, job).await;
        }
        if self.draining.load(Ordering::SeqCst) {
            let words = "the coordinator is shutting down";
            return Err(Failure::new(Reason::Draining, Stage::Submit, words));
        }
        let record = JobRecord {
            job,
            request_id: admitted.body.request_id.clone(),
            buyer: admitted.body.buyer.clone(),
            spec: spec.to_vec(),
            state: JobState::Submitted,
            changed_at_ms: self.clock.now_ms(),
            plan: None,
            participants: Vec::new(),
            awaiting: Vec::new(),
            refusals: Vec::new(),
            failure: None,
        };
        match self.store.submit(&record).await.map_err(|error| broken(&error))? {
            Submitted::New => {
                let submitted = Event::Submitted { job: job.hash(), buyer: caller.clone() };
                self.note(Stage::Submit, submitted).await?;
                let live = self.enter(record.clone());
                tokio::spawn(self.clone().drive(live));
                Ok(view_of(&record, Progress::default()))
            }
            Submitted::Again => self.view(caller, job).await,
            Submitted::Other(earlier) => self.repeated(caller, &admitted.body, earlier).await,
        }
    }

    /// The job that a request id stands for, if this asks for the same.
    async fn repeated(
        &self,
        caller: &PartyName,
        spec: &JobSpec,
        earlier: JobId,
    ) -> Result<JobView, Failure> {
        let record = self.store.get(earlier).await.map_err(|error| broken(&error))?;
        let stored = record.map(|record| {
            wire::parse::<Signed<JobSpec>>("journalled job", Stage::Submit, &record.spec)
        });
        match stored.transpose()? {
            Some(stored) if spec.repeats(&stored.body) => self.view(caller, earlier).await,
            _ => {
                let words = "request_id: stands for another specification of this buyer";
                Err(Failure::new(Reason::RequestConflict, Stage::Submit, words))
            }
        }
    }

    /// What would happen if a job were submitted. Leaves no trace.
    ///
    /// # Errors
    /// [`Failure`] as when it is submitted.
    pub async fn explain(&self, caller: &PartyName, spec: &[u8]) -> Result<Explanation, Failure> {
        let admitted = self.admit(caller, spec)?;
        let outline = self.outline(&admitted).await?.map_err(|refusal| refusal.failure())?;
        let asked = Datasets { spec: spec.to_vec(), published: outline.published.clone() };
        let mut refusals = Vec::new();
        let parties = self.calls(&outline.participants)?;
        for verdict in join_all(parties.iter().map(|p| p.validate(asked.clone(), true))).await {
            refusals.extend(verdict?.refusals);
        }
        Ok(Explanation {
            plan: outline.plan,
            plan_text: outline.plan_text,
            participants: outline.participants,
            quote: outline.quote,
            leakage: outline.leakage,
            refusals,
        })
    }

    /// A job of the caller's.
    ///
    /// # Errors
    /// [`Reason::JobUnknown`], also for another buyer's job.
    pub async fn view(&self, caller: &PartyName, job: JobId) -> Result<JobView, Failure> {
        if let Some(live) = self.find(job) {
            let view = live.watch().borrow().clone();
            return owned(caller, view);
        }
        let record = self.store.get(job).await.map_err(|error| broken(&error))?;
        let record = record.ok_or_else(unknown)?;
        owned(caller, view_of(&record, Progress::default()))
    }

    /// One page of the caller's jobs, newest first.
    ///
    /// # Errors
    /// [`Failure`] if the journal cannot be read.
    pub async fn list(
        &self,
        caller: &PartyName,
        after: Option<JobId>,
        limit: u32,
    ) -> Result<Vec<JobView>, Failure> {
        let records = self.store.list(caller, after, limit).await;
        let records = records.map_err(|error| broken(&error))?;
        Ok(records.iter().map(|record| view_of(record, Progress::default())).collect())
    }

    /// Views of a job from now on; of one that has ended, its last.
    ///
    /// # Errors
    /// [`Reason::JobUnknown`].
    pub async fn watch(
        &self,
        caller: &PartyName,
        job: JobId,
    ) -> Result<watch::Receiver<JobView>, Failure> {
        let view = self.view(caller, job).await?;
        Ok(match self.find(job) {
            Some(live) => live.watch(),
            None => watch::channel(view).1,
        })
    }

    /// Ends a job, unless its shares are on their way out.
    ///
    /// # Errors
    /// [`Reason::JobUnknown`]; [`Reason::NotReady`] if it is too late.
    pub async fn cancel(&self, caller: &PartyName, job: JobId) -> Result<JobView, Failure> {
        let view = self.view(caller, job).await?;
        if view.state.is_failure() {
            return Ok(view);
        }
        let late = || {
            let words = format!("the job is {}; its result can no longer be held back", view.state);
            Failure::new(Reason::NotReady, Stage::Release, words)
        };
        view.state.on(JobEvent::Cancel).map_err(|_| late())?;
        let live = self.find(job).ok_or_else(late)?;
        let words = format!("cancelled by {caller}");
        live.stop(Failure::new(Reason::Cancelled, Stage::Run, words));
        let mut views = live.watch();
        let ended =
            views.wait_for(|view| view.state.is_final() || view.state >= JobState::Releasing);
        let waited = tokio::time::timeout(self.patience.answer, ended).await;
        match waited {
            Ok(Ok(view)) => Ok(view.clone()),
            _ => Ok(live.watch().borrow().clone()),
        }
    }

    /// Takes no new jobs from here on.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::SeqCst);
    }

    /// Whether a job is in a stage that does not survive a restart.
    #[must_use]
    pub fn busy(&self) -> bool {
        let live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        live.values().any(|job| (JobState::Preparing..=JobState::Releasing).contains(&job.state()))
    }

    /// Moves a job, and writes it into the log.
    pub(super) async fn advance(
        &self,
        live: &Live,
        event: JobEvent,
        edit: impl FnOnce(&mut JobRecord) + Send,
    ) -> Result<(), Failure> {
        match live.advance(&self.store, &*self.clock, event, edit).await? {
            // What comes before is the participants' to record.
            Some(state) if state >= JobState::Approved => {
                let moved = Event::Moved { job: live.id.hash(), state };
                self.note(Stage::Submit, moved).await
            }
            _ => Ok(()),
        }
    }

    /// Writes an event into the log. What it is about must not go on if it cannot be written.
    pub(super) async fn note(&self, stage: Stage, event: Event) -> Result<(), Failure> {
        self.ledger.note(event).await.map_err(|error| {
            tracing::error!(%error, "the audit log failed");
            Failure::new(Reason::of_fault(&error), stage, error.to_string())
        })
    }

    /// Compiles a job from what the providers publish now; a refusal where no plan can keep a policy.
    pub(super) async fn outline(
        &self,
        spec: &Signed<JobSpec>,
    ) -> Result<Result<Outline, Refusal>, Failure> {
        let calls = self
            .parties
            .values()
            .map(|(_, calls)| async move { (calls.peer(), calls.describe().await) });
        let mut published = Published::default();
        let mut silent = Vec::new();
        for (party, told) in join_all(calls).await {
            match told {
                Ok(told) => {
                    published.descriptors.extend(told.descriptors);
                    published.policies.extend(told.policies);
                }
                Err(failure) => {
                    tracing::warn!(%party, %failure, "a participant did not say what it publishes");
                    silent.push((party.clone(), failure));
                }
            }
        }
        let (planner, spec) = (self.planner.clone(), spec.clone());
        let outline = tokio::task::spawn_blocking(move || planner.outline(&spec, &published)).await;
        let outline =
            outline.map_err(|e| Failure::new(Reason::Internal, Stage::Validate, e.to_string()))?;
        outline.map_err(|failure| unheard(failure, silent))
    }

    /// Calls to these participants.
    pub(super) fn calls(&self, names: &[PartyName]) -> Result<Vec<PartyCalls>, Failure> {
        let call = |name: &PartyName| match self.parties.get(name) {
            Some((_, calls)) => Ok(calls.clone()),
            None => {
                let words = format!("{name} is not registered with this coordinator");
                Err(Failure::new(Reason::PartyUnknown, Stage::Validate, words).at(name))
            }
        };
        names.iter().map(call).collect()
    }

    /// Where a participant listens.
    pub(super) fn address(&self, name: &PartyName) -> String {
        self.parties.get(name).map(|(address, _)| address.clone()).unwrap_or_default()
    }

    pub(super) fn admit(
        &self,
        caller: &PartyName,
        spec: &[u8],
    ) -> Result<Signed<JobSpec>, Failure> {
        let pins = self.dialler.credentials().pins();
        let admitted = admit(spec, Stage::Submit, pins, self.clock.now_ms())?;
        if admitted.body.buyer == *caller {
            return Ok(admitted);
        }
        let words = format!("{caller} may not submit a job of {}", admitted.body.buyer);
        Err(Failure::new(Reason::PermissionDenied, Stage::Submit, words))
    }

    pub(super) fn find(&self, job: JobId) -> Option<Arc<Live>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner).get(&job).cloned()
    }

    /// Lets go of a job that nothing happens to any more.
    pub(super) fn leave(&self, job: JobId) {
        self.live.lock().unwrap_or_else(PoisonError::into_inner).remove(&job);
    }

    fn enter(&self, record: JobRecord) -> Arc<Live> {
        let live = Arc::new(Live::new(record));
        self.live.lock().unwrap_or_else(PoisonError::into_inner).insert(live.id, live.clone());
        live
    }
}

fn owned(caller: &PartyName, view: JobView) -> Result<JobView, Failure> {
    let allowed = view.buyer == *caller || view.participants.contains(caller);
    if allowed { Ok(view) } else { Err(unknown()) }
}

pub(super) fn unknown() -> Failure {
    Failure::new(Reason::JobUnknown, Stage::Submit, "there is no such job of yours")
}

/// A table is not known where its owner could not be asked: that is what is wrong then.
fn unheard(failure: Failure, silent: Vec<(PartyName, Failure)>) -> Failure {
    let missing = |(party, _): &(PartyName, Failure)| {
        failure.message.contains(&format!("unknown table `{party}."))
    };
    let absent =
        silent.into_iter().find(missing).filter(|_| failure.reason == Reason::TableUnknown);
    let Some((party, why)) = absent else { return failure };
    let words =
        format!("the job asks for tables of {party}, which did not answer: {}", why.message);
    Failure::new(Reason::PartyLost, failure.stage, words).at(&party)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_whose_owner_did_not_answer_is_no_unknown_one() {
        let [south, west]: [PartyName; 2] = ["south", "west"].map(|name| name.parse().unwrap());
        let gone = || Failure::new(Reason::PartyLost, Stage::Validate, "connection refused");
        let unknown = |table: &str| {
            let words = format!("unknown table `{table}`; did you mean `north.people`?");
            Failure::new(Reason::TableUnknown, Stage::Validate, words)
        };
        let told =
            unheard(unknown("south.people"), vec![(west.clone(), gone()), (south.clone(), gone())]);
        assert_eq!((told.reason, told.party), (Reason::PartyLost, Some(south)));
        assert!(told.message.contains("connection refused"), "{}", told.message);
        assert_eq!(unheard(unknown("mars.people"), vec![(west, gone())]), unknown("mars.people"));
    }
}
