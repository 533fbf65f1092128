//! The part of a participant that knows tables, plans and protocols; the daemon around it knows consent and order.

use std::{fmt, sync::Arc};

use super::stop::Stop;
use crate::{
    identity::{Hash32, Signed},
    job::{Failure, JobId, JobSpec},
    link::{DataLink, Relinker},
    plan::{Plan, SignOnce, Spend},
    policy::{Consent, LookupBudget, PrivacyBudget, QueryBudget, Refusal, Release},
    wire::{Progress, Published, RunOrder, SealedShare},
};

/// What a participant works out about a job before anybody consents.
#[derive(Clone, Debug)]
pub struct Assessment {
    /// The plan it compiled.
    pub plan: Plan,
    /// Its hash.
    pub plan_hash: Hash32,
    /// It as text.
    pub plan_text: String,
    /// The quote (JSON).
    pub quote: Vec<u8>,
    /// The leakage report.
    pub leakage: Vec<String>,
    /// What its own policies refuse.
    pub refusals: Vec<Refusal>,
    /// The budgets of intersections that it takes from.
    pub budgets: Vec<QueryBudget>,
    /// The budgets of keys looked up, likewise.
    pub lookups: Vec<LookupBudget>,
    /// What it takes of the budget of differential privacy of its own dataset.
    pub privacy: Option<PrivacyBudget>,
    /// Whether a policy wants a person to answer.
    pub manual: bool,
}

/// A job at a participant: the specification, whose signature holds, and what became of it here.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its name.
    pub id: JobId,
    /// What is asked.
    pub spec: Signed<JobSpec>,
    /// What all participants published.
    pub published: Published,
    /// What this participant makes of it.
    pub assessment: Assessment,
}

/// Everything a run starts from.
pub struct RunStart {
    /// The job.
    pub job: Arc<Job>,
    /// Proof of everybody's consent.
    pub release: Release,
    /// The order; consents in it are verified, the first three participants are P0, P1, P2.
    pub order: RunOrder,
    /// The run's name: what everything in it is bound to.
    pub run: Hash32,
    /// Two connections for each peer this participant has links with.
    pub links: Vec<DataLink>,
    /// Whether this participant was killed in the run and is back in it ([`Plan::comes_back`]).
    pub again: bool,
    /// Makes a link anew that is lost, where a protocol can go on.
    pub relinker: Relinker,
    /// Writes down what rounds with noise give away.
    pub spend: Spend,
    /// Writes down whose updates this party signs to be in a sum.
    pub sign_once: SignOnce,
    /// Reports progress.
    pub progress: Arc<dyn Fn(Progress) + Send + Sync>,
    /// The emergency stop.
    pub stop: Arc<Stop>,
}

/// What a run leaves.
#[derive(Clone, Debug)]
pub struct RunOutcome {
    /// A compute party's sealed share of the result; none at an outside provider.
    pub sealed: Option<SealedShare>,
    /// This participant's part of the receipt (JSON).
    pub receipt_part: Vec<u8>,
}

/// What the journal holds of a job that ended early, with nothing handed out.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Which attempt.
    pub attempt: u32,
    /// The run that the consent was spent on, if it was.
    pub run: Option<Hash32>,
    /// The consent it had given.
    pub consent: Signed<Consent>,
    /// What it had committed to (JSON), if it had prepared.
    pub commitments: Option<Vec<u8>>,
    /// Why it ended.
    pub failure: Failure,
}

/// See the module. All calls block; the daemon makes them on threads of their own.
pub trait Runner: Send + Sync + fmt::Debug + 'static {
    /// The signed descriptors and policies of its datasets.
    ///
    /// # Errors
    /// [`Failure`] if a dataset cannot be described.
    fn published(&self) -> Result<Published, Failure>;

    /// Compiles a job and evaluates its own policies on it, as of now. A refusal by policy is no error.
    ///
    /// # Errors
    /// [`Failure`] if the job cannot be compiled.
    fn assess(&self, spec: &Signed<JobSpec>, published: &Published) -> Result<Assessment, Failure>;

    /// Runs the local sub-plan and commits to its rows; returns the commitments (JSON).
    ///
    /// # Errors
    /// [`Failure`] if a table is not as declared.
    fn prepare(&self, job: &Job, attempt: u32) -> Result<Vec<u8>, Failure>;

    /// Runs the joint plan, seals, and gives its part of the receipt.
    ///
    /// # Errors
    /// [`Failure`] naming the party at fault where one can be named.
    fn run(&self, start: RunStart) -> Result<RunOutcome, Failure>;

    /// Its signed account of a job that ended early here (JSON): what it checks the receipt of the failure against.
    ///
    /// # Errors
    /// [`Failure`] if what was journalled cannot be read.
    fn account(&self, job: &Job, ended: &Ended) -> Result<Vec<u8>, Failure>;

    /// Checks a receipt's body against this participant's own part and signs it; returns the signature (JSON).
    ///
    /// # Errors
    /// [`Failure`] if the body is not what happened here.
    fn cosign(
        &self,
        job: &Job,
        attempt: u32,
        own_part: &[u8],
        body: &[u8],
    ) -> Result<Vec<u8>, Failure>;

    /// Drops what it holds of a job.
    fn forget(&self, job: JobId);

    /// Writes down, for good, that nothing was said yet in a run, where this participant may come back into it. Called before its consent is
    /// spent on the run, and never behind that.
    ///
    /// # Errors
    /// [`Failure`] of this party's disk.
    fn begins(&self, job: &Job, run: Hash32) -> Result<(), Failure>;

    /// Removes what it has kept to come back into a run of a job, which ended early for this party.
    fn ended(&self, job: &Job);

    /// Removes what it has kept to come back into runs of jobs other than these. Called while none is under way.
    fn ended_but(&self, jobs: &[JobId]);
}

impl fmt::Debug for RunStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunStart")
            .field("job", &self.job.id)
            .field("run", &self.run)
            .field("links", &self.links.len())
            .finish_non_exhaustive()
    }
}
