//! From an approved job to a sealed share: prepare, run.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;

use super::{
    consent,
    desk::{Active, Desk},
    runner::{Job, RunOutcome, RunStart},
    stop::Stop,
};
use crate::{
    audit::{Event, InputEntry},
    identity::{Hash32, PartyName, Signed},
    job::{Failure, JobId, Reason, Stage},
    link::{LinkError, Relinker, Roster, RunKey, connect_run},
    policy::{Consent, Release, consent_hash, consents_root},
    store::{PartyRecord, Phase},
    wire::{self, PrepareEvent, Prepared, Progress, RunEvent, RunOrder, pieces, run_id},
};

/// What a run sends back; an error is the last thing.
pub(super) type Events = mpsc::Receiver<Result<RunEvent, Failure>>;

/// What a preparation sends back; the last one says what became of it.
pub(super) type Preparing = mpsc::Receiver<Result<PrepareEvent, Failure>>;

/// How often a participant that is busy with its own part says so.
const SIGN_OF_LIFE: Duration = Duration::from_secs(1);

/// How long it may take this party to notice what a peer has: that the coordinator is gone.
const SECOND_LOOK: Duration = Duration::from_millis(300);

/// Who hears of a run: the coordinator that ordered it.
#[derive(Clone)]
struct Listener {
    name: PartyName,
    tell: mpsc::Sender<Result<RunEvent, Failure>>,
}

impl Listener {
    /// It does not listen any more.
    fn gone(&self, stage: Stage, words: &str) -> Failure {
        Failure::new(Reason::PartyLost, stage, words).at(&self.name)
    }

    /// Whether it stops listening by then: a peer that is said to be lost may only have noticed that before this party did.
    async fn left_within(&self, limit: Duration) -> bool {
        tokio::time::timeout(limit, self.tell.closed()).await.is_ok()
    }

    /// Progress as events; a report that finds the queue full is dropped, the next one tells more.
    fn progress(&self) -> Arc<dyn Fn(Progress) + Send + Sync> {
        let tell = self.tell.clone();
        Arc::new(move |progress| drop(tell.try_send(Ok(RunEvent::Progress(progress)))))
    }
}

impl Desk {
    /// Prepares, and gives a sign of life now and then while that takes.
    pub(super) fn prepare_aloud(self: Arc<Self>, id: JobId, attempt: u32) -> Preparing {
        let (tell, events) = mpsc::channel(4);
        tokio::spawn(async move {
            let began = Instant::now();
            let preparing = self.prepare(id, attempt);
            tokio::pin!(preparing);
            loop {
                let sign = tokio::select! {
                    done = &mut preparing => {
                        let _ = tell.send(done.map(PrepareEvent::Prepared)).await;
                        return;
                    }
                    () = tokio::time::sleep(SIGN_OF_LIFE) => {
                        let step = format!("{}: own part, {} s", self.name(), began.elapsed().as_secs());
                        PrepareEvent::Progress(Progress { step, ..Progress::default() })
                    }
                };
                if tell.send(Ok(sign)).await.is_err() {
                    return;
                }
            }
        });
        events
    }

    /// Runs the local sub-plan and commits to it. The same attempt gives the same answer.
    ///
    /// # Errors
    /// [`Reason::ConsentMissing`] without an unspent consent of its own; [`Failure`] of the runner.
    pub async fn prepare(&self, id: JobId, attempt: u32) -> Result<Prepared, Failure> {
        let record = self.record(id, Stage::Prepare).await?;
        self.unspent(&record, Stage::Prepare)?;
        let job = self.job(id, Stage::Prepare).await?;
        if let Some((_, prepared)) = self.prepared(id, attempt) {
            return Ok(prepared);
        }
        self.expect_privacy(&job).await?;
        if let Some(prepared) = self.prepared_before(&job, &record, attempt).await? {
            return Ok(prepared);
        }
        let runner = self.runner.clone();
        let work = move || runner.prepare(&job, attempt);
        let commitments = self.blocking(Stage::Prepare, work).await;
        // Others are told the reason alone; which row or file it is stands here.
        let commitments = commitments
            .inspect_err(|failure| tracing::warn!(job = %id, %failure, "a job is not prepared"))?;
        let nonce = consent::random(Stage::Prepare)?;
        let kept = self.store.prepared(id, &commitments, (attempt, nonce)).await;
        if !kept.map_err(|error| self.broken(&error))? {
            return Err(self.fail(Reason::Cancelled, Stage::Prepare, "the job was ended"));
        }
        let entries: Vec<InputEntry> = wire::parse("commitments", Stage::Prepare, &commitments)?;
        let entries = entries.iter().map(|entry| entry.commitment).collect();
        let event = Event::Prepare { job: id.hash(), attempt, commitments: entries };
        self.note(Stage::Prepare, event).await?;
        self.has_prepared(id, attempt, Prepared { nonce, commitments })
    }

