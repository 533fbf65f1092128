//! A participant's desk: jobs come in, verdicts and consents go out.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicBool},
};

use serde::{Deserialize, Serialize};

use super::{
    consent,
    runner::{Job, Runner},
    stop::Stop,
};
use crate::{
    audit::{Event, Ledger},
    clock::Clock,
    identity::{Hash32, PartyName, Signed},
    job::{Failure, JobId, JobSpec, Reason, Stage, admit},
    link::{Dialler, Rendezvous},
    policy::{Consent, PolicyDocument, Refusal, consent_hash},
    store::{PartyRecord, PartyStore, Phase, StoreError},
    wire::{self, Datasets, Decision, PendingJob, Prepared, Published, Verdict},
};

/// Most jobs of a list for its people.
const LISTED: u32 = 200;
/// About the most bytes of such a list: less than a message may have.
const LISTED_BYTES: usize = 3 << 20;

/// Who answers when policies allow a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsentMode {
    /// A person, with `unseen consent approve`.
    #[default]
    Manual,
    /// The daemon.
    Auto,
}

/// A participant. Every answer rests on its own pins, its own compilation and its own journal.
pub struct Desk {
    pub(super) runner: Arc<dyn Runner>,
    pub(super) store: PartyStore,
    ledger: Arc<Ledger>,
    pub(super) dialler: Dialler,
    pub(super) rendezvous: Arc<Rendezvous>,
    pub(super) clock: Arc<dyn Clock>,
    mode: ConsentMode,
    pub(super) active: Mutex<BTreeMap<JobId, Active>>,
    /// Whether the daemon goes down.
    pub(super) leaving: AtomicBool,
}

/// What is in memory of a job.
#[derive(Clone, Debug)]
pub(super) struct Active {
    pub(super) job: Arc<Job>,
    pub(super) prepared: Option<(u32, Prepared)>,
    pub(super) stop: Option<Arc<Stop>>,
    /// Its share is out, and the receipt's signature is still to be asked for.
    pub(super) unsigned: bool,
    /// It was prepared and ended early; a receipt of that may be asked for.
    pub(super) ended: bool,
}

impl Desk {
    /// A desk over these parts: what it decides goes into the journal, and what it did into the log.
    #[must_use]
    pub fn new(
        runner: Arc<dyn Runner>,
        (store, ledger): (PartyStore, Arc<Ledger>),
        dialler: Dialler,
        rendezvous: Arc<Rendezvous>,
        clock: Arc<dyn Clock>,
        mode: ConsentMode,
    ) -> Self {
        let (active, leaving) = (Mutex::default(), AtomicBool::new(false));
        Self { runner, store, ledger, dialler, rendezvous, clock, mode, active, leaving }
    }

    /// This participant.
    #[must_use]
    pub fn name(&self) -> &PartyName {
        self.dialler.credentials().name()
    }

