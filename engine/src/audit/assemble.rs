//! The coordinator's part: putting the parties' accounts together. It adds facts of the job and can change none of theirs.

use std::collections::BTreeMap;

use super::{
    check::check_own_part,
    part::{PART_DOMAIN, PartLink, ReceiptPart},
    receipt::{
        Fault, Flow, InputEntry, Leakage, LinkEntry, PartyEntry, Protocol, RECEIPT_SCHEMA,
        ReceiptBody, RunOutcome, Times, leakage_hash,
    },
};
use crate::{
    identity::{Hash32, PartyName, Pins, Signed},
    plan::PolicyRef,
    policy::consents_root,
};

/// What the coordinator knows of a job by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobFacts {
    /// Hash of the job specification.
    pub job: Hash32,
    /// The buyer's own name of the job.
    pub request_id: String,
    /// Hash of the statement.
    pub sql: Hash32,
    /// Hash of the plan that all consented to.
    pub plan: Hash32,
    /// Which attempt.
    pub attempt: u32,
    /// The run's identity, once it has one.
    pub run: Option<Hash32>,
    /// Everyone who takes part; `software` is filled in from the parts.
    pub parties: Vec<PartyEntry>,
    /// The policies in force.
    pub policies: Vec<PolicyRef>,
    /// Hash of each participant's consent.
    pub consents: BTreeMap<PartyName, Hash32>,
    /// What it was computed with.
    pub protocol: Protocol,
    /// The leakage report's sentences.
    pub leakage: Vec<String>,
    /// When.
    pub times: Times,
    /// How it ended.
    pub outcome: RunOutcome,
    /// Providers that a training went on without, and what they had committed to.
    pub absent: BTreeMap<PartyName, Vec<InputEntry>>,
}

/// Puts a receipt's body together from the parties' signed parts.
///
/// # Errors
/// A [`Fault`] naming the first part that is not its party's, or contradicts another: links whose ends disagree,
/// openings that differ, or a party that is missing although the job is done.
pub fn assemble(
    facts: JobFacts,
    parts: &[Signed<ReceiptPart>],
    pins: &Pins,
) -> Result<ReceiptBody, Fault> {
    let mut by_party = BTreeMap::new();
    for part in parts {
        let body = admit(part, &facts, pins)?;
        if by_party.insert(&part.party, body).is_some() {
            return Err(Fault::of(&part.party, "part", "came twice"));
        }
    }
    let body = build(facts, &by_party);
    if body.outcome == RunOutcome::Done {
        let there = |entry: &&PartyEntry| {
            by_party.contains_key(&entry.party) || body.absent.contains(&entry.party)
        };
        let absent = body.signers().find(|entry| !there(entry));
        if let Some(entry) = absent {
            return Err(Fault::of(&entry.party, "part", "is missing, though the job is done"));
        }
    }
    for part in by_party.values() {
        check_own_part(&body, part)?;
    }
    Ok(body)
}

/// A part that its party signed about this job.
fn admit<'a>(
    part: &'a Signed<ReceiptPart>,
    facts: &JobFacts,
    pins: &Pins,
) -> Result<&'a ReceiptPart, Fault> {
    let party = &part.party;
    let pin = pins.of(party).map_err(|error| Fault::of(party, "part", error.to_string()))?;
    let body = part
        .verify(PART_DOMAIN, &pin.key)
        .map_err(|error| Fault::of(party, "part.signature", error.to_string()))?;
    if body.party != *party {
        return Err(Fault::of(party, "part.party", format!("speaks for {}", body.party)));
    }
    if !facts.parties.iter().any(|entry| entry.party == *party) {
        return Err(Fault::of(party, "part", "takes no part in this job"));
    }
    Ok(body)
}

fn build(facts: JobFacts, parts: &BTreeMap<&PartyName, &ReceiptPart>) -> ReceiptBody {
    let mut parties = facts.parties;
    for entry in &mut parties {
        entry.software = parts.get(&entry.party).map(|part| part.software.clone());
    }
    let mut outputs: Vec<_> = parts.values().filter_map(|part| part.output.clone()).collect();
    outputs.sort_by_key(|output| output.role);
    let opened = parts.values().map(|part| &part.opened).max_by_key(|opened| opened.len());
    ReceiptBody {
        schema: RECEIPT_SCHEMA.into(),
        job: facts.job,
        request_id: facts.request_id,
        sql: facts.sql,
        plan: facts.plan,
        attempt: facts.attempt,
        run: facts.run,
        parties,
        policies: facts.policies,
        consents_root: consents_root(&facts.consents),
        consents: facts.consents,
        inputs: parts
            .values()
            .flat_map(|part| part.inputs.clone())
            .chain(facts.absent.values().flatten().cloned())
            .collect(),
        protocol: facts.protocol,
        opened: opened.cloned().unwrap_or_default(),
        leakage: Leakage { hash: leakage_hash(&facts.leakage), lines: facts.leakage },
        links: links(parts),
        meter: each(parts, |part| part.meter),
        outputs,
        times: facts.times,
        outcome: facts.outcome,
        ends: each(parts, |part| part.failure.clone()),
        absent: facts.absent.into_keys().collect(),
        contribution: parts.values().find_map(|part| part.contribution.clone()),
    }
}

/// What the parts say of one thing, by party.
fn each<T>(
    parts: &BTreeMap<&PartyName, &ReceiptPart>,
    of: impl Fn(&ReceiptPart) -> Option<T>,
) -> BTreeMap<PartyName, T> {
    parts.iter().filter_map(|(party, part)| Some(((*party).clone(), of(part)?))).collect()
}

/// Both ends' view of every direction, by (from, to).
fn links(parts: &BTreeMap<&PartyName, &ReceiptPart>) -> Vec<LinkEntry> {
    type Ends = (Option<Flow>, Option<Flow>);
    let mut flows: BTreeMap<(PartyName, PartyName), Ends> = BTreeMap::new();
    for (party, part) in parts {
        for PartLink { peer, sent, received } in &part.links {
            flows.entry(((*party).clone(), peer.clone())).or_default().0 = Some(*sent);
            flows.entry((peer.clone(), (*party).clone())).or_default().1 = Some(*received);
        }
    }
    let entry = |((from, to), (sent, received))| LinkEntry { from, to, sent, received };
    flows.into_iter().map(entry).collect()
}