    /// Holds what was prepared for a run to come.
    pub(super) fn has_prepared(
        &self,
        id: JobId,
        attempt: u32,
        prepared: Prepared,
    ) -> Result<Prepared, Failure> {
        match self.lock().get_mut(&id) {
            Some(active) => active.prepared = Some((attempt, prepared.clone())),
            None => return Err(self.fail(Reason::Cancelled, Stage::Prepare, "the job was ended")),
        }
        Ok(prepared)
    }

    /// Starts a run that `coordinator` orders, if its own consent is unspent and everybody else's holds. The coordinator's word
    /// is not enough.
    ///
    /// # Errors
    /// [`Reason::ConsentMissing`], [`Reason::PlanMismatch`], [`Reason::NotReady`]; what fails later comes as an event.
    pub async fn run(
        self: &Arc<Self>,
        coordinator: &PartyName,
        order: RunOrder,
    ) -> Result<Events, Failure> {
        let record = self.record(order.job, Stage::Connect).await?;
        let again = self.was_killed_in(&record, &order).await;
        let own = if again { None } else { Some(self.unspent(&record, Stage::Connect)?) };
        let job = self.job(order.job, Stage::Connect).await?;
        let pins = self.dialler.credentials().pins();
        let release = consent::verify(&job, &order, pins, self.clock.now_ms())
            .map_err(|failure| failure.at(self.name()))?;
        if let Some(own) = own {
            if self.prepared(order.job, order.attempt).is_none() {
                // It was killed between.
                self.prepared_before(&job, &record, order.attempt).await?;
            }
            self.expect_own(&order, &own)?;
            self.reserve(&job).await?;
        }
        let stop = Arc::new(Stop::default());
        match self.lock().get_mut(&order.job) {
            Some(active) if active.stop.is_none() => active.stop = Some(stop.clone()),
            _ => return Err(self.fail(Reason::NotReady, Stage::Connect, "the job runs already")),
        }
        if again {
            self.is_still_open(&order).await?;
        } else {
            self.begin(&job, &order).await.inspect_err(|_| self.stands_still(order.job))?;
        }
        let (tell, events) = mpsc::channel(64);
        let (desk, listener) = (self.clone(), Listener { name: coordinator.clone(), tell });
        let with = (order, again);
        tokio::spawn(async move { desk.carry_out(job, release, with, stop, listener).await });
        Ok(events)
    }

    /// Spends the consent. Journalled before the start: whatever happens then, it has served. That nothing was said in the run is written down
    /// before that, so that a daemon that is killed behind it comes back into a run in which it has said nothing. By now nobody else
    /// begins it: where the consent is unspent, nothing was said.
    async fn begin(&self, job: &Arc<Job>, order: &RunOrder) -> Result<(), Failure> {
        let run = run_id(job.assessment.plan_hash, order);
        self.unspent(&self.record(order.job, Stage::Connect).await?, Stage::Connect)?;
        let (runner, begun) = (self.runner.clone(), job.clone());
        self.blocking(Stage::Connect, move || runner.begins(&begun, run)).await?;
        let spent = self.store.spend(order.job, run, self.clock.now_ms()).await;
        if !spent.map_err(|error| self.broken(&error))? {
            // The job has ended meanwhile.
            self.removes(job).await;
            return Err(self.fail(Reason::ConsentMissing, Stage::Connect, "the consent is spent"));
        }
        if let Err(failure) = self.note_start(job, order).await {
            self.cancel(order.job, failure.clone()).await?;
            return Err(failure);
        }
        Ok(())
    }

    async fn note_start(&self, job: &Job, order: &RunOrder) -> Result<(), Failure> {
        let consents = order.participants.iter().map(|one| &one.consent);
        let consents = consents.map(|one| (one.party.clone(), consent_hash(&one.body))).collect();
        let start = Event::Start {
            job: job.id.hash(),
            attempt: order.attempt,
            run: run_id(job.assessment.plan_hash, order),
            consents_root: consents_root(&consents),
        };
        self.note(Stage::Connect, start).await
    }

    /// Whether any run is under way that would end with the daemon, or waits for this party's signature under its receipt.
    #[must_use]
    pub fn busy(&self) -> bool {
        let ends = |active: &Active| active.stop.is_some() && !self.is_rejoined(active);
        self.lock().values().any(|active| ends(active) || active.unsigned)
    }