    /// Ends what a crash interrupted, but for runs that this party comes back into when it is called; what is left of others goes.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn recover(&self) -> Result<(), StoreError> {
        let interrupted = self.store.interrupted().await?;
        let (runner, open) = (self.runner.clone(), interrupted.clone());
        let removed = move || {
            runner.ended_but(&open);
            Ok(())
        };
        // Reported where it fails.
        let _ = self.blocking(Stage::Run, removed).await;
        for job in interrupted {
            if self.may_come_back(job).await {
                tracing::info!(%job, "a training is under way without this party; it goes on when it is called");
                continue;
            }
            self.end(job, &self.went_down()).await?;
        }
        Ok(())
    }

    /// Writes into the log which policies are in force from now on, where it does not say so yet.
    ///
    /// # Errors
    /// [`Failure`] of the runner, or if the log cannot be written.
    pub async fn announce(&self) -> Result<(), Failure> {
        for json in self.describe().await?.policies {
            let policy: Signed<PolicyDocument> = wire::parse("policy", Stage::Validate, &json)?;
            let (policy, hash) = (&policy.body, policy.body.hash());
            if !self.ledger.has_policy(&policy.dataset, hash) {
                let (dataset, id) = (policy.dataset.clone(), policy.id.clone());
                let version = policy.version;
                let event = Event::PolicyPublished { dataset, id, version, policy: hash };
                self.note(Stage::Validate, event).await?;
            }
        }
        Ok(())
    }

    /// What it publishes.
    ///
    /// # Errors
    /// [`Failure`] of the runner.
    pub async fn describe(&self) -> Result<Published, Failure> {
        let runner = self.runner.clone();
        self.blocking(Stage::Validate, move || runner.published()).await
    }

    /// Its verdict on a job. The first one stands; a dry run leaves no trace and never consents.
    ///
    /// # Errors
    /// [`Failure`] if the job is not one, or cannot be compiled.
    pub async fn validate(&self, asked: Datasets, dry_run: bool) -> Result<Verdict, Failure> {
        let mut job = self.assess(asked, self.clock.now_ms()).await?;
        let over = self.over_budget(&job).await?;
        job.assessment.refusals.extend(over);
        if dry_run {
            let decision = match job.assessment.refusals.is_empty() {
                true => Decision::Pending,
                false => Decision::Denied,
            };
            return Ok(verdict(&job, decision, job.assessment.refusals.clone(), None));
        }
        let job = Arc::new(job);
        let refusals = job.assessment.refusals.clone();
        let auto = self.mode == ConsentMode::Auto && !job.assessment.manual;
        let consent = (refusals.is_empty() && auto)
            .then(|| consent::sign(&job, self.name(), self.dialler.credentials().key()))
            .transpose()?;
        let decision = match (refusals.is_empty(), &consent) {
            (false, _) => Some(false),
            (true, Some(_)) => Some(true),
            (true, None) => None,
        };
        let record = PartyRecord {
            job: job.id,
            spec: wire::write(&job.spec),
            published: wire::write(&job.published),
            plan: job.assessment.plan_hash,
            decision,
            refusals,
            consent: consent.as_ref().map(wire::write),
            phase: Phase::Validated,
            changed_at_ms: self.clock.now_ms(),
            failure: None,
            commitments: None,
            prepared: None,
            run: None,
            receipt_part: None,
            receipt: None,
        };
        let new = self.store.insert(&record).await.map_err(|error| self.broken(&error))?;
        self.keep(&job);
        if new {
            let (plan, refusals) = (Some(record.plan), record.refusals);
            let verdict = Event::Verdict { job: job.id.hash(), plan, refusals };
            self.note(Stage::Validate, verdict).await?;
            if let Some(consent) = &consent {
                self.note(Stage::Validate, given(&job, consent)).await?;
            }
        }
        self.verdict(job.id).await
    }

    /// Its verdict as it stands.
    ///
    /// # Errors
    /// [`Reason::JobUnknown`], or why the job ended here.
    pub async fn verdict(&self, job: JobId) -> Result<Verdict, Failure> {
        let record = self.record(job, Stage::Approve).await?;
        if let Some(failure) = record.failure {
            return Err(failure);
        }
        let job = self.job(job, Stage::Approve).await?;
        stated(&job, &record)
    }

    /// The jobs that wait for its people, newest first; with `answered`, those of the newest ones, too, that do not wait any longer
    /// and are not over. As many as one message holds.
    ///
    /// # Errors
    /// [`Failure`] if the journal cannot be read.
    pub async fn list(&self, answered: bool) -> Result<Vec<PendingJob>, Failure> {
        let records =
            if answered { self.store.list(LISTED).await } else { self.store.waiting(LISTED).await };
        let records = records.map_err(|error| self.broken(&error))?;
        let (mut jobs, mut room) = (Vec::with_capacity(records.len()), LISTED_BYTES);
        for record in records.iter().filter(|record| record.phase != Phase::Ended) {
            // A job whose policies have changed since cannot be compiled again; it is no longer offered.
            let Ok(job) = self.job(record.job, Stage::Approve).await else { continue };
            let pending =
                PendingJob { spec: job.spec.body.clone(), verdict: stated(&job, record)? };
            room = room.saturating_sub(pending.about_bytes());
            if room == 0 && !jobs.is_empty() {
                break;
            }
            jobs.push(pending);
        }
        Ok(jobs)
    }

    /// Its people consent. Policies are evaluated again: time may have run out since.
    ///
    /// # Errors
    /// [`Reason::NotReady`] if there is nothing to decide, [`Reason::PolicyRefused`] if the policy has changed its mind.
    pub async fn approve(&self, job: JobId) -> Result<Verdict, Failure> {
        let known = self.job(job, Stage::Approve).await?;
        let asked = Datasets { spec: wire::write(&known.spec), published: known.published.clone() };
        let fresh = self.assess(asked, self.clock.now_ms()).await?;
        let over = self.over_budget(&fresh).await?;
        if let Some(refusal) = fresh.assessment.refusals.iter().chain(&over).next() {
            return Err(self.fail(Reason::PolicyRefused, Stage::Approve, refusal.to_string()));
        }
        if fresh.assessment.plan_hash != known.assessment.plan_hash {
            let words = "the job compiles to another plan than when it came in";
            return Err(self.fail(Reason::PlanMismatch, Stage::Approve, words));
        }
        let consent = consent::sign(&fresh, self.name(), self.dialler.credentials().key())?;
        self.decide(job, Some(wire::write(&consent)), Vec::new()).await?;
        self.note(Stage::Approve, given(&fresh, &consent)).await?;
        self.verdict(job).await
    }

    /// Its people refuse.
    ///
    /// # Errors
    /// [`Reason::NotReady`] if there is nothing to decide.
    pub async fn deny(&self, job: JobId, message: String) -> Result<Verdict, Failure> {
        let message = message.chars().take(500).collect();
        let rule = "operator".to_owned();
        let refusal = Refusal { party: self.name().clone(), rule, column: None, message };
        self.decide(job, None, vec![refusal]).await?;
        let verdict = self.verdict(job).await?;
        let denied = Event::Denied { job: job.hash(), plan: verdict.plan };
        self.note(Stage::Approve, denied).await?;
        Ok(verdict)
    }

    /// Ends its part of a job, whatever stage it is in.
    ///
    /// # Errors
    /// [`Failure`] if the journal cannot be written.
    pub async fn cancel(&self, job: JobId, why: Failure) -> Result<(), Failure> {
        let stop = self.lock().get(&job).and_then(|active| active.stop.clone());
        if let Some(stop) = stop {
            stop.stop(&why);
            // What stopped it first is how it ended here.
            self.run_out(job).await;
        }
        self.end(job, &why).await.map_err(|error| self.broken(&error))?;
        self.put_away(job);
        Ok(())
    }

    /// Ends what has expired without running: a coordinator that is gone tells nobody.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn sweep(&self) -> Result<(), StoreError> {
        let now = self.clock.now_ms();
        let over =
            |active: &Active| active.stop.is_none() && active.job.spec.body.expires_at_ms <= now;
        let expired: Vec<JobId> =
            self.lock().values().filter(|job| over(job)).map(|active| active.job.id).collect();
        for job in expired {
            let words = "the job's time was over before it ran";
            let why = self.fail(Reason::DeadlineExceeded, Stage::Approve, words);
            self.expire(job, &why).await?;
            self.forget(job);
        }
        Ok(())
    }

    async fn decide(
        &self,
        job: JobId,
        consent: Option<Vec<u8>>,
        refusals: Vec<Refusal>,
    ) -> Result<(), Failure> {
        let now = self.clock.now_ms();
        let decided = self.store.decide(job, consent.as_deref(), &refusals, now).await;
        if decided.map_err(|error| self.broken(&error))? {
            return Ok(());
        }
        let words = "this job waits for no decision here";
        Err(self.fail(Reason::NotReady, Stage::Approve, words))
    }

    /// Admits and compiles a job as of `now_ms`.
    async fn assess(&self, asked: Datasets, now_ms: i64) -> Result<Job, Failure> {
        let pins = self.dialler.credentials().pins().clone();
        let spec = admit(&asked.spec, Stage::Validate, &pins, now_ms)
            .map_err(|failure| failure.at(self.name()))?;
        let (runner, published) = (self.runner.clone(), asked.published);
        let assess = move || {
            let assessment = runner.assess(&spec, &published)?;
            Ok(Job { id: JobId::of(&spec.body), spec, published, assessment })
        };
        let job = self.blocking(Stage::Validate, assess).await?;
        if !wire::roster(&job.assessment.plan).contains(self.name()) {
            let words = "this party takes no part in the job";
            return Err(self.fail(Reason::PermissionDenied, Stage::Validate, words));
        }
        Ok(job)
    }

    /// A job that was validated here: from memory, or compiled again from the journal.
    pub(super) async fn job(&self, id: JobId, stage: Stage) -> Result<Arc<Job>, Failure> {
        if let Some(active) = self.lock().get(&id) {
            return Ok(active.job.clone());
        }
        let record = self.record(id, stage).await?;
        let published: Published = wire::parse("journalled documents", stage, &record.published)?;
        // What was released in time, or has ended, may be signed for later.
        let now_ms = match record.phase {
            Phase::Released | Phase::Done => record.changed_at_ms,
            Phase::Ended => {
                let spec: Signed<JobSpec> = wire::parse("journalled job", stage, &record.spec)?;
                spec.body.issued_at_ms
            }
            Phase::Validated | Phase::Started => self.clock.now_ms(),
        };
        let job = self.assess(Datasets { spec: record.spec, published }, now_ms).await?;
        if job.assessment.plan_hash != record.plan {
            let words = "the job compiles to another plan than before the restart";
            return Err(self.fail(Reason::PlanMismatch, stage, words));
        }
        let job = Arc::new(job);
        self.keep(&job);
        Ok(job)
    }

    pub(super) async fn record(&self, job: JobId, stage: Stage) -> Result<PartyRecord, Failure> {
        let record = self.store.get(job).await.map_err(|error| self.broken(&error))?;
        record.ok_or_else(|| self.fail(Reason::JobUnknown, stage, "this job was never seen here"))
    }

    /// Runs what blocks on a thread of its own; failures are laid at this party's door unless they name another.
    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        stage: Stage,
        work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        match tokio::task::spawn_blocking(work).await {
            Ok(done) => done.map_err(|failure| failure.at(self.name())),
            Err(error) => Err(self.fail(Reason::Internal, stage, error.to_string())),
        }
    }

    fn keep(&self, job: &Arc<Job>) {
        let (job, prepared, stop) = (job.clone(), None, None);
        let id = job.id;
        let active = || Active { job, prepared, stop, unsigned: false, ended: false };
        self.lock().entry(id).or_insert_with(active);
    }

    /// Drops what it holds of a job that ended early, but for the job itself where its account of that will be asked for: to compile it
    /// anew takes as long as whoever asks may wait, on a machine that has much to do.
    pub(super) fn put_away(&self, job: JobId) {
        let mut all = self.lock();
        match all.get_mut(&job) {
            Some(active) if active.prepared.is_some() || active.ended => {
                (active.prepared, active.stop, active.ended) = (None, None, true);
            }
            _ => drop(all.remove(&job)),
        }
        drop(all);
        self.runner.forget(job);
    }

    pub(super) fn forget(&self, job: JobId) {
        self.lock().remove(&job);
        self.runner.forget(job);
    }

    pub(super) fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<JobId, Active>> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes an event into the log. What it is about must not go on if it cannot be written.
    pub(super) async fn note(&self, stage: Stage, event: Event) -> Result<(), Failure> {
        self.ledger.note(event).await.map_err(|error| {
            tracing::error!(%error, "the audit log failed");
            self.fail(Reason::of_fault(&error), stage, error.to_string())
        })
    }

    /// Writes an end into the log; an end is an end, whether it can be written or not.
    pub(super) async fn note_end(&self, job: JobId, why: &Failure) {
        let event = Event::Failed { job: job.hash(), failure: why.into() };
        // Reported where it fails.
        let _ = self.note(why.stage, event).await;
    }

    pub(super) fn fail(&self, reason: Reason, stage: Stage, words: impl Into<String>) -> Failure {
        Failure::new(reason, stage, words).at(self.name())
    }

    pub(super) fn broken(&self, error: &StoreError) -> Failure {
        tracing::error!(%error, "the journal failed");
        self.fail(Reason::of_fault(error), Stage::Submit, error.to_string())
    }
}

/// That a consent was given, as the log has it.
fn given(job: &Job, consent: &Signed<Consent>) -> Event {
    let plan = job.assessment.plan_hash;
    Event::Consent { job: job.id.hash(), plan, consent: consent_hash(&consent.body) }
}

/// The verdict that a record states.
fn stated(job: &Job, record: &PartyRecord) -> Result<Verdict, Failure> {
    let decision = match record.decision {
        None => Decision::Pending,
        Some(true) => Decision::Consented,
        Some(false) => Decision::Denied,
    };
    let consent = record.consent.as_deref();
    let consent =
        consent.map(|json| wire::parse("journalled consent", Stage::Approve, json)).transpose()?;
    Ok(verdict(job, decision, record.refusals.clone(), consent))
}

fn verdict(
    job: &Job,
    decision: Decision,
    refusals: Vec<Refusal>,
    consent: Option<Signed<Consent>>,
) -> Verdict {
    let plan: Hash32 = job.assessment.plan_hash;
    let (quote, leakage) = (job.assessment.quote.clone(), job.assessment.leakage.clone());
    let plan_text = job.assessment.plan_text.clone();
    Verdict { job: job.id, decision, plan, refusals, quote, leakage, plan_text, consent }
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk")
            .field("name", self.name())
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}
