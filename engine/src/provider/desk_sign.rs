//! Signing for the end of a job: its receipt, or, where it ended early, one's own account and the receipt of the failure.
//!
//! # Invariants
//! One attempt has one end. Whoever handed out its share signs no failure; whoever's part ended early signs no success;
//! and nobody signs for two failures.

use std::time::{Duration, Instant};

use serde::Deserialize;

use super::{
    desk::Desk,
    runner::{Ended, Job},
};
use crate::{
    audit::{Event, RECEIPT_DOMAIN, RunOutcome},
    identity::{Hash32, canonical_hash},
    job::{Failure, JobId, Reason, Stage},
    store::{PartyRecord, Phase},
    wire,
};

/// How long a run that was told to end may take for the operation that it is in.
const LAST_STEPS: Duration = Duration::from_secs(5);

/// What of a receipt's body decides whether it may be signed at all.
#[derive(Deserialize)]
struct Told {
    outcome: RunOutcome,
}

impl Desk {
    /// Its signed account of a job that ended early here, for the receipt of the failure.
    ///
    /// # Errors
    /// [`Reason::NotReady`] while the job goes on here; [`Reason::ReceiptInvalid`] if its share was handed out.
    pub async fn account(&self, id: JobId, attempt: u32) -> Result<Vec<u8>, Failure> {
        self.run_out(id).await;
        self.give_up(id).await?;
        let record = self.record(id, Stage::Release).await?;
        self.may_sign(&record, true)?;
        let job = self.job(id, Stage::Release).await?;
        self.own_account(&job, &record, attempt).await
    }

    /// Signs a receipt's body after the runner has checked it. Needs nothing in memory, so that it survives a restart.
    ///
    /// # Errors
    /// [`Reason::NotReady`] while the job goes on here; [`Reason::ReceiptInvalid`] of the runner, or if the body tells of
    /// another end than the job had here.
    pub async fn cosign(&self, id: JobId, attempt: u32, body: Vec<u8>) -> Result<Vec<u8>, Failure> {
        let record = self.record(id, Stage::Release).await?;
        let Told { outcome } = wire::parse("receipt", Stage::Release, &body)?;
        let failed = outcome != RunOutcome::Done;
        self.may_sign(&record, failed)?;
        self.same_end(&record, &outcome)?;
        let job = self.job(id, Stage::Release).await?;
        let part = match (failed, record.receipt_part.clone()) {
            (false, Some(part)) => part,
            _ => self.own_account(&job, &record, attempt).await?,
        };
        let (kept, runner) = (body.clone(), self.runner.clone());
        let sign = move || runner.cosign(&job, attempt, &part, &body);
        let signature = self.blocking(Stage::Release, sign).await?;
        self.keep_receipt(id, &record, failed, &kept).await?;
        self.forget(id);
        Ok(signature)
    }

    /// Waits a while for a run that was told to end: it may be in the middle of a long operation.
    pub(super) async fn run_out(&self, id: JobId) {
        let since = Instant::now();
        let runs = || self.lock().get(&id).is_some_and(|active| active.stop.is_some());
        while runs() && since.elapsed() < LAST_STEPS {
            tokio::time::sleep(LAST_STEPS / 100).await;
        }
    }

    /// Whether this party may sign for such an end at all, whatever else the receipt says.
    fn may_sign(&self, record: &PartyRecord, failure: bool) -> Result<(), Failure> {
        let finished = record.receipt_part.is_some();
        let contradiction = match (record.phase, finished, failure) {
            (Phase::Released | Phase::Done, true, false) | (Phase::Ended, false, true) => {
                return Ok(());
            }
            (_, true, true) => "this party handed out its share; it signs for no failure",
            (Phase::Ended, _, false) => "the job ended early here; this party signs for no success",
            _ => return Err(self.fail(Reason::NotReady, Stage::Release, "nothing was released")),
        };
        Err(self.fail(Reason::ReceiptInvalid, Stage::Release, contradiction))
    }

    /// What was signed before stands: another receipt of a failure may differ in who signs it, not in what happened.
    fn same_end(&self, record: &PartyRecord, outcome: &RunOutcome) -> Result<(), Failure> {
        let Some(signed) = &record.receipt else { return Ok(()) };
        let Told { outcome: before } = wire::parse("journalled receipt", Stage::Release, signed)?;
        if before.is_same_end(outcome) {
            return Ok(());
        }
        let words = format!("this party has signed that the job ended {before}");
        Err(self.fail(Reason::ReceiptInvalid, Stage::Release, words))
    }

    async fn own_account(
        &self,
        job: &std::sync::Arc<Job>,
        record: &PartyRecord,
        attempt: u32,
    ) -> Result<Vec<u8>, Failure> {
        let (Some(consent), Some(failure)) = (&record.consent, &record.failure) else {
            let words = "this party had not consented to the job";
            return Err(self.fail(Reason::ConsentMissing, Stage::Release, words));
        };
        let ended = Ended {
            attempt,
            run: record.run,
            consent: wire::parse("journalled consent", Stage::Release, consent)?,
            commitments: record.commitments.clone(),
            failure: failure.clone(),
        };
        let (job, runner) = (job.clone(), self.runner.clone());
        self.blocking(Stage::Release, move || runner.account(&job, &ended)).await
    }

    /// Keeps what was signed, and writes it into the log the first time.
    async fn keep_receipt(
        &self,
        id: JobId,
        record: &PartyRecord,
        failed: bool,
        body: &[u8],
    ) -> Result<(), Failure> {
        let before = record.receipt.as_deref();
        let kept = match failed {
            false => self.store.done(id, body, self.clock.now_ms()).await,
            true => self.store.failed(id, before, body).await,
        };
        let kept = kept.map_err(|error| self.broken(&error))?;
        if failed && !kept {
            let words = "another receipt of this job was signed meanwhile";
            return Err(self.fail(Reason::ReceiptInvalid, Stage::Release, words));
        }
        if kept && before != Some(body) {
            let event = Event::Receipt { job: id.hash(), receipt: body_hash(body)? };
            self.note(Stage::Release, event).await?;
        }
        Ok(())
    }
}

/// The hash of a receipt's body, as the receipt itself has it.
fn body_hash(body: &[u8]) -> Result<Hash32, Failure> {
    let body: serde_json::Value = wire::parse("receipt", Stage::Release, body)?;
    Ok(canonical_hash(RECEIPT_DOMAIN, &body))
}
