//! What participants publish, and what they say to a job.

use proto::v1;
use serde::{Deserialize, Serialize};

use super::{document, view::read_failure};
use crate::{
    identity::{Hash32, PartyName, Signed},
    job::{BadJobId, Failure, JobId, JobSpec, Reason, Stage},
    policy::{Consent, Refusal},
};

/// What a participant publishes: signed documents as it wrote them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// Signed dataset descriptors (JSON).
    pub descriptors: Vec<Vec<u8>>,
    /// Signed policies (JSON).
    pub policies: Vec<Vec<u8>>,
}

/// A job with everything its plan is compiled from: what goes to every participant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datasets {
    /// The signed specification (JSON).
    pub spec: Vec<u8>,
    /// What the participants published.
    pub published: Published,
}

/// Whether a participant's side lets a job run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Its people have not answered.
    Pending,
    /// It consented.
    Consented,
    /// It refused, by policy or by its people.
    Denied,
}

/// A participant's answer to a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The job.
    pub job: JobId,
    /// Its decision.
    pub decision: Decision,
    /// The plan it compiled.
    pub plan: Hash32,
    /// What its policies refuse.
    pub refusals: Vec<Refusal>,
    /// The quote (JSON).
    pub quote: Vec<u8>,
    /// The leakage report.
    pub leakage: Vec<String>,
    /// The plan as text.
    pub plan_text: String,
    /// Its consent, where it has given one.
    pub consent: Option<Signed<Consent>>,
}

/// A job at a provider's own door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingJob {
    /// What is asked.
    pub spec: JobSpec,
    /// What this side says so far.
    pub verdict: Verdict,
}

impl From<Published> for v1::DescribeResponse {
    fn from(published: Published) -> Self {
        let Published { descriptors, policies } = published;
        Self { descriptors, policies, version: env!("CARGO_PKG_VERSION").into() }
    }
}

impl From<v1::DescribeResponse> for Published {
    fn from(wire: v1::DescribeResponse) -> Self {
        Self { descriptors: wire.descriptors, policies: wire.policies }
    }
}

impl From<v1::ValidateRequest> for Datasets {
    fn from(wire: v1::ValidateRequest) -> Self {
        let v1::ValidateRequest { spec, descriptors, policies, dry_run: _ } = wire;
        Self { spec, published: Published { descriptors, policies } }
    }
}

impl From<Datasets> for v1::Documents {
    fn from(datasets: Datasets) -> Self {
        let Published { descriptors, policies } = datasets.published;
        Self { spec: datasets.spec, descriptors, policies }
    }
}

impl From<v1::Documents> for Datasets {
    fn from(wire: v1::Documents) -> Self {
        let v1::Documents { spec, descriptors, policies } = wire;
        Self { spec, published: Published { descriptors, policies } }
    }
}

impl Datasets {
    pub(super) fn into_request(self, dry_run: bool) -> v1::ValidateRequest {
        let Published { descriptors, policies } = self.published;
        v1::ValidateRequest { spec: self.spec, descriptors, policies, dry_run }
    }
}

impl Verdict {
    /// Reads a verdict.
    ///
    /// # Errors
    /// [`Reason::ProtocolViolation`] if a field is missing or none of its kind.
    pub fn read(wire: v1::Verdict) -> Result<Self, Failure> {
        let decision = match wire.decision() {
            v1::Decision::Pending => Decision::Pending,
            v1::Decision::Consented => Decision::Consented,
            v1::Decision::Denied => Decision::Denied,
            v1::Decision::Unspecified => return Err(violation("a verdict without a decision")),
        };
        let consent = (!wire.consent.is_empty())
            .then(|| document::parse("consent", Stage::Validate, &wire.consent))
            .transpose()?;
        let job = wire.job.parse().map_err(|_| violation("a verdict on no job"))?;
        let plan = wire.plan_hash.parse().map_err(|_| violation("a verdict on no plan"))?;
        let refusals = wire.refusals.into_iter().map(read_refusal).collect::<Result<_, _>>()?;
        let v1::Verdict { quote, leakage, plan_text, .. } = wire;
        Ok(Self { job, decision, plan, refusals, quote, leakage, plan_text, consent })
    }
}

impl From<Verdict> for v1::Verdict {
    fn from(verdict: Verdict) -> Self {
        let decision = match verdict.decision {
            Decision::Pending => v1::Decision::Pending,
            Decision::Consented => v1::Decision::Consented,
            Decision::Denied => v1::Decision::Denied,
        };
        Self {
            job: verdict.job.to_string(),
            decision: decision.into(),
            plan_hash: verdict.plan.to_string(),
            refusals: verdict.refusals.into_iter().map(write_refusal).collect(),
            quote: verdict.quote,
            leakage: verdict.leakage,
            consent: verdict.consent.map(|consent| document::write(&consent)).unwrap_or_default(),
            plan_text: verdict.plan_text,
        }
    }
}

impl PendingJob {
    /// Reads an entry of a provider's list.
    ///
    /// # Errors
    /// [`Reason::ProtocolViolation`] as [`Verdict::read`].
    pub fn read(wire: v1::PendingJob) -> Result<Self, Failure> {
        let verdict = wire.verdict.ok_or_else(|| violation("a waiting job without a verdict"))?;
        let verdict = Verdict::read(verdict)?;
        Ok(Self { spec: document::parse("job", Stage::Approve, &wire.spec)?, verdict })
    }
}

impl PendingJob {
    /// About how many bytes it takes in a message.
    #[must_use]
    pub fn about_bytes(&self) -> usize {
        let Verdict { quote, leakage, plan_text, .. } = &self.verdict;
        let texts = leakage.iter().map(String::len).sum::<usize>() + plan_text.len();
        document::write(&self.spec).len() + quote.len() + texts + (4 << 10)
    }
}

impl From<PendingJob> for v1::PendingJob {
    fn from(pending: PendingJob) -> Self {
        let spec = document::write(&pending.spec);
        Self { spec, verdict: Some(pending.verdict.into()) }
    }
}

pub(super) fn read_refusal(wire: v1::Refusal) -> Result<Refusal, Failure> {
    let party = party(&wire.party)?;
    let column = (!wire.column.is_empty()).then_some(wire.column);
    Ok(Refusal { party, rule: wire.rule, column, message: wire.message })
}

pub(super) fn write_refusal(refusal: Refusal) -> v1::Refusal {
    v1::Refusal {
        party: refusal.party.into(),
        rule: refusal.rule,
        column: refusal.column.unwrap_or_default(),
        message: refusal.message,
    }
}

pub(super) fn party(name: &str) -> Result<PartyName, Failure> {
    PartyName::try_from(name).map_err(|error| violation(&error.to_string()))
}

pub(super) fn violation(what: &str) -> Failure {
    Failure::new(Reason::ProtocolViolation, Stage::Submit, what)
}

/// Reads a job's name.
///
/// # Errors
/// [`Reason::JobUnknown`] if it is none.
pub fn read_job(text: &str, stage: Stage) -> Result<JobId, Failure> {
    text.parse()
        .map_err(|error: BadJobId| Failure::new(Reason::JobUnknown, stage, error.to_string()))
}

/// Reads which job is over, and why.
///
/// # Errors
/// [`Reason::ProtocolViolation`] if the failure is none.
pub fn read_cancel(wire: v1::CancelRequest) -> Result<(JobId, Failure), Failure> {
    let job = read_job(&wire.job, Stage::Run)?;
    let failure = wire.failure.ok_or_else(|| violation("a cancellation without a reason"))?;
    Ok((job, read_failure(failure)?))
}