    /// Stops every run that is under way, but for those that go on without this party until it is back.
    pub fn stop_all(&self, why: &Failure) {
        let all = self.lock();
        let ending = all.values().filter(|active| !self.is_rejoined(active));
        let stops: Vec<_> = ending.filter_map(|active| active.stop.clone()).collect();
        drop(all);
        stops.iter().for_each(|stop| stop.stop(why));
    }

    /// The daemon goes down: what this party may come back into does not end here, whatever becomes of it now. Whether anything is.
    pub fn leave(&self) -> bool {
        self.leaving.store(true, Ordering::SeqCst);
        let left = |active: &Active| active.stop.is_some() && self.is_rejoined(active);
        self.lock().values().any(left)
    }

    fn leaves(&self, job: JobId) -> bool {
        let rejoined = || self.lock().get(&job).is_some_and(|active| self.is_rejoined(active));
        self.leaving.load(Ordering::SeqCst) && rejoined()
    }

    /// Whether this party comes back into a run after its daemon was down.
    fn is_rejoined(&self, active: &Active) -> bool {
        active.job.assessment.plan.comes_back(self.name())
    }

    /// Its own consent, if it is there and unspent.
    fn unspent(&self, record: &PartyRecord, stage: Stage) -> Result<Signed<Consent>, Failure> {
        if let Some(failure) = &record.failure {
            return Err(failure.clone());
        }
        match (&record.consent, record.phase) {
            (Some(json), Phase::Validated) => wire::parse("journalled consent", stage, json),
            (Some(_), _) => Err(self.fail(Reason::ConsentMissing, stage, "the consent is spent")),
            (None, _) => {
                let words = "this party has not consented to the job";
                Err(self.fail(Reason::ConsentMissing, stage, words))
            }
        }
    }

    /// The order must hold this party's own consent, and what it prepared for this attempt.
    fn expect_own(&self, order: &RunOrder, own: &Signed<Consent>) -> Result<(), Failure> {
        let mine = order.participants.iter().find(|one| one.party == *self.name());
        if mine.map(|mine| &mine.consent) != Some(own) {
            let words = "the order holds another consent of this party than it gave";
            return Err(self.fail(Reason::ConsentMissing, Stage::Connect, words));
        }
        let prepared = self.prepared(order.job, order.attempt).map(|(_, prepared)| prepared);
        if prepared.is_none() || prepared.as_ref() != mine.map(|mine| &mine.prepared) {
            let words = "this party has not prepared this attempt, or other rows";
            return Err(self.fail(Reason::NotReady, Stage::Connect, words));
        }
        Ok(())
    }

    fn prepared(&self, id: JobId, attempt: u32) -> Option<(u32, Prepared)> {
        let prepared = self.lock().get(&id).and_then(|active| active.prepared.clone());
        prepared.filter(|(prepared_for, _)| *prepared_for == attempt)
    }

    async fn carry_out(
        self: Arc<Self>,
        job: Arc<Job>,
        release: Release,
        order: (RunOrder, bool),
        stop: Arc<Stop>,
        listener: Listener,
    ) {
        let id = job.id;
        let left = job.spec.body.expires_at_ms.saturating_sub(self.clock.now_ms());
        let deadline = Duration::from_millis(u64::try_from(left).unwrap_or_default());
        let working = self.work(job, release, order, stop.clone(), listener.clone());
        tokio::pin!(working);
        let overtime = || {
            let words = "the job's time was over while it ran";
            self.fail(Reason::DeadlineExceeded, Stage::Run, words)
        };
        let gone = || listener.gone(Stage::Run, "the coordinator went away while the job ran");
        let done = tokio::select! {
            done = &mut working => done,
            () = tokio::time::sleep(deadline) => { stop.stop(&overtime()); working.await }
            () = listener.tell.closed() => {
                if self.leaves(id) {
                    return;
                }
                stop.stop(&gone());
                working.await
            }
        };
        if self.leaves(id) {
            return;
        }
        if done.as_ref().is_err_and(|failure| failure.reason == Reason::PartyLost)
            && stop.failure().is_none()
            && listener.left_within(SECOND_LOOK).await
        {
            stop.stop(&gone());
        }
        if let Err(failure) = done {
            // What stopped the run says more than how it then broke off.
            let failure = stop.failure().unwrap_or(failure);
            tracing::warn!(job = %id, %failure, "a run ended early");
            if let Err(error) = self.end(id, &failure).await {
                drop(self.broken(&error));
            }
            self.put_away(id);
            let _ = listener.tell.send(Err(failure)).await;
        } else if let Some(active) = self.lock().get_mut(&id) {
            (active.stop, active.unsigned) = (None, true);
        }
    }

