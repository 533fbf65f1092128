//! How a job looks from outside.

use proto::v1;

use super::{
    run::{Progress, SealedRound},
    verdict::{party, read_refusal, violation, write_refusal},
};
use crate::{
    identity::{Hash32, PartyName},
    job::{Failure, JobId, JobState, Reason, Stage},
    policy::Refusal,
};

/// A job as its buyer and its operators see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobView {
    /// Its name.
    pub job: JobId,
    /// The buyer's name for it.
    pub request_id: String,
    /// Who asked.
    pub buyer: PartyName,
    /// Where it is.
    pub state: JobState,
    /// Since when, UTC milliseconds.
    pub changed_at_ms: i64,
    /// The plan, once compiled.
    pub plan: Option<Hash32>,
    /// Who takes part.
    pub participants: Vec<PartyName>,
    /// Whose consent is missing.
    pub awaiting: Vec<PartyName>,
    /// What policies refuse.
    pub refusals: Vec<Refusal>,
    /// Why it ended early.
    pub failure: Option<Failure>,
    /// How far it is, while it runs.
    pub progress: Progress,
    /// What rounds of a training came to, sealed to the buyer: of one that is watched each once, else the last ones.
    pub rounds: Vec<SealedRound>,
}

/// What would happen if a job were submitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The plan.
    pub plan: Hash32,
    /// The plan as text.
    pub plan_text: String,
    /// Who would take part.
    pub participants: Vec<PartyName>,
    /// The quote (JSON).
    pub quote: Vec<u8>,
    /// The leakage report.
    pub leakage: Vec<String>,
    /// What policies refuse.
    pub refusals: Vec<Refusal>,
}

impl JobView {
    /// Reads a view.
    ///
    /// # Errors
    /// [`Reason::ProtocolViolation`] if a field is none of its kind.
    pub fn read(wire: v1::JobView) -> Result<Self, Failure> {
        let state = state(wire.state()).ok_or_else(|| violation("a job without a state"))?;
        let plan = (!wire.plan_hash.is_empty()).then(|| wire.plan_hash.parse()).transpose();
        Ok(Self {
            job: wire.job.parse().map_err(|_| violation("a view of no job"))?,
            request_id: wire.request_id,
            buyer: party(&wire.buyer)?,
            state,
            changed_at_ms: wire.changed_at_ms,
            plan: plan.map_err(|_| violation("a plan's hash that is none"))?,
            participants: parties(&wire.participants)?,
            awaiting: parties(&wire.awaiting)?,
            refusals: wire.refusals.into_iter().map(read_refusal).collect::<Result<_, _>>()?,
            failure: wire.failure.map(read_failure).transpose()?,
            progress: Progress { percent: wire.percent, step: wire.step, round: None },
            rounds: wire.rounds.into_iter().map(Into::into).collect(),
        })
    }
}

impl From<JobView> for v1::JobView {
    fn from(view: JobView) -> Self {
        Self {
            job: view.job.to_string(),
            request_id: view.request_id,
            buyer: view.buyer.into(),
            state: write_state(view.state).into(),
            changed_at_ms: view.changed_at_ms,
            plan_hash: view.plan.map(|plan| plan.to_string()).unwrap_or_default(),
            participants: view.participants.into_iter().map(Into::into).collect(),
            awaiting: view.awaiting.into_iter().map(Into::into).collect(),
            refusals: view.refusals.into_iter().map(write_refusal).collect(),
            failure: view.failure.map(|failure| write_failure(failure.redacted())),
            percent: view.progress.percent,
            step: view.progress.step,
            rounds: view.rounds.into_iter().map(Into::into).collect(),
        }
    }
}

impl Explanation {
    /// Reads an explanation.
    ///
    /// # Errors
    /// [`Reason::ProtocolViolation`] if a field is none of its kind.
    pub fn read(wire: v1::Explanation) -> Result<Self, Failure> {
        Ok(Self {
            plan: wire.plan_hash.parse().map_err(|_| violation("a plan's hash that is none"))?,
            plan_text: wire.plan_text,
            participants: parties(&wire.participants)?,
            quote: wire.quote,
            leakage: wire.leakage,
            refusals: wire.refusals.into_iter().map(read_refusal).collect::<Result<_, _>>()?,
        })
    }
}

impl From<Explanation> for v1::Explanation {
    fn from(told: Explanation) -> Self {
        Self {
            plan_hash: told.plan.to_string(),
            participants: told.participants.into_iter().map(Into::into).collect(),
            quote: told.quote,
            leakage: told.leakage,
            refusals: told.refusals.into_iter().map(write_refusal).collect(),
            plan_text: told.plan_text,
        }
    }
}

pub(super) fn read_failure(wire: v1::Failure) -> Result<Failure, Failure> {
    Ok(Failure {
        reason: Reason::from_name(&wire.reason).ok_or_else(|| violation("an unknown reason"))?,
        party: (!wire.party.is_empty()).then(|| party(&wire.party)).transpose()?,
        stage: Stage::from_name(&wire.stage).ok_or_else(|| violation("an unknown stage"))?,
        message: wire.message,
        unanswered: false,
    })
}

pub(super) fn write_failure(failure: Failure) -> v1::Failure {
    v1::Failure {
        reason: failure.reason.as_str().into(),
        party: failure.party.map(Into::into).unwrap_or_default(),
        stage: failure.stage.as_str().into(),
        message: failure.message,
    }
}

fn parties(names: &[String]) -> Result<Vec<PartyName>, Failure> {
    names.iter().map(|name| party(name)).collect()
}

/// Wire states are the domain's in the same order, after `UNSPECIFIED`.
fn state(wire: v1::JobState) -> Option<JobState> {
    JobState::ALL.into_iter().find(|state| write_state(*state) == wire)
}

fn write_state(state: JobState) -> v1::JobState {
    match state {
        JobState::Submitted => v1::JobState::Submitted,
        JobState::Validating => v1::JobState::Validating,
        JobState::AwaitingApproval => v1::JobState::AwaitingApproval,
        JobState::Approved => v1::JobState::Approved,
        JobState::Preparing => v1::JobState::Preparing,
        JobState::Running => v1::JobState::Running,
        JobState::Releasing => v1::JobState::Releasing,
        JobState::ResultReady => v1::JobState::ResultReady,
        JobState::Delivered => v1::JobState::Delivered,
        JobState::Denied => v1::JobState::Denied,
        JobState::Rejected => v1::JobState::Rejected,
        JobState::Cancelled => v1::JobState::Cancelled,
        JobState::Expired => v1::JobState::Expired,
        JobState::Failed => v1::JobState::Failed,
        JobState::AbortedSecurity => v1::JobState::AbortedSecurity,
    }
}
