//! One job's way from SUBMITTED to its end.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{StreamExt, future::join_all, stream::FuturesUnordered};

use super::{
    again::Guests,
    board::Board,
    book::{Live, broken},
    planner::Outline,
};
use crate::{
    identity::{Hash32, PartyName, Signed},
    job::{Failure, JobEvent, JobId, JobSpec, JobState, Reason, Stage},
    policy::{BUDGET_RULE, Consent, Refusal},
    wire::{
        self, CHUNK_BYTES, Datasets, Decision, Participant, PartyCalls, Progress, RunEvent,
        RunOrder, SealedShare, Verdict,
    },
};

/// A job is run once; another attempt is another job, with consents of its own.
pub(super) const ATTEMPT: u32 = 1;

/// Largest sealed share the coordinator keeps, in bytes.
const MAX_SEALED_BYTES: usize = 1 << 30;

/// How long a cause may take to show once somebody has lost a link.
const FIRST_WORDS: Duration = Duration::from_millis(300);

/// How long the others get to end once one has failed.
const LAST_WORDS: Duration = Duration::from_secs(2);

impl Board {
    /// Drives a job to its end. Every step may be repeated after a restart, except running.
    pub(super) async fn drive(self: Arc<Self>, live: Arc<Live>) {
        let record = live.record().await;
        let done = match record.state {
            JobState::Running => {
                let words = "the coordinator went down while the job ran";
                Err(Failure::new(Reason::Interrupted, Stage::Run, words))
            }
            JobState::Releasing => Ok(()),
            _ => tokio::select! {
                done = self.to_release(&live, &record.spec) => done,
                why = live.stopped() => Err(why),
                why = self.overtime(&record.spec) => Err(why),
            },
        };
        let done = match done {
            Ok(()) => self.release(&live, &record.spec).await,
            Err(failure) => Err(failure),
        };
        if let Err(failure) = done {
            self.end(&live, failure).await;
        }
        self.leave(live.id);
    }

    /// Ready when the job's time is over.
    async fn overtime(&self, spec: &[u8]) -> Failure {
        let expires = wire::parse::<Signed<JobSpec>>("job", Stage::Submit, spec)
            .map_or(i64::MAX, |spec| spec.body.expires_at_ms);
        loop {
            let left = expires.saturating_sub(self.clock.now_ms());
            let Ok(left @ 1..) = u64::try_from(left) else { break };
            // Looked at again now and then, since the clock is not the timer's.
            tokio::time::sleep(Duration::from_millis(left.min(1000))).await;
        }
        Failure::new(Reason::DeadlineExceeded, Stage::Run, "the job's time is over")
    }

    async fn to_release(&self, live: &Live, spec: &[u8]) -> Result<(), Failure> {
        let store = &self.store;
        self.advance(live, JobEvent::Validate, |_| {}).await?;
        let signed = wire::parse("job", Stage::Submit, spec)?;
        let planned = live.record().await.plan.is_some();
        let outline = match self.persist_outline(&signed, planned).await? {
            Ok(outline) => outline,
            Err(refusal) => {
                let failure = refusal.failure();
                live.amend(store, |record| record.refusals = vec![refusal]).await?;
                return Err(failure);
            }
        };
        let participants = outline.participants.clone();
        live.amend(store, |record| {
            record.plan = Some(outline.plan);
            record.participants = participants;
        })
        .await?;
        let parties = self.calls(&outline.participants)?;
        let asked = Datasets { spec: spec.to_vec(), published: outline.published };
        let asked_for = wire::write(&asked.published);
        let verdicts = self.validate(live, &parties, asked, outline.plan).await?;
        self.advance(live, JobEvent::Agreed, |_| {}).await?;
        let consents = self.consents(live, &parties, verdicts, outline.plan).await?;
        // Kept before the job is approved: from here on its end has a receipt, and this is what receipts need.
        self.keep(live.id, "published", &consents[0].party, &asked_for).await?;
        for consent in &consents {
            self.keep(live.id, "consent", &consent.party, &wire::write(consent)).await?;
        }
        self.advance(live, JobEvent::Approve, |record| record.awaiting.clear()).await?;
        self.advance(live, JobEvent::Prepare, |_| {}).await?;
        let order = self.prepare(live, &parties, consents).await?;
        self.advance(live, JobEvent::Start, |_| {}).await?;
        let who = (outline.computing, &outline.may_leave[..]);
        self.run(live, &parties, order, who).await?;
        self.advance(live, JobEvent::Release, |_| {}).await
    }