    async fn work(
        &self,
        job: Arc<Job>,
        release: Release,
        (order, again): (RunOrder, bool),
        stop: Arc<Stop>,
        listener: Listener,
    ) -> Result<(), Failure> {
        let run = run_id(job.assessment.plan_hash, &order);
        let roster = Roster {
            key: RunKey { job: job.id.hash(), attempt: order.attempt, time: 0 },
            run,
            plan: job.assessment.plan_hash,
            computing: job.assessment.plan.compute.len(),
            parties: order
                .participants
                .iter()
                .map(|p| (p.party.clone(), p.address.clone()))
                .collect(),
            pairs: job.assessment.plan.pairs(),
        };
        let (ended, mut stopped) = mpsc::channel(1);
        stop.on_stop(move |failure| drop(ended.try_send(failure.clone())));
        let relinker = Relinker::new(self.dialler.clone(), self.rendezvous.clone(), roster.clone());
        let connect = async {
            if again {
                return self.come_back(&job, &order, &relinker).await;
            }
            let links = connect_run(&self.dialler, &self.rendezvous, &roster).await;
            links.map_err(|error| refused(&error).at(self.name()))
        };
        let links = tokio::select! {
            links = connect => links?,
            Some(failure) = stopped.recv() => return Err(failure),
        };
        tracing::info!(job = %job.id, again, "all links stand; the run begins");
        let progress = listener.progress();
        let (id, runner) = (job.id, self.runner.clone());
        let attempt = order.attempt;
        let spend = self.spender(&job, (run, attempt));
        let sign_once = self.sign_once(id);
        let stopping = stop.clone();
        let start = RunStart {
            job,
            release,
            order,
            run,
            links,
            again,
            relinker,
            spend,
            sign_once,
            progress,
            stop: stopping,
        };
        let outcome = self.blocking(Stage::Run, move || runner.run(start)).await?;
        if let Some(failure) = stop.failure() {
            return Err(failure);
        }
        self.hand_out((id, attempt, run), outcome, &listener).await
    }

    /// Journals its part of the receipt, then hands out its sealed share.
    async fn hand_out(
        &self,
        (id, attempt, run): (JobId, u32, Hash32),
        outcome: RunOutcome,
        listener: &Listener,
    ) -> Result<(), Failure> {
        let RunOutcome { sealed, receipt_part } = outcome;
        let released = self.store.release(id, &receipt_part, self.clock.now_ms()).await;
        if !released.map_err(|error| self.broken(&error))? {
            return Err(self.fail(Reason::Cancelled, Stage::Release, "the job was ended"));
        }
        if let Some(sealed) = &sealed {
            let ciphertext_sha256 = Hash32(Sha256::digest(&sealed.ciphertext).into());
            let event = Event::Release { job: id.hash(), attempt, run, ciphertext_sha256 };
            self.note(Stage::Release, event).await?;
        }
        let sealed = sealed.map(pieces).unwrap_or_default().into_iter().map(RunEvent::Sealed);
        for event in sealed.chain([RunEvent::Receipt(receipt_part)]) {
            if listener.tell.send(Ok(event)).await.is_err() {
                let words = "the coordinator went away before it had the sealed share";
                return Err(listener.gone(Stage::Release, words));
            }
        }
        Ok(())
    }
}

/// A link that did not come about, as a failure at whom it was to lead to.
pub(super) fn refused(error: &LinkError) -> Failure {
    let (reason, party) = match error {
        LinkError::Version { peer, .. } => (Reason::VersionMismatch, Some(peer.clone())),
        LinkError::Mismatch { peer, .. } => (Reason::PlanMismatch, Some(peer.clone())),
        LinkError::Unreachable { peer, .. } | LinkError::Refused { peer, .. } => {
            (Reason::PartyLost, Some(peer.clone()))
        }
        LinkError::Untrusted { peer, .. } => (Reason::PartyLost, peer.as_str().try_into().ok()),
        LinkError::Malformed { peer } => (Reason::ProtocolViolation, peer.as_str().try_into().ok()),
        LinkError::Timeout { peer, .. } => (Reason::Stalled, peer.as_str().try_into().ok()),
        LinkError::Ended => (Reason::Cancelled, None),
        LinkError::Credentials { .. } | LinkError::Listen { .. } => (Reason::Internal, None),
    };
    Failure { party, ..Failure::new(reason, Stage::Connect, error.to_string()) }
}
