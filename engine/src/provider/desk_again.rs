//! Coming back into a run that this party was killed in.
//!
//! A provider that trains and does not compute ([`Plan::comes_back`](crate::plan::Plan::comes_back)) is missed by a round or is not, and
//! the run goes on. So its journal keeps the run open when it is up again, and the coordinator, which has lost it, calls it with the same
//! order. Its consent serves for the run that it was spent on and no other: what it checks is that this is that one, with the rows
//! that it had.

use std::{sync::Arc, time::Duration};

use super::{desk::Desk, runner::Job};
use crate::{
    audit::InputEntry,
    job::{Failure, JobId, Reason, Stage},
    link::{DataLink, Relinker},
    store::{PartyRecord, Phase, StoreError},
    wire::{self, Prepared, RunOrder, run_id},
};

impl Desk {
    /// Whether a run that a crash interrupted goes on, and this party may come back into it.
    pub(super) async fn may_come_back(&self, id: JobId) -> bool {
        let job = self.job(id, Stage::Run).await;
        job.is_ok_and(|job| job.assessment.plan.comes_back(self.name()))
    }

    /// Whether an order is for the run that this party's consent was spent on and that it was killed in, so that it comes back.
    pub(super) async fn was_killed_in(&self, record: &PartyRecord, order: &RunOrder) -> bool {
        if record.phase != Phase::Started {
            return false;
        }
        let Ok(job) = self.job(record.job, Stage::Connect).await else { return false };
        let assessment = &job.assessment;
        let own = order.participants.iter().find(|one| one.party == *self.name());
        let own = own.map(|one| wire::write(&one.consent));
        record.run == Some(run_id(assessment.plan_hash, order))
            && record.consent == own
            && assessment.plan.comes_back(self.name())
    }

    /// That the run which this party is about to come back into has not ended here since it was asked: by now nobody else enters it.
    pub(super) async fn is_still_open(&self, order: &RunOrder) -> Result<(), Failure> {
        let record = self.record(order.job, Stage::Connect).await;
        if let Ok(record) = &record
            && self.was_killed_in(record, order).await
        {
            return Ok(());
        }
        self.stands_still(order.job);
        let words = "the run has ended at this party";
        record.and_then(|_| Err(self.fail(Reason::NotReady, Stage::Connect, words)))
    }

    /// A run that was to begin, or to go on, does not.
    pub(super) fn stands_still(&self, job: JobId) {
        if let Some(active) = self.lock().get_mut(&job) {
            active.stop = None;
        }
    }

    /// Ends a job here, if it has not ended: in the journal, then in the log; what was kept to come back into its run goes.
    pub(super) async fn end(&self, id: JobId, why: &Failure) -> Result<(), StoreError> {
        if !self.store.end(id, why, self.clock.now_ms()).await? {
            return Ok(());
        }
        self.has_ended(id, why).await
    }

    /// The same for a job that expires, unless its run goes on; whether it was ended.
    pub(super) async fn expire(&self, id: JobId, why: &Failure) -> Result<(), StoreError> {
        if !self.store.end_idle(id, why, self.clock.now_ms()).await? {
            return Ok(());
        }
        self.has_ended(id, why).await
    }

    async fn has_ended(&self, id: JobId, why: &Failure) -> Result<(), StoreError> {
        self.note_end(id, why).await;
        // A mark is there before the consent is spent.
        let prepared = self.store.get(id).await?.is_some_and(|record| record.prepared.is_some());
        let job = if prepared { self.job(id, Stage::Run).await.ok() } else { None };
        if let Some(job) = &job {
            self.removes(job).await;
        }
        Ok(())
    }

    /// Removes what was kept to come back into a run that is over, or does not begin.
    pub(super) async fn removes(&self, job: &Arc<Job>) {
        let (runner, job) = (self.runner.clone(), job.clone());
        let removed = move || {
            runner.ended(&job);
            Ok(())
        };
        // Reported where it fails.
        let _ = self.blocking(Stage::Run, removed).await;
    }

    /// Why a run ends that was under way when the daemon went down.
    pub(super) fn went_down(&self) -> Failure {
        self.fail(Reason::Interrupted, Stage::Run, "the daemon went down while the job ran")
    }

    /// Ends a run that this party was killed in and has not come back into: whoever asks how it ended calls no more.
    pub(super) async fn give_up(&self, id: JobId) -> Result<(), Failure> {
        let record = self.record(id, Stage::Release).await?;
        let runs = self.lock().get(&id).is_some_and(|active| active.stop.is_some());
        if record.phase == Phase::Started && !runs && self.may_come_back(id).await {
            let ended = self.end(id, &self.went_down()).await;
            ended.map_err(|error| self.broken(&error))?;
        }
        Ok(())
    }

    /// What this party prepared for an attempt before it was killed, prepared once more: the same rows, under the number that the journal
    /// has. Nothing where it has not.
    ///
    /// # Errors
    /// [`Reason::InputInvalid`] where the rows are others by now; [`Failure`] of the runner.
    pub(super) async fn prepared_before(
        &self,
        job: &Arc<Job>,
        record: &PartyRecord,
        attempt: u32,
    ) -> Result<Option<Prepared>, Failure> {
        let drawn = record.prepared.filter(|(prepared_for, _)| *prepared_for == attempt);
        let (Some((_, nonce)), Some(commitments)) = (drawn, record.commitments.clone()) else {
            return Ok(None);
        };
        tracing::warn!(job = %job.id, "this party was killed after it had prepared; it prepares the same once more");
        let now = self.prepare_once_more(job, attempt).await?;
        if now.is_none() || entries(&commitments) != now {
            return Err(self.other_rows());
        }
        self.has_prepared(job.id, attempt, Prepared { nonce, commitments }).map(Some)
    }

    /// What the rows of now commit to.
    async fn prepare_once_more(
        &self,
        job: &Arc<Job>,
        attempt: u32,
    ) -> Result<Option<Vec<InputEntry>>, Failure> {
        let (runner, again) = (self.runner.clone(), job.clone());
        let prepare = move || runner.prepare(&again, attempt);
        Ok(entries(&self.blocking(Stage::Prepare, prepare).await?))
    }

    fn other_rows(&self) -> Failure {
        let words = "the rows are others than those that this party had when it prepared";
        self.fail(Reason::InputInvalid, Stage::Prepare, words)
    }

    /// Prepares once more, and makes all links anew.
    pub(super) async fn come_back(
        &self,
        job: &Arc<Job>,
        order: &RunOrder,
        relinker: &Relinker,
    ) -> Result<Vec<DataLink>, Failure> {
        let id = job.id;
        tracing::warn!(job = %id, "this party was killed in the run; it comes back");
        let now = self.prepare_once_more(job, order.attempt).await?;
        let kept = self.record(id, Stage::Prepare).await?.commitments;
        let ordered = order.participants.iter().find(|one| one.party == *self.name());
        let ordered = ordered.map(|one| &one.prepared.commitments);
        let same = |json: Option<&Vec<u8>>| json.and_then(|json| entries(json)) == now;
        if now.is_none() || !same(kept.as_ref()) || !same(ordered) {
            return Err(self.other_rows());
        }
        let rounds = job.assessment.plan.training();
        let seconds = rounds.map_or(0, |(_, of)| of.round_seconds);
        let links = relinker.rejoin(Duration::from_secs(seconds.into()));
        links.await.map_err(|error| super::desk_run::refused(&error).at(self.name()))
    }
}

/// What was committed to; nothing where it cannot be read.
fn entries(json: &[u8]) -> Option<Vec<InputEntry>> {
    wire::parse("commitments", Stage::Prepare, json).ok()
}