    /// A job that was planned before a restart is planned again; whom it needs gets time to come back.
    async fn persist_outline(
        &self,
        spec: &Signed<JobSpec>,
        planned: bool,
    ) -> Result<Result<Outline, Refusal>, Failure> {
        let since = Instant::now();
        loop {
            match self.outline(spec).await {
                Err(failure)
                    if planned
                        && matches!(failure.reason, Reason::TableUnknown | Reason::PartyLost)
                        && since.elapsed() < self.patience.lost =>
                {
                    tokio::time::sleep(self.patience.poll).await;
                }
                done => return done,
            }
        }
    }

    /// Everybody's verdict; all on the plan the coordinator compiled, and none a refusal.
    async fn validate(
        &self,
        live: &Live,
        parties: &[PartyCalls],
        asked: Datasets,
        plan: Hash32,
    ) -> Result<Vec<Verdict>, Failure> {
        let mut asking = Vec::with_capacity(parties.len());
        for party in parties {
            let asked = asked.clone();
            asking.push(async move {
                let verdict = self.persist(|| party.validate(asked.clone(), false)).await?;
                same_plan(party, verdict, live.id, plan, Stage::Validate)
            });
        }
        let verdicts = join_all(asking).await.into_iter().collect::<Result<Vec<_>, _>>()?;
        self.refuse(live, &verdicts, Stage::Validate).await?;
        Ok(verdicts)
    }

    /// Waits until everybody has consented.
    async fn consents(
        &self,
        live: &Live,
        parties: &[PartyCalls],
        mut verdicts: Vec<Verdict>,
        plan: Hash32,
    ) -> Result<Vec<Signed<Consent>>, Failure> {
        loop {
            self.refuse(live, &verdicts, Stage::Approve).await?;
            let awaiting: Vec<PartyName> = parties
                .iter()
                .zip(&verdicts)
                .filter(|(_, verdict)| verdict.consent.is_none())
                .map(|(party, _)| party.peer().clone())
                .collect();
            if awaiting.is_empty() {
                return Ok(verdicts.into_iter().filter_map(|verdict| verdict.consent).collect());
            }
            live.amend(&self.store, |record| record.awaiting = awaiting).await?;
            tokio::time::sleep(self.patience.poll).await;
            for (party, verdict) in parties.iter().zip(&mut verdicts) {
                if verdict.consent.is_none() {
                    let (party, job): (&PartyCalls, JobId) = (party, live.id);
                    let asked = self.persist(move || party.verdict(job)).await?;
                    *verdict = same_plan(party, asked, live.id, plan, Stage::Approve)?;
                }
            }
        }
    }

    /// Ends the job if anybody refuses.
    async fn refuse(&self, live: &Live, verdicts: &[Verdict], stage: Stage) -> Result<(), Failure> {
        let refusals: Vec<_> = verdicts
            .iter()
            .filter(|verdict| verdict.decision == Decision::Denied)
            .flat_map(|verdict| verdict.refusals.clone())
            .collect();
        let Some(first) = refusals.first().cloned() else { return Ok(()) };
        let reason = match first.rule.as_str() {
            "operator" => Reason::ConsentDenied,
            BUDGET_RULE => Reason::BudgetSpent,
            _ => Reason::PolicyRefused,
        };
        live.amend(&self.store, |record| record.refusals = refusals).await?;
        Err(Failure::new(reason, stage, first.to_string()).at(&first.party))
    }

    async fn prepare(
        &self,
        live: &Live,
        parties: &[PartyCalls],
        consents: Vec<Signed<Consent>>,
    ) -> Result<RunOrder, Failure> {
        let job = live.id;
        let mut asking = Vec::with_capacity(parties.len());
        for party in parties {
            let party = party.within(self.patience.prepare);
            let told = |progress| live.progress(progress);
            asking.push(async move { self.persist(|| party.prepare(job, ATTEMPT, told)).await });
        }
        let prepared = join_all(asking).await;
        let mut participants = Vec::with_capacity(parties.len());
        for ((party, consent), prepared) in parties.iter().zip(consents).zip(prepared) {
            participants.push(Participant {
                party: party.peer().clone(),
                address: self.address(party.peer()),
                consent,
                prepared: prepared?,
            });
        }
        Ok(RunOrder { job, attempt: ATTEMPT, participants })
    }

