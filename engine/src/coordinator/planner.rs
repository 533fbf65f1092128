//! What the coordinator needs of plans and receipts: whom to ask, and one paper that everybody signs.

use std::fmt;

use crate::{
    identity::{Hash32, PartyName, Signed},
    job::{Failure, JobSpec},
    policy::{Consent, Refusal},
    wire::Published,
};

/// What the coordinator reads off a plan.
#[derive(Clone, Debug)]
pub struct Outline {
    /// The plan's hash.
    pub plan: Hash32,
    /// It as text.
    pub plan_text: String,
    /// Who takes part: compute parties in order, then outside providers by name.
    pub participants: Vec<PartyName>,
    /// How many of them compute: three, or one that adds up masked updates.
    pub computing: usize,
    /// Participants without whom the run goes on if they are lost.
    pub may_leave: Vec<PartyName>,
    /// The published documents the plan rests on; only these go to the participants.
    pub published: Published,
    /// The quote (JSON).
    pub quote: Vec<u8>,
    /// The leakage report.
    pub leakage: Vec<String>,
}

/// Everything a receipt is put together from.
#[derive(Clone, Debug)]
pub struct Assembly {
    /// The signed specification.
    pub spec: Signed<JobSpec>,
    /// What the plan was compiled from.
    pub published: Published,
    /// The plan's hash.
    pub plan: Hash32,
    /// Which attempt.
    pub attempt: u32,
    /// Everybody's consents.
    pub consents: Vec<Signed<Consent>>,
    /// The participants' parts (JSON), by name.
    pub parts: Vec<(PartyName, Vec<u8>)>,
    /// Participants that the run went on without, and what they had committed to (JSON), by name.
    pub absent: Vec<(PartyName, Vec<u8>)>,
    /// The manifests of the sealed shares (JSON), by name.
    pub manifests: Vec<(PartyName, Vec<u8>)>,
    /// How the job ended.
    pub end: End,
    /// When, UTC milliseconds.
    pub ended_ms: i64,
}

/// How the job of a receipt ended.
#[derive(Clone, Debug)]
pub enum End {
    /// The result is sealed.
    Done,
    /// It failed.
    Failed {
        /// Why.
        failure: Failure,
        /// Participants that gave no account of it, or would not sign.
        missing: Vec<PartyName>,
        /// When it began to prepare, UTC milliseconds.
        started_ms: i64,
    },
}

/// Compiles jobs and assembles receipts. Calls block.
pub trait Planner: Send + Sync + fmt::Debug + 'static {
    /// Compiles a job from what all providers published; a refusal where no plan can keep a policy.
    ///
    /// # Errors
    /// [`Failure`] that says what in the job stands against it.
    fn outline(
        &self,
        spec: &Signed<JobSpec>,
        published: &Published,
    ) -> Result<Result<Outline, Refusal>, Failure>;

    /// The body of the receipt (JSON) that all participants are asked to sign.
    ///
    /// # Errors
    /// [`Failure`] if the parts contradict each other.
    fn assemble(&self, assembly: &Assembly) -> Result<Vec<u8>, Failure>;

    /// The receipt (JSON): the body and the signatures that were given.
    ///
    /// # Errors
    /// [`Failure`] if a signature is none.
    fn complete(
        &self,
        body: &[u8],
        signatures: &[(PartyName, Vec<u8>)],
    ) -> Result<Vec<u8>, Failure>;
}
