//! This participant's part of the receipt.

use std::time::Duration;

use protocols::{
    net::tls::{Digest, LinkDigests},
    party::PartyId,
    session::{Opening, OpeningKind, Recipient},
};

use super::{joint::Me, links::Seats};
use crate::{
    audit::{
        ContributionCertificate, Flow, InputEntry, Meter, Opened, OpenedKind, OutputEntry,
        PART_DOMAIN, PartLink, ReceiptPart, inputs_root,
    },
    identity::{Hash32, PartyName, Signed},
    job::{Failure, Reason, Stage},
    policy::consent_hash,
    provider::{Ended, Job},
    seal::Sealed,
    wire::RunOrder,
};

/// What a run was at this participant, in numbers.
#[derive(Clone, Debug)]
pub(super) struct Account {
    links: Vec<PartLink>,
    opened: Vec<Opened>,
    meter: Meter,
    contribution: Option<ContributionCertificate>,
}

impl Account {
    /// With what updates were worth.
    pub(super) fn certifying(self, contribution: Option<ContributionCertificate>) -> Self {
        Self { contribution, ..self }
    }
}

/// Puts the counters of a run into the receipt's words.
pub(super) fn account(
    seats: &Seats,
    digests: &[(PartyId, LinkDigests)],
    opened: &[Opening],
    (rounds, took): (u32, Duration),
) -> Result<Account, Failure> {
    let links: Result<Vec<_>, Failure> = digests
        .iter()
        .map(|(peer, LinkDigests { sent, received, lost })| {
            let unseated = || Failure::new(Reason::Internal, Stage::Release, "a link to nobody");
            let peer = seats.name(*peer).ok_or_else(unseated)?.clone();
            let flow = |digest| flow(digest, lost.times);
            Ok(PartLink { peer, sent: flow(sent), received: flow(received) })
        })
        .collect();
    let mut links = links?;
    links.sort_by(|a, b| a.peer.cmp(&b.peer));
    let lost: u64 = digests.iter().map(|(_, link)| link.lost.bytes).sum();
    let meter = Meter {
        bytes_sent: lost + links.iter().map(|link| link.sent.bytes).sum::<u64>(),
        rounds,
        milliseconds: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
    };
    let opened: Option<Vec<_>> = opened.iter().map(|opening| entry(opening, seats)).collect();
    let strange =
        || Failure::new(Reason::Internal, Stage::Release, "an opening of an unknown kind");
    Ok(Account { links, opened: opened.ok_or_else(strange)?, meter, contribution: None })
}

fn flow(digest: &Digest, renewed: u32) -> Flow {
    Flow { bytes: digest.bytes, frames: digest.frames, hash: Hash32(digest.hash), renewed }
}

fn entry(opening: &Opening, seats: &Seats) -> Option<Opened> {
    let kind = match opening.kind {
        OpeningKind::Result => OpenedKind::Result,
        OpeningKind::Permutation => OpenedKind::Permutation,
        OpeningKind::Masked => OpenedKind::Masked,
        OpeningKind::Membership => OpenedKind::Membership,
        OpeningKind::Aggregate => OpenedKind::Aggregate,
        OpeningKind::Threshold => OpenedKind::Threshold,
        OpeningKind::Acceptance => OpenedKind::Acceptance,
        OpeningKind::Average => OpenedKind::Average,
        OpeningKind::Contribution => OpenedKind::Contribution,
        _ => return None,
    };
    let to = match opening.to {
        Recipient::All => "compute parties".to_owned(),
        Recipient::Buyer => "buyer".to_owned(),
        Recipient::One(role) => seats.name(role.id())?.to_string(),
        Recipient::Party(party) => seats.name(party)?.to_string(),
    };
    let op = u32::try_from(opening.step).ok()?;
    Some(Opened { op, kind, count: opening.count, to })
}

/// The hash of what everybody committed to, as the order to run has it.
///
/// # Errors
/// A preparation that is none, or that speaks for another party.
pub(super) fn committed(order: &RunOrder) -> Result<Hash32, Failure> {
    let mut all = Vec::new();
    for participant in &order.participants {
        let party = &participant.party;
        let told = &participant.prepared.commitments;
        let entries: Vec<InputEntry> = crate::wire::parse("commitments", Stage::Connect, told)
            .map_err(|failure| failure.at(party))?;
        if entries.iter().any(|entry| entry.party != *party) {
            let words = "its commitments speak for another party";
            return Err(Failure::new(Reason::ProtocolViolation, Stage::Connect, words).at(party));
        }
        all.extend(entries);
    }
    Ok(inputs_root(&all))
}

/// The signed part (JSON).
pub(super) fn part(
    me: Me<'_>,
    job: &Job,
    (order, run): (&RunOrder, Hash32),
    inputs: Vec<InputEntry>,
    (account, sealed): (Account, Option<&Sealed>),
) -> Result<Vec<u8>, Failure> {
    let own = order.participants.iter().find(|participant| participant.party == *me.name);
    let consent =
        own.map(|participant| consent_hash(&participant.consent.body)).ok_or_else(|| {
            Failure::new(
                Reason::ConsentMissing,
                Stage::Release,
                "the order names no consent of this party",
            )
        })?;
    let part = ReceiptPart {
        job: job.id.hash(),
        plan: job.assessment.plan_hash,
        attempt: order.attempt,
        run: Some(run),
        party: me.name.clone(),
        software: software(),
        consent,
        inputs,
        inputs_root: committed(order)?,
        opened: account.opened,
        links: account.links,
        meter: Some(account.meter),
        output: sealed.map(|sealed| output(me.name, sealed)),
        contribution: account.contribution,
        failure: None,
    };
    Ok(crate::wire::write(&Signed::new(PART_DOMAIN, part, me.name.clone(), me.key)))
}

/// The signed part (JSON) of a job that ended early: why, and what this participant had given by then.
pub(super) fn broken_off(me: Me<'_>, job: &Job, ended: &Ended) -> Result<Vec<u8>, Failure> {
    let inputs: Vec<InputEntry> = match &ended.commitments {
        Some(json) => crate::wire::parse("journalled commitments", Stage::Release, json)?,
        None => Vec::new(),
    };
    let part = ReceiptPart {
        job: job.id.hash(),
        plan: job.assessment.plan_hash,
        attempt: ended.attempt,
        run: ended.run,
        party: me.name.clone(),
        software: software(),
        consent: consent_hash(&ended.consent.body),
        inputs_root: inputs_root(&inputs),
        inputs,
        opened: Vec::new(),
        links: Vec::new(),
        meter: None,
        output: None,
        contribution: None,
        failure: Some((&ended.failure).into()),
    };
    Ok(crate::wire::write(&Signed::new(PART_DOMAIN, part, me.name.clone(), me.key)))
}

fn output(party: &PartyName, sealed: &Sealed) -> OutputEntry {
    let manifest = &sealed.manifest.body;
    OutputEntry {
        role: manifest.binding.role,
        party: party.clone(),
        ciphertext_sha256: manifest.ciphertext_sha256,
        length: manifest.length,
    }
}

fn software() -> String {
    concat!("unseen ", env!("CARGO_PKG_VERSION")).to_owned()
}