    /// Runs at all participants at once; keeps what they bring once all have brought it.
    async fn run(
        &self,
        live: &Live,
        parties: &[PartyCalls],
        order: RunOrder,
        (computing, may_leave): (usize, &[PartyName]),
    ) -> Result<(), Failure> {
        let guests = &Guests::new(may_leave);
        let order = &order;
        let runs = parties.iter().map(|party| async move {
            let called = (party, guests);
            (party.peer().clone(), self.run_on(live, called, order).await)
        });
        let mut runs: FuturesUnordered<_> = runs.collect();
        let mut brought = Vec::with_capacity(parties.len());
        let computes = &order.participants[..order.participants.len().min(computing)];
        let all = (computes, guests);
        while let Some((party, done)) = self.next_end(&mut runs, &brought, all).await {
            match done {
                Ok(done) => brought.push((party, done)),
                Err(failure) if may_leave.contains(&party) && leaves(computing, &failure) => {
                    tracing::warn!(job = %live.id, %party, %failure, "the run goes on without a provider");
                }
                Err(failure) => {
                    let others = parties.iter().filter(|other| *other.peer() != party);
                    let first = (party.clone(), failure);
                    return Err(last_words(live.id, first, runs, others.collect()).await);
                }
            }
        }
        drop(runs);
        self.without(live, parties, order, &brought).await?;
        for (party, (sealed, part)) in &brought {
            let due = computes.iter().any(|one| one.party == *party);
            if sealed.is_some() != due {
                let words =
                    format!("{party} brought a sealed share although none was due, or none");
                let failure = Failure::new(Reason::ProtocolViolation, Stage::Release, words);
                return Err(failure.at(party));
            }
            self.keep(live.id, "receipt_part", party, part).await?;
            if let Some(sealed) = sealed {
                let pieces: Vec<&[u8]> = sealed.ciphertext.chunks(CHUNK_BYTES).collect();
                let kept = self.store.keep_sealed(live.id, party, &sealed.manifest, &pieces).await;
                kept.map_err(|error| broken(&error))?;
            }
        }
        Ok(())
    }

