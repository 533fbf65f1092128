//! The end of a job that failed: everybody is told, and whoever answers signs a receipt of it.
//!
//! The receipt is evidence about the end, not a part of it: the job is over before it is asked for, and stays so if nobody
//! answers.

use std::time::Instant;

use futures::future::join_all;

use super::{
    board::Board,
    book::{Live, broken},
    drive::ATTEMPT,
    planner::{Assembly, End},
};
use crate::{
    audit::Event,
    identity::{PartyName, Signed},
    job::{Failure, JobId, JobKind, JobSpec, JobState, Reason, Stage},
    store::JobRecord,
    wire::{self, PartyCalls},
};

impl Board {
    /// Ends a job: journal first, then everybody who takes part, then what was kept of a result, then the receipt.
    pub(super) async fn end(&self, live: &Live, failure: Failure) {
        let failure = way_on(&live.record().await, live.id, failure);
        tracing::info!(job = %live.id, %failure, "a job ended early");
        match live.end(&self.store, &*self.clock, &failure).await {
            Ok(true) => {
                let ended = Event::Failed { job: live.id.hash(), failure: (&failure).into() };
                // Reported where it fails; an end is an end.
                let _ = self.note(failure.stage, ended).await;
            }
            Ok(false) => return,
            Err(error) => tracing::error!(%error, job = %live.id, "its end was not journalled"),
        }
        self.tell(live, &failure).await;
        if let Err(error) = self.store.drop_sealed(live.id).await {
            tracing::error!(%error, job = %live.id, "its sealed shares were not dropped");
        }
        self.account(live).await;
    }

    /// Tells every participant that the job is over.
    async fn tell(&self, live: &Live, failure: &Failure) {
        let record = live.record().await;
        let calls = self.calls(&record.participants).unwrap_or_default();
        let told = calls.iter().map(|party| async {
            let party = party.within(self.patience.account);
            if let Err(error) = party.cancel(live.id, failure).await {
                tracing::warn!(party = %party.peer(), %error, "a participant was not told");
            }
        });
        // Nobody waits for this: a participant that cannot be told ends by its own deadline.
        join_all(told).await;
    }

    /// Puts the receipt of a failure away, where one is due: from PREPARING on, unless the parties had handed out their shares
    /// and signed that the job is done.
    pub(super) async fn account(&self, live: &Live) {
        match self.receipt_of_failure(live).await {
            Ok(()) => {}
            Err(failure) => tracing::warn!(job = %live.id, %failure, "its end has no receipt"),
        }
    }

    async fn receipt_of_failure(&self, live: &Live) -> Result<(), Failure> {
        let record = live.record().await;
        let started = self.store.reached(live.id, JobState::Preparing).await;
        let started = started.map_err(|error| broken(&error))?;
        let there = self.store.receipt(live.id).await.map_err(|error| broken(&error))?;
        let (Some(started_ms), Some(failure), None) = (started, record.failure, there) else {
            return Ok(());
        };
        let (mut assembly, _) = self.assembly(live, &record.spec).await?;
        // Of a failure everybody is asked, whoever had left before.
        assembly.absent.clear();
        let parties = self.calls(&record.participants)?;
        let parties: Vec<_> = parties.iter().map(|p| p.within(self.patience.account)).collect();
        let (mut signing, mut missing) = self.accounts(live, parties, &mut assembly).await;
        assembly.ended_ms = record.changed_at_ms;
        while !signing.is_empty() {
            assembly.end =
                End::Failed { failure: failure.clone(), missing: missing.clone(), started_ms };
            let (planner, facts) = (self.planner.clone(), assembly.clone());
            let refused = match self.on_thread(move || planner.assemble(&facts)).await {
                Ok(body) => {
                    let (signatures, refused) = self.sign(live, &signing, &body).await;
                    if refused.is_empty() {
                        return self.complete(live, body, signatures).await;
                    }
                    refused
                }
                // One that gives a false account must not keep the others from theirs.
                Err(failure) => match failure.party.clone() {
                    Some(party) if signing.iter().any(|one| *one.peer() == party) => vec![party],
                    _ => return Err(failure),
                },
            };
            // The body names who is missing, so the others have to sign another one.
            signing.retain(|party| !refused.contains(party.peer()));
            assembly.parts.retain(|(party, _)| !refused.contains(party));
            missing.extend(refused);
        }
        tracing::warn!(job = %live.id, "nobody answered for the receipt of its failure");
        Ok(())
    }

