//! Checking a receipt offline: with the keys it carries, or against pins.

use std::collections::BTreeSet;

use super::{
    receipt::{
        Fault, PartyEntry, PartyRole, RECEIPT_DOMAIN, RECEIPT_SCHEMA, Receipt, ReceiptBody,
        RunOutcome, leakage_hash, receipt_id,
    },
    renewed,
};
use crate::{
    identity::{PartyName, Pins},
    policy::consents_root,
};

/// What a receipt that holds says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The receipt's id.
    pub id: String,
    /// How the job ended.
    pub outcome: RunOutcome,
    /// Whose signatures hold.
    pub signed: Vec<PartyName>,
    /// Who is listed as missing (a failed job only).
    pub missing: Vec<PartyName>,
    /// Whether the keys were checked against pins, not only against those the receipt carries.
    pub pinned: bool,
}

/// Reads a receipt file's text.
///
/// # Errors
/// A [`Fault`] naming the field that cannot be read.
pub fn read(json: &str) -> Result<Receipt, Fault> {
    let mut reader = serde_json::Deserializer::from_str(json);
    let receipt: Receipt = serde_path_to_error::deserialize(&mut reader)
        .map_err(|error| Fault::new(error.path().to_string(), error.inner().to_string()))?;
    reader.end().map_err(|error| Fault::new(".", error.to_string()))?;
    Ok(receipt)
}

/// Checks everything a receipt says about itself, and its signatures.
///
/// # Errors
/// A [`Fault`] naming the first thing that is wrong: which field, and which party where one can be named.
pub fn verify(receipt: &Receipt, pins: Option<&Pins>) -> Result<Report, Fault> {
    let body = &receipt.body;
    if body.schema != RECEIPT_SCHEMA {
        return Err(Fault::new("schema", format!("is not `{RECEIPT_SCHEMA}`")));
    }
    check_parties(body)?;
    if let Some(pins) = pins {
        check_pins(body, pins)?;
    }
    body.check_absent()?;
    check_hashes(body)?;
    check_links(body)?;
    check_contribution(body)?;
    match &body.outcome {
        RunOutcome::Done => {
            check_complete(body)?;
            renewed::check(body)?;
        }
        RunOutcome::Failed { missing, .. } => check_failed(body, missing)?,
    }
    if receipt.id != receipt_id(body) {
        let due = receipt_id(body);
        return Err(Fault::new("id", format!("is not the start of the body's hash, {due}")));
    }
    check_signatures(receipt)?;
    if receipt.signatures.is_empty() {
        return Err(Fault::new("signatures", "nobody signed it, so it proves nothing"));
    }
    Ok(Report {
        id: receipt.id.clone(),
        outcome: body.outcome.clone(),
        signed: receipt.signatures.iter().map(|signature| signature.party.clone()).collect(),
        missing: body.excused().to_vec(),
        pinned: pins.is_some(),
    })
}

fn check_contribution(body: &ReceiptBody) -> Result<(), Fault> {
    let Some(certificate) = &body.contribution else { return Ok(()) };
    if body.outcome != RunOutcome::Done {
        return Err(Fault::new("contribution", "stands in the receipt of a job that failed"));
    }
    certificate.check(&body.parties)
}

fn with_role(body: &ReceiptBody, role: PartyRole) -> Result<&PartyEntry, Fault> {
    let mut having = body.parties.iter().filter(|entry| entry.roles.contains(&role));
    match (having.next(), having.next()) {
        (Some(entry), None) => Ok(entry),
        _ => Err(Fault::new("parties", format!("exactly one must have the role {role:?}"))),
    }
}

fn check_parties(body: &ReceiptBody) -> Result<(), Fault> {
    let (mut names, mut keys) = (BTreeSet::new(), BTreeSet::new());
    for entry in &body.parties {
        if !names.insert(&entry.party) {
            return Err(Fault::of(&entry.party, "parties", "is listed twice"));
        }
        if !keys.insert(entry.key) {
            return Err(Fault::of(&entry.party, "parties.key", "is another party's key too"));
        }
    }
    let buyer = with_role(body, PartyRole::Buyer)?;
    let mut organisations = BTreeSet::new();
    let strange = PartyRole::COMPUTE[body.computing().len()..].iter();
    for role in strange {
        if let Some(entry) = body.parties.iter().find(|entry| entry.roles.contains(role)) {
            return Err(Fault::of(
                &entry.party,
                "parties.roles",
                "computes, where one adds up alone",
            ));
        }
    }
    for role in body.computing() {
        let entry = with_role(body, *role)?;
        if entry.party == buyer.party {
            return Err(Fault::of(&entry.party, "parties.roles", "computed for itself as buyer"));
        }
        if !organisations.insert(&entry.organisation) {
            let message = "is run by the same organisation as another compute party";
            return Err(Fault::of(&entry.party, "parties.organisation", message));
        }
    }
    Ok(())
}

fn check_pins(body: &ReceiptBody, pins: &Pins) -> Result<(), Fault> {
    for entry in &body.parties {
        let pin = pins
            .of(&entry.party)
            .map_err(|error| Fault::of(&entry.party, "parties.party", error.to_string()))?;
        if pin.key != entry.key {
            return Err(Fault::of(&entry.party, "parties.key", "is not the key pinned"));
        }
        if pin.organisation != entry.organisation {
            return Err(Fault::of(&entry.party, "parties.organisation", "is not the one pinned"));
        }
    }
    Ok(())
}

