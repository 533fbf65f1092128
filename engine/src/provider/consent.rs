//! Making one's own consent, and checking everybody's before a run.

use super::runner::Job;
use crate::{
    identity::{Hash32, IdentityKey, PartyName, Pins, Signed},
    job::{Failure, Reason, Stage},
    policy::{self, CONSENT_DOMAIN, Consent, Release, Terms},
    wire::{RunOrder, roster},
};

/// Signs a consent to this job's plan.
pub(super) fn sign(
    job: &Job,
    party: &PartyName,
    key: &IdentityKey,
) -> Result<Signed<Consent>, Failure> {
    let spec = &job.spec.body;
    let consent = Consent {
        job: job.id.hash(),
        plan: job.assessment.plan_hash,
        policies_root: policy::policies_root(&job.assessment.plan.policies),
        party: party.clone(),
        recipient: spec.sealing_key,
        not_after_ms: spec.expires_at_ms,
        nonce: random(Stage::Approve)?,
    };
    Ok(Signed::new(CONSENT_DOMAIN, consent, party.clone(), key))
}

/// Checks the consents and the participants of an order against this participant's own view of the job.
pub(super) fn verify(
    job: &Job,
    order: &RunOrder,
    pins: &Pins,
    now_ms: i64,
) -> Result<Release, Failure> {
    let plan = &job.assessment.plan;
    let due = roster(plan);
    if !order.participants.iter().map(|participant| &participant.party).eq(&due) {
        let words = format!("the order names other participants than the plan, which has {due:?}");
        return Err(Failure::new(Reason::PlanMismatch, Stage::Connect, words));
    }
    let consents: Vec<_> =
        order.participants.iter().map(|participant| participant.consent.clone()).collect();
    let terms = Terms {
        plan,
        plan_hash: job.assessment.plan_hash,
        recipient: job.spec.body.sealing_key,
        pins,
        now_ms,
    };
    policy::verify(&consents, &terms)
        .map_err(|error| Failure::new(Reason::ConsentMissing, Stage::Connect, error.to_string()))
}

/// 32 random bytes.
pub(super) fn random(stage: Stage) -> Result<Hash32, Failure> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| {
        Failure::new(Reason::Internal, stage, "the operating system gave no randomness")
    })?;
    Ok(Hash32(bytes))
}