    /// The next participant that ends its run; nothing once all who compute have, and whoever only provides had time to.
    async fn next_end<T>(
        &self,
        runs: &mut FuturesUnordered<impl Future<Output = (PartyName, Result<T, Failure>)>>,
        brought: &[(PartyName, T)],
        (computes, guests): (&[Participant], &Guests<'_>),
    ) -> Option<(PartyName, Result<T, Failure>)> {
        let done = |one: &Participant| brought.iter().any(|(party, _)| *party == one.party);
        if !computes.iter().all(done) {
            return runs.next().await;
        }
        if !guests.is_expected(brought) {
            return None;
        }
        tokio::time::timeout(self.patience.account, runs.next()).await.ok().flatten()
    }

    /// Puts away who brought nothing, and tells them that they are not waited for.
    async fn without<T>(
        &self,
        live: &Live,
        parties: &[PartyCalls],
        order: &RunOrder,
        brought: &[(PartyName, T)],
    ) -> Result<(), Failure> {
        for (party, participant) in parties.iter().zip(&order.participants) {
            if brought.iter().any(|(there, _)| there == party.peer()) {
                continue;
            }
            let words = "was lost, and the training went on without it";
            let lost = Failure::new(Reason::PartyLost, Stage::Run, words).at(party.peer());
            let committed = &participant.prepared.commitments;
            self.keep(live.id, "absent", party.peer(), committed).await?;
            // One that cannot be told has its own deadlines.
            let _ = tokio::time::timeout(LAST_WORDS, party.cancel(live.id, &lost)).await;
        }
        Ok(())
    }

    async fn keep(
        &self,
        job: JobId,
        name: &'static str,
        party: &PartyName,
        json: &[u8],
    ) -> Result<(), Failure> {
        let kept = self.store.keep_note(job, name, party, json).await;
        kept.map_err(|error| broken(&error))
    }

    /// Asks again while a participant cannot be reached: a daemon that restarts is no reason to end the job, one that stays
    /// away is.
    async fn persist<T, F: Future<Output = Result<T, Failure>> + Send>(
        &self,
        ask: impl Fn() -> F + Send,
    ) -> Result<T, Failure> {
        let since = Instant::now();
        loop {
            match ask().await {
                Err(failure)
                    if failure.reason == Reason::PartyLost
                        && since.elapsed() < self.patience.lost =>
                {
                    tokio::time::sleep(self.patience.poll).await;
                }
                done => return done,
            }
        }
    }

    pub(super) async fn run_at(
        &self,
        live: &Live,
        (party, guests): (&PartyCalls, &Guests<'_>),
        order: RunOrder,
    ) -> Result<(Option<SealedShare>, Vec<u8>), Failure> {
        // The others have nothing to say of rounds.
        let first = order.participants.first().is_some_and(|first| first.party == *party.peer());
        let mut events = party.run(order).await?;
        guests.here(party.peer());
        let mut sealed: Option<SealedShare> = None;
        let mut complete = true;
        while let Some(event) = events.event().await? {
            match event {
                RunEvent::Progress(progress) => {
                    let round = progress.round.filter(|_| first);
                    live.progress(Progress { round, ..progress });
                }
                RunEvent::Sealed(piece) => {
                    let share = sealed.get_or_insert_default();
                    complete = share
                        .take(piece, MAX_SEALED_BYTES)
                        .map_err(|failure| failure.at(party.peer()))?;
                }
                RunEvent::Receipt(part) if complete => return Ok((sealed, part)),
                RunEvent::Receipt(_) => break,
            }
        }
        let words = format!("{} ended its run without a result", party.peer());
        Err(Failure::new(Reason::ProtocolViolation, Stage::Run, words).at(party.peer()))
    }
}

/// Whether a provider that ends so is lost, and not one that has caught the one party that adds up at cheating: that is the end.
fn leaves(computing: usize, failure: &Failure) -> bool {
    computing > 1 || failure.reason != Reason::ProtocolViolation
}

/// Listens for the failure that explains the most, tells the others, and returns it.
///
/// Who loses a link tends to be heard before the one that broke it, so silence is given a moment to explain itself.
async fn last_words<T>(
    job: JobId,
    (mut who, mut worst): (PartyName, Failure),
    mut runs: FuturesUnordered<impl Future<Output = (PartyName, Result<T, Failure>)>>,
    others: Vec<&PartyCalls>,
) -> Failure {
    let mut listen = async |limit, (who, worst): (&mut PartyName, &mut Failure)| {
        let listening = async {
            while let Some((party, done)) = runs.next().await {
                if let Err(failure) = done
                    && weight(&party, &failure) < weight(who, worst)
                {
                    (*who, *worst) = (party, failure);
                }
            }
        };
        // Whoever says nothing now is told by the end of the job, or has its own timeouts.
        let _ = tokio::time::timeout(limit, listening).await;
    };
    if weight(&who, &worst) > CAUSE {
        listen(FIRST_WORDS, (&mut who, &mut worst)).await;
    }
    let told = worst.clone();
    let telling = join_all(others.iter().map(|party| party.cancel(job, &told)));
    let listening = listen(LAST_WORDS, (&mut who, &mut worst));
    let _ = tokio::time::timeout(LAST_WORDS, futures::future::join(listening, telling)).await;
    worst
}

/// A verdict must be on this job, and on the plan the coordinator compiled.
fn same_plan(
    party: &PartyCalls,
    verdict: Verdict,
    job: JobId,
    plan: Hash32,
    stage: Stage,
) -> Result<Verdict, Failure> {
    if verdict.plan == plan && verdict.job == job {
        return Ok(verdict);
    }
    let words = format!("{} compiled another plan", party.peer());
    Err(Failure::new(Reason::PlanMismatch, stage, words).at(party.peer()))
}

/// Weights up to this one are causes; what weighs more follows from something else.
const CAUSE: u8 = 2;

/// A cause weighs less than the silence it leads to, and what a participant shows of itself less than what others say of it.
fn weight(by: &PartyName, failure: &Failure) -> u8 {
    let hearsay = u8::from(failure.party.as_ref() != Some(by));
    match failure.reason {
        Reason::Cancelled => 7,
        Reason::Stalled => 5 + hearsay,
        Reason::PartyLost => 3 + hearsay,
        Reason::Internal => CAUSE,
        _ => hearsay,
    }
}
