//! What the coordinator hands out: sealed shares once they are all there, and receipts.

use super::{
    board::{Board, unknown},
    book::{Live, broken},
};
use crate::{
    identity::PartyName,
    job::{Failure, JobEvent, JobId, JobState, Reason, Stage},
    wire::{self, Datasets},
};

impl Board {
    /// Whether the caller may fetch the job's sealed shares now.
    ///
    /// # Errors
    /// [`Reason::JobUnknown`], [`Reason::NotReady`], or why the job ended.
    pub async fn ready(&self, caller: &PartyName, job: JobId) -> Result<(), Failure> {
        let view = self.view(caller, job).await?;
        if view.buyer != *caller {
            return Err(unknown());
        }
        if let Some(failure) = view.failure {
            return Err(failure);
        }
        match view.state {
            JobState::ResultReady | JobState::Delivered => Ok(()),
            state => {
                let words = format!("the job is {state}; its result is not ready");
                Err(Failure::new(Reason::NotReady, Stage::Deliver, words))
            }
        }
    }

    /// The manifests of a job's sealed shares, by party.
    ///
    /// # Errors
    /// [`Failure`] if the journal cannot be read.
    pub async fn manifests(&self, job: JobId) -> Result<Vec<(PartyName, Vec<u8>)>, Failure> {
        self.store.sealed(job).await.map_err(|error| broken(&error))
    }

    /// One piece of a sealed share; `None` beyond the last.
    ///
    /// # Errors
    /// [`Failure`] if the journal cannot be read.
    pub async fn piece(
        &self,
        job: JobId,
        party: &PartyName,
        piece: i64,
    ) -> Result<Option<Vec<u8>>, Failure> {
        self.store.sealed_piece(job, party, piece).await.map_err(|error| broken(&error))
    }

    /// Notes that the buyer has been sent everything.
    ///
    /// # Errors
    /// [`Failure`] if the journal cannot be written.
    pub async fn delivered(&self, job: JobId) -> Result<(), Failure> {
        let record = self.store.get(job).await.map_err(|error| broken(&error))?;
        let live = Live::new(record.ok_or_else(unknown)?);
        self.advance(&live, JobEvent::Deliver, |_| {}).await
    }

    /// A job's receipt (JSON), for its buyer and its participants.
    ///
    /// # Errors
    /// [`Reason::JobUnknown`], [`Reason::NotReady`].
    pub async fn receipt(&self, caller: &PartyName, job: JobId) -> Result<Vec<u8>, Failure> {
        let view = self.view(caller, job).await?;
        if view.state.is_failure() {
            self.accounted(job).await;
        }
        let receipt = self.store.receipt(job).await.map_err(|error| broken(&error))?;
        if let Some(receipt) = receipt {
            return Ok(receipt);
        }
        let prepared = self.store.reached(job, JobState::Preparing).await;
        let prepared = prepared.map_err(|error| broken(&error))?.is_some();
        let why = if view.state.is_failure() && !prepared {
            "it ended before anybody prepared for it, so there is no receipt of it"
        } else {
            "it has no receipt yet"
        };
        let words = format!("the job is {}; {why}", view.state);
        Err(Failure::new(Reason::NotReady, Stage::Deliver, words))
    }

    /// Waits until a job that has failed has its receipt, or will have none.
    async fn accounted(&self, job: JobId) {
        // Only the view is held on to: the job's driver lets go of the job when it is through.
        let Some(mut views) = self.find(job).map(|live| live.watch()) else { return };
        let through = async { while views.changed().await.is_ok() {} };
        // Telling everybody, their accounts, and their signatures, a second time if one of them was lost meanwhile.
        let _ = tokio::time::timeout(4 * self.patience.account, through).await;
    }

    /// What the job's plan was compiled from, for its buyer and its participants.
    ///
    /// # Errors
    /// [`Reason::JobUnknown`], [`Reason::NotReady`] before it was compiled.
    pub async fn documents(&self, caller: &PartyName, job: JobId) -> Result<Datasets, Failure> {
        self.view(caller, job).await?;
        let record = self.store.get(job).await.map_err(|error| broken(&error))?;
        let spec = record.ok_or_else(unknown)?.spec;
        let kept = self.store.notes(job, "published").await.map_err(|error| broken(&error))?;
        let (_, published) = kept.first().ok_or_else(|| {
            let words = "the job has not been compiled by everybody yet";
            Failure::new(Reason::NotReady, Stage::Deliver, words)
        })?;
        Ok(Datasets { spec, published: wire::parse("published", Stage::Deliver, published)? })
    }
}
