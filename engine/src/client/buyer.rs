//! A buyer's connection to the coordinator.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    identity::{PartyName, Signed},
    job::{Failure, JobId, JobSpec, JobState, Reason, SPEC_DOMAIN, Stage},
    link::{Dialler, LinkError},
    wire::{self, Datasets, Explanation, JobCalls, JobView, SealedShare},
};

/// Longest sealed share a buyer takes, in bytes.
const MAX_SEALED_BYTES: usize = 1 << 30;

/// A buyer, with its key, talking to one coordinator.
#[derive(Debug)]
pub struct Buyer {
    dialler: Dialler,
    calls: JobCalls,
}

/// What a buyer fetches: to be verified and opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The sealed shares, by compute party.
    pub sealed: BTreeMap<PartyName, SealedShare>,
    /// The receipt (JSON).
    pub receipt: Vec<u8>,
    /// What the plan was compiled from.
    pub documents: Datasets,
}

impl Buyer {
    /// A buyer of `coordinator` at `address` (host:port). Connects with the first call.
    ///
    /// # Errors
    /// [`LinkError`] if TLS cannot be set up.
    pub fn new(
        dialler: Dialler,
        coordinator: &PartyName,
        address: &str,
        limit: Duration,
    ) -> Result<Self, LinkError> {
        let channel = dialler.control(coordinator, address)?;
        let calls = JobCalls::new(coordinator.clone(), channel, limit);
        Ok(Self { dialler, calls })
    }

    /// Signs a specification and submits it. Doing so twice is the same as once.
    ///
    /// # Errors
    /// The coordinator's [`Failure`], or that it cannot be reached.
    pub async fn submit(&self, spec: &JobSpec) -> Result<JobView, Failure> {
        self.calls.submit(self.sign(spec)).await
    }

    /// What would happen if it were submitted.
    ///
    /// # Errors
    /// The coordinator's [`Failure`], or that it cannot be reached.
    pub async fn explain(&self, spec: &JobSpec) -> Result<Explanation, Failure> {
        self.calls.explain(self.sign(spec)).await
    }

    /// A job as it stands.
    ///
    /// # Errors
    /// The coordinator's [`Failure`], or that it cannot be reached.
    pub async fn get(&self, job: JobId) -> Result<JobView, Failure> {
        self.calls.get(job).await
    }

    /// All of the buyer's jobs, newest first.
    ///
    /// # Errors
    /// The coordinator's [`Failure`], or that it cannot be reached.
    pub async fn list(&self) -> Result<Vec<JobView>, Failure> {
        let (mut jobs, mut token) = (Vec::new(), String::new());
        loop {
            let (page, next) = self.calls.list(0, token).await?;
            jobs.extend(page);
            if next.is_empty() {
                return Ok(jobs);
            }
            token = next;
        }
    }

    /// Follows a job, showing every view, until it has ended or its result is ready; returns the last view.
    ///
    /// # Errors
    /// The coordinator's [`Failure`], or that it was lost.
    pub async fn watch(
        &self,
        job: JobId,
        mut show: impl FnMut(&JobView),
    ) -> Result<JobView, Failure> {
        self.follow(job, async |view| show(view)).await
    }

    /// The same for who has something to ask on the way: of a training, the [documents](Self::documents) with which
    /// `executor::Rounds` opens what views have of its rounds. Views that come meanwhile are skipped; of rounds the last 64 are kept.
    ///
    /// # Errors
    /// The coordinator's [`Failure`], or that it was lost.
    pub async fn follow(
        &self,
        job: JobId,
        mut show: impl AsyncFnMut(&JobView),
    ) -> Result<JobView, Failure> {
        let mut views = self.calls.watch(job).await?;
        while let Some(view) = views.view().await? {
            show(&view).await;
            if view.state >= JobState::ResultReady {
                return Ok(view);
            }
        }
        // The stream ended between two states; the last one is on record.
        self.get(job).await
    }

    /// Ends a job.
    ///
    /// # Errors
    /// [`Reason::NotReady`] if its shares are on their way out; or that the coordinator cannot be reached.
    pub async fn cancel(&self, job: JobId) -> Result<JobView, Failure> {
        self.calls.cancel(job).await
    }

    /// Fetches the sealed shares and the receipt of a job that is ready.
    ///
    /// # Errors
    /// [`Reason::NotReady`], why the job ended, or that the coordinator was lost.
    pub async fn fetch(&self, job: JobId) -> Result<Fetched, Failure> {
        let mut pieces = self.calls.fetch(job).await?;
        let mut sealed: BTreeMap<PartyName, SealedShare> = BTreeMap::new();
        let mut open: BTreeMap<PartyName, bool> = BTreeMap::new();
        while let Some((party, piece)) = pieces.piece().await? {
            let done = sealed.entry(party.clone()).or_default().take(piece, MAX_SEALED_BYTES)?;
            open.insert(party, !done);
        }
        if let Some((party, _)) = open.iter().find(|(_, open)| **open) {
            let words = format!("the sealed share of {party} broke off; fetch again");
            return Err(Failure::new(Reason::PartyLost, Stage::Deliver, words));
        }
        let (receipt, documents) = (self.receipt(job).await?, self.documents(job).await?);
        Ok(Fetched { sealed, receipt, documents })
    }

    /// What a job's plan was compiled from.
    ///
    /// # Errors
    /// [`Reason::NotReady`] before everybody has compiled it.
    pub async fn documents(&self, job: JobId) -> Result<Datasets, Failure> {
        self.calls.documents(job).await
    }

    /// A job's receipt (JSON).
    ///
    /// # Errors
    /// [`Reason::NotReady`] before there is one.
    pub async fn receipt(&self, job: JobId) -> Result<Vec<u8>, Failure> {
        self.calls.receipt(job).await
    }

    fn sign(&self, spec: &JobSpec) -> Vec<u8> {
        let credentials = self.dialler.credentials();
        let (name, key) = (credentials.name().clone(), credentials.key());
        wire::write(&Signed::new(SPEC_DOMAIN, spec.clone(), name, key))
    }
}
