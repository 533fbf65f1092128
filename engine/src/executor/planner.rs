//! Behind the coordinator's desk: whom a job concerns, and the receipt that everybody signs.

use std::{collections::BTreeMap, fmt, sync::Arc};

use super::compilation::compile_published;
use crate::{
    audit::{
        self, InputEntry, JobFacts, MASKED, PartyEntry, PartyRole, PartySignature, Protocol,
        Receipt, ReceiptBody, ReceiptPart, RunOutcome, Times, assemble, sql_hash,
    },
    coordinator::{Assembly, End, Outline, Planner},
    exec::{may_leave, outside_providers},
    identity::{Hash32, PartyName, Pins, Signed, canonical_hash},
    job::{Failure, JobId, JobKind, JobSpec, Reason, Stage},
    plan::Plan,
    policy::{Refusal, consent_hash},
    wire::{self, Published},
};

/// Compiles jobs and assembles receipts, with the coordinator's own pins.
pub struct ReceiptPlanner {
    name: PartyName,
    pins: Arc<Pins>,
}

impl ReceiptPlanner {
    /// The planner of a coordinator.
    #[must_use]
    pub fn new(name: PartyName, pins: Arc<Pins>) -> Self {
        Self { name, pins }
    }

    /// Everybody once with all they do, in the plan's order; a buyer and a coordinator that do nothing else last.
    fn parties(&self, plan: &Plan) -> Result<Vec<PartyEntry>, Failure> {
        let mut roles: Vec<(PartyName, Vec<PartyRole>)> = Vec::new();
        let computing = [PartyRole::P0, PartyRole::P1, PartyRole::P2];
        for (party, role) in plan.compute.iter().zip(computing) {
            roles.push((party.clone(), vec![role]));
        }
        roles.extend(outside_providers(plan).into_iter().map(|party| (party, Vec::new())));
        for (party, own) in &mut roles {
            if plan.inputs.iter().any(|input| input.party == *party) {
                own.push(PartyRole::Provider);
            }
        }
        for (party, role) in [(&plan.buyer, PartyRole::Buyer), (&self.name, PartyRole::Coordinator)]
        {
            match roles.iter_mut().find(|(listed, _)| listed == party) {
                Some((_, own)) => own.push(role),
                None => roles.push((party.clone(), vec![role])),
            }
        }
        let entry = |(party, roles): (PartyName, Vec<PartyRole>)| {
            let pin = self.pins.of(&party).map_err(|error| fault(error.to_string()))?;
            let (organisation, key) = (pin.organisation.clone(), pin.key);
            Ok(PartyEntry { party, organisation, key, roles, software: None })
        };
        roles.into_iter().map(entry).collect()
    }
}