fn check_hashes(body: &ReceiptBody) -> Result<(), Fault> {
    if body.consents_root != consents_root(&body.consents) {
        return Err(Fault::new("consents_root", "is not the hash of the consents"));
    }
    if body.leakage.hash != leakage_hash(&body.leakage.lines) {
        return Err(Fault::new("leakage.hash", "is not the hash of the leakage report's lines"));
    }
    for party in body.consents.keys() {
        if !body.signers().any(|entry| entry.party == *party) {
            return Err(Fault::of(party, "consents", "consented, but takes no part"));
        }
    }
    for input in &body.inputs {
        let provides = |entry: &PartyEntry| {
            entry.party == input.party && entry.roles.contains(&PartyRole::Provider)
        };
        if !body.parties.iter().any(provides) {
            return Err(Fault::of(&input.party, "inputs.party", "is no provider of this job"));
        }
    }
    Ok(())
}

fn check_links(body: &ReceiptBody) -> Result<(), Fault> {
    let mut seen = BTreeSet::new();
    for link in &body.links {
        let field = format!("links.{}->{}", link.from, link.to);
        for end in [&link.from, &link.to] {
            if !body.signers().any(|entry| entry.party == *end) {
                return Err(Fault::of(end, field, "takes no part in this job"));
            }
        }
        if !seen.insert((&link.from, &link.to)) {
            return Err(Fault::new(field, "is listed twice"));
        }
        if body.is_left(link) {
            continue;
        }
        if body.outcome == RunOutcome::Done && (link.sent.is_none() || link.sent != link.received) {
            return Err(Fault::of(&link.from, field, "its two ends saw different traffic"));
        }
    }
    Ok(())
}

/// What a job that failed may show: no result, and each participant either with its account or as missing.
fn check_failed(body: &ReceiptBody, missing: &[PartyName]) -> Result<(), Fault> {
    if let Some(output) = body.outputs.first() {
        return Err(Fault::of(
            &output.party,
            "outputs",
            "has a sealed share, though the job failed",
        ));
    }
    for party in missing.iter().chain(body.ends.keys()) {
        if !body.signers().any(|entry| entry.party == *party) {
            return Err(Fault::of(party, "outcome", "takes no part in this job"));
        }
    }
    let both = |entry: &&PartyEntry| {
        missing.contains(&entry.party) == body.ends.contains_key(&entry.party)
    };
    match body.signers().find(both) {
        Some(entry) => {
            let words = "is either missing, or says how the job ended for it";
            Err(Fault::of(&entry.party, "ends", words))
        }
        None => Ok(()),
    }
}

/// What a job that is done has to show.
fn check_complete(body: &ReceiptBody) -> Result<(), Fault> {
    if let Some(party) = body.ends.keys().next() {
        return Err(Fault::of(party, "ends", "ended early, though the job is done"));
    }
    if body.run.is_none() {
        return Err(Fault::new("run", "is missing, though the job is done"));
    }
    for entry in body.signers() {
        let absent = body.absent.contains(&entry.party);
        let shown = [
            ("consents", body.consents.contains_key(&entry.party)),
            ("meter", absent || body.meter.contains_key(&entry.party)),
            ("parties.software", absent || entry.software.is_some()),
            (
                "inputs",
                !entry.roles.contains(&PartyRole::Provider)
                    || body.inputs.iter().any(|input| input.party == entry.party),
            ),
        ];
        if let Some((field, _)) = shown.into_iter().find(|(_, shown)| !shown) {
            return Err(Fault::of(&entry.party, field, "is missing, though the job is done"));
        }
    }
    let due = body.computing();
    if body.outputs.len() != due.len() {
        return Err(Fault::new("outputs", format!("{} sealed shares are due", due.len())));
    }
    let mut compute = Vec::new();
    for (index, role) in (0_u8..).zip(due) {
        let party = &with_role(body, *role)?.party;
        let sealed = |output: &&super::OutputEntry| output.role == index && output.party == *party;
        if body.outputs.iter().find(sealed).is_none() {
            return Err(Fault::of(party, "outputs", "has no sealed share of its role"));
        }
        compute.push(party);
    }
    for from in &compute {
        for to in compute.iter().filter(|to| *to != from) {
            if !body.links.iter().any(|link| link.from == **from && link.to == **to) {
                return Err(Fault::of(from, format!("links.{from}->{to}"), "is missing"));
            }
        }
    }
    Ok(())
}

fn check_signatures(receipt: &Receipt) -> Result<(), Fault> {
    let body = &receipt.body;
    let mut signed = BTreeSet::new();
    let mut bad = Vec::new();
    for one in &receipt.signatures {
        let party = &one.party;
        let Some(entry) = body.signers().find(|entry| entry.party == *party) else {
            return Err(Fault::of(party, "signatures", "signed, but takes no part"));
        };
        if !signed.insert(party) {
            return Err(Fault::of(party, "signatures", "signed twice"));
        }
        if body.excused().contains(party) {
            return Err(Fault::of(party, "signatures", "signed, but is listed as missing"));
        }
        if entry.key.verify(RECEIPT_DOMAIN, body, &one.signature).is_err() {
            bad.push(party);
        }
    }
    if !bad.is_empty() && bad.len() == receipt.signatures.len() {
        return Err(Fault::new("body", "no signature holds: it was changed after it was signed"));
    }
    if let Some(party) = bad.first() {
        return Err(Fault::of(party, "signatures", "this party's signature does not hold"));
    }
    let due = |entry: &&PartyEntry| {
        !signed.contains(&entry.party) && !body.excused().contains(&entry.party)
    };
    match body.signers().find(due) {
        Some(entry) => Err(Fault::of(&entry.party, "signatures", "this party has not signed")),
        None => Ok(()),
    }
}