    /// Gathers the accounts of those who answer; returns them, and the names of the others.
    async fn accounts(
        &self,
        live: &Live,
        parties: Vec<PartyCalls>,
        assembly: &mut Assembly,
    ) -> (Vec<PartyCalls>, Vec<PartyName>) {
        let told = join_all(parties.iter().map(|party| self.account_of(live, party))).await;
        (assembly.parts, assembly.manifests) = (Vec::new(), Vec::new());
        let (mut answered, mut missing) = (Vec::new(), Vec::new());
        for (party, told) in parties.into_iter().zip(told) {
            match told {
                Ok(part) => {
                    assembly.parts.push((party.peer().clone(), part));
                    answered.push(party);
                }
                Err(failure) => {
                    tracing::warn!(job = %live.id, party = %party.peer(), %failure, "no account of the failure");
                    missing.push(party.peer().clone());
                }
            }
        }
        (answered, missing)
    }

    /// One's account; of a participant whose run is not over yet, as soon as it is: a long operation may be its last.
    async fn account_of(&self, live: &Live, party: &PartyCalls) -> Result<Vec<u8>, Failure> {
        let since = Instant::now();
        loop {
            match party.account(live.id, ATTEMPT).await {
                Err(failure)
                    if failure.reason == Reason::NotReady
                        && since.elapsed() < self.patience.account =>
                {
                    tokio::time::sleep(self.patience.poll).await;
                }
                done => return done,
            }
        }
    }

    /// Everybody's signature, or who gave none.
    async fn sign(
        &self,
        live: &Live,
        parties: &[PartyCalls],
        body: &[u8],
    ) -> (Vec<(PartyName, Vec<u8>)>, Vec<PartyName>) {
        let asked = parties.iter().map(|party| party.cosign(live.id, ATTEMPT, body.to_vec()));
        let (mut signatures, mut refused) = (Vec::new(), Vec::new());
        for (party, signed) in parties.iter().zip(join_all(asked).await) {
            let name = party.peer().clone();
            match signed {
                Ok(signature) => signatures.push((name, signature)),
                Err(failure) => {
                    tracing::warn!(job = %live.id, party = %name, %failure, "no signature under the failure");
                    refused.push(name);
                }
            }
        }
        (signatures, refused)
    }
}

/// A training that was interrupted can go on, and so can an intersection of two owners that learn rows: the failure says how.
fn way_on(record: &JobRecord, job: JobId, mut failure: Failure) -> Failure {
    let interrupted = matches!(
        failure.reason,
        Reason::PartyLost | Reason::Stalled | Reason::Interrupted | Reason::TooFewProviders
    );
    if !interrupted || record.state != JobState::Running {
        return failure;
    }
    let spec = wire::parse::<Signed<JobSpec>>("job", Stage::Submit, &record.spec);
    let training = "the training goes on where it stood";
    // Its plan, which says how many it has, is the parties' alone.
    let sets =
        "the intersection goes on behind the buckets that both owners have kept, if there are any,";
    let goes_on = match spec.map(|spec| spec.body.kind) {
        Ok(JobKind::Train(train)) => Some((train.resumes, "train", training)),
        Ok(JobKind::TrainVertical(train)) => Some((train.resumes, "train_vertical", training)),
        Ok(JobKind::Psi(psi)) if psi.can_resume() => Some((psi.resumes, "psi", sets)),
        _ => None,
    };
    if let Some((resumes, table, what)) = goes_on {
        let began = resumes.unwrap_or(job);
        failure.message += &format!(
            "; {what} if the job is submitted again with `resumes = \"{began}\"` in [{table}]"
        );
    }
    failure
}