impl Planner for ReceiptPlanner {
    fn outline(
        &self,
        spec: &Signed<JobSpec>,
        published: &Published,
    ) -> Result<Result<Outline, Refusal>, Failure> {
        let compilation = match compile_published(&spec.body, published, &self.pins)? {
            Ok(compilation) => compilation,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let plan = &compilation.compiled.plan;
        let mut participants = plan.compute.to_vec();
        participants.extend(outside_providers(plan));
        Ok(Ok(Outline {
            plan: compilation.hash,
            computing: plan.compute.len(),
            may_leave: may_leave(plan),
            plan_text: compilation.text()?,
            participants,
            quote: compilation.quote_json(),
            leakage: compilation.leakage()?,
            published: compilation.published,
        }))
    }

    fn assemble(&self, assembly: &Assembly) -> Result<Vec<u8>, Failure> {
        let spec = &assembly.spec.body;
        let compilation = compile_published(spec, &assembly.published, &self.pins)?
            .map_err(|refusal| refusal.failure())?;
        let parts: Result<Vec<Signed<ReceiptPart>>, _> = assembly
            .parts
            .iter()
            .map(|(_, json)| wire::parse("receipt part", Stage::Release, json))
            .collect();
        let parts = parts?;
        let consents: BTreeMap<_, _> = assembly
            .consents
            .iter()
            .map(|consent| (consent.party.clone(), consent_hash(&consent.body)))
            .collect();
        let plan = &compilation.compiled.plan;
        let absent: Result<BTreeMap<PartyName, Vec<InputEntry>>, Failure> = assembly
            .absent
            .iter()
            .map(|(party, json)| {
                Ok((party.clone(), wire::parse("commitments", Stage::Release, json)?))
            })
            .collect();
        let facts = JobFacts {
            job: JobId::of(spec).hash(),
            request_id: spec.request_id.clone(),
            sql: question_hash(&spec.kind),
            plan: assembly.plan,
            attempt: assembly.attempt,
            run: parts.iter().find_map(|part| part.body.run),
            parties: self.parties(plan)?,
            policies: plan.policies.clone(),
            consents,
            protocol: Protocol {
                sharing: if plan.adds_up().is_some() { MASKED } else { "replicated, 2 of 3" }
                    .to_owned(),
                ring: compilation.rings().to_owned(),
                security: spec.security,
            },
            leakage: compilation.leakage()?,
            times: times(assembly, &parts),
            outcome: outcome(&assembly.end),
            absent: absent?,
        };
        let body = assemble(facts, &parts, &self.pins).map_err(|error| {
            let failure = fault(error.to_string());
            match (&assembly.end, &error.party) {
                // About a failure each account stands alone: whose is false is known.
                (End::Failed { .. }, Some(party)) => failure.at(party),
                _ => failure,
            }
        })?;
        Ok(wire::write(&body))
    }

    fn complete(
        &self,
        body: &[u8],
        signatures: &[(PartyName, Vec<u8>)],
    ) -> Result<Vec<u8>, Failure> {
        let body: ReceiptBody = wire::parse("receipt", Stage::Release, body)?;
        let signatures: Result<Vec<PartySignature>, _> = signatures
            .iter()
            .map(|(_, json)| wire::parse("receipt signature", Stage::Release, json))
            .collect();
        Ok(wire::write(&Receipt::new(body, signatures?)))
    }
}

/// The hash of what was asked.
fn question_hash(kind: &JobKind) -> Hash32 {
    match kind {
        JobKind::Sql { sql } => sql_hash(sql),
        JobKind::Psi(psi) => canonical_hash("unseen.psi/v1", psi),
        JobKind::Train(train) => canonical_hash("unseen.train/v1", train),
        JobKind::Score(score) => canonical_hash("unseen.score/v1", score),
        JobKind::TrainVertical(train) => canonical_hash("unseen.train-vertical/v1", train),
    }
}

/// The start of a run that is done is what the longest part says it took, before its end.
fn times(assembly: &Assembly, parts: &[Signed<ReceiptPart>]) -> Times {
    let started_ms = match &assembly.end {
        End::Done => {
            let took = parts.iter().filter_map(|part| Some(part.body.meter?.milliseconds)).max();
            let took = i64::try_from(took.unwrap_or(0)).unwrap_or(i64::MAX);
            assembly.ended_ms.saturating_sub(took)
        }
        End::Failed { started_ms, .. } => *started_ms,
    };
    let issued_ms = assembly.spec.body.issued_at_ms;
    Times { issued_ms, started_ms, ended_ms: assembly.ended_ms }
}

fn outcome(end: &End) -> RunOutcome {
    match end {
        End::Done => RunOutcome::Done,
        End::Failed { failure, missing, .. } => {
            let audit::Failure { code, party, stage } = failure.into();
            RunOutcome::Failed { code, party, stage, missing: missing.clone() }
        }
    }
}

fn fault(words: String) -> Failure {
    Failure::new(Reason::ReceiptInvalid, Stage::Release, words)
}

impl fmt::Debug for ReceiptPlanner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReceiptPlanner({})", self.name)
    }
}
