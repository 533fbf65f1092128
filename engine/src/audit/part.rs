//! A party's own account of a run: what the coordinator assembles receipts from.

use serde::{Deserialize, Serialize};

use super::contribution::ContributionCertificate;
use super::receipt::{Flow, InputEntry, Meter, Opened, OutputEntry};
use crate::{
    identity::{Hash32, PartyName},
    job,
};

/// The domain tag under which parts are signed.
pub const PART_DOMAIN: &str = "unseen.receipt-part/v1";

/// What one participant says of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptPart {
    /// Hash of the job specification.
    pub job: Hash32,
    /// Hash of the plan it ran.
    pub plan: Hash32,
    /// Which attempt.
    pub attempt: u32,
    /// The run's identity, once it has one.
    pub run: Option<Hash32>,
    /// Who says so.
    pub party: PartyName,
    /// Its program's version.
    pub software: String,
    /// Hash of its consent.
    pub consent: Hash32,
    /// What it committed to.
    pub inputs: Vec<InputEntry>,
    /// [`super::inputs_root`] of what everybody had committed to when the run began, as this party was told.
    pub inputs_root: Hash32,
    /// What it saw opened; of a provider that does not compute, what it took part in.
    pub opened: Vec<Opened>,
    /// Its ends of its links.
    pub links: Vec<PartLink>,
    /// What it spent; none where it ended before it could say.
    pub meter: Option<Meter>,
    /// What it sealed; none for a provider that does not compute.
    pub output: Option<OutputEntry>,
    /// What it saw of what updates were worth; none where that was not asked for, or it does not compute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contribution: Option<ContributionCertificate>,
    /// Why it ended early, where it did.
    pub failure: Option<Failure>,
}

/// One end of a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartLink {
    /// The other end.
    pub peer: PartyName,
    /// What went there.
    pub sent: Flow,
    /// What came from there.
    pub received: Flow,
}

/// Why a run ended early.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// What happened.
    pub code: String,
    /// The party at fault, where one can be named.
    pub party: Option<PartyName>,
    /// The stage it happened in.
    pub stage: String,
}

impl From<&job::Failure> for Failure {
    /// Without its words: they are for whoever it happened at.
    fn from(failure: &job::Failure) -> Self {
        Self {
            code: failure.reason.to_string(),
            party: failure.party.clone(),
            stage: failure.stage.as_str().to_owned(),
        }
    }
}
