//! The receipt: what all parties of a job sign when it ends.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use super::{contribution::ContributionCertificate, part::Failure};
use crate::{
    identity::{Hash32, IdentityKey, PartyName, PublicKey, Signature, canonical_hash, int_string},
    job::Security,
    plan::PolicyRef,
};

/// The domain tag under which receipts are signed and hashed.
pub const RECEIPT_DOMAIN: &str = "unseen.receipt/v1";

/// What `schema` says.
pub const RECEIPT_SCHEMA: &str = "unseen.receipt/v1";

/// A receipt with its signatures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The first 16 digits of the body's hash.
    pub id: String,
    /// What is signed.
    pub body: ReceiptBody,
    /// By whom.
    pub signatures: Vec<PartySignature>,
}

/// One party's signature over the body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartySignature {
    /// Who signed.
    pub party: PartyName,
    /// Over the body's canonical message under [`RECEIPT_DOMAIN`].
    pub signature: Signature,
}

/// What happened in a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptBody {
    /// [`RECEIPT_SCHEMA`].
    pub schema: String,
    /// Hash of the job specification.
    pub job: Hash32,
    /// The buyer's own name of the job.
    pub request_id: String,
    /// [`sql_hash`] of the statement; of an intersection, the hash of its specification.
    pub sql: Hash32,
    /// Hash of the plan.
    pub plan: Hash32,
    /// Which attempt at running it.
    pub attempt: u32,
    /// The run's identity; none where it failed before it had one.
    pub run: Option<Hash32>,
    /// Everyone who takes part.
    pub parties: Vec<PartyEntry>,
    /// The policies in force.
    pub policies: Vec<PolicyRef>,
    /// Hash of each participant's consent.
    pub consents: BTreeMap<PartyName, Hash32>,
    /// Hash of those, as in the sealed shares.
    pub consents_root: Hash32,
    /// What the providers committed to.
    pub inputs: Vec<InputEntry>,
    /// What it was computed with.
    pub protocol: Protocol,
    /// Everything that was opened; of a job that failed, what the participants could tell.
    pub opened: Vec<Opened>,
    /// What the job was announced to show, beyond its result.
    pub leakage: Leakage,
    /// Each direction of each link, as seen from both ends.
    pub links: Vec<LinkEntry>,
    /// What each party spent.
    pub meter: BTreeMap<PartyName, Meter>,
    /// The sealed shares.
    pub outputs: Vec<OutputEntry>,
    /// When.
    pub times: Times,
    /// How it ended.
    pub outcome: RunOutcome,
    /// How it ended at each participant that gave its account: its own words, where the outcome is the coordinator's
    /// conclusion. Empty for a job that is done.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ends: BTreeMap<PartyName, Failure>,
    /// Of a training that is done: providers that were lost on the way, and neither gave an account nor sign. What they had
    /// committed to stands under `inputs`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub absent: Vec<PartyName>,
    /// Of a training that tells it: what each provider's updates were worth, and what is paid for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contribution: Option<ContributionCertificate>,
}

/// A party of the job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartyEntry {
    /// Its name.
    pub party: PartyName,
    /// Who runs it.
    pub organisation: String,
    /// Its identity key.
    pub key: PublicKey,
    /// What it did.
    pub roles: Vec<PartyRole>,
    /// Its program's version; none where it said none.
    pub software: Option<String>,
}

/// What a party does in a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartyRole {
    /// Compute party 0.
    P0,
    /// Compute party 1.
    P1,
    /// Compute party 2.
    P2,
    /// Shares a table.
    Provider,
    /// Opens the result.
    Buyer,
    /// Directs the job.
    Coordinator,
}

/// What one dataset contributed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputEntry {
    /// The provider.
    pub party: PartyName,
    /// The dataset.
    pub dataset: String,
    /// Its published row bound.
    #[serde(with = "int_string")]
    pub rows_max: u64,
    /// Salted commitment to the snapshot; its owner keeps the salt.
    pub commitment: Hash32,
}

/// What a job was computed with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Protocol {
    /// The secret sharing.
    pub sharing: String,
    /// The rings.
    pub ring: String,
    /// Against whom it protects.
    pub security: Security,
}

/// One kind of opening at one step.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opened {
    /// The step of the plan.
    pub op: u32,
    /// What was opened.
    pub kind: OpenedKind,
    /// How many values.
    #[serde(with = "int_string")]
    pub count: u64,
    /// To whom: a party's name, or `compute parties`.
    pub to: String,
}

/// The kinds of opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OpenedKind {
    /// The result, sealed to the buyer.
    Result,
    /// A permutation under a random shuffle.
    Permutation,
    /// A value under a one-time mask.
    Masked,
    /// Which of the recipient's own elements are in a peer's set.
    Membership,
    /// A number worked out over an intersection.
    Aggregate,
    /// Whether enough elements are common: one bit.
    Threshold,
    /// Whose updates are taken: a bit each.
    Acceptance,
    /// The average of a round of training.
    Average,
    /// What providers' updates were worth over all rounds.
    Contribution,
}

/// The leakage report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leakage {
    /// Its sentences.
    pub lines: Vec<String>,
    /// [`leakage_hash`] of them.
    pub hash: Hash32,
}

/// One direction of a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkEntry {
    /// Who sends.
    pub from: PartyName,
    /// Who receives.
    pub to: PartyName,
    /// What the sender saw; none where it could not say.
    pub sent: Option<Flow>,
    /// What the receiver saw; none where it could not say.
    pub received: Option<Flow>,
}

/// What went over one direction of a link: frames with their headers.
///
/// Of a link that was lost and made anew this is what went over its last connections: of those before, the two ends saw what
/// was under way differently, and cannot agree. How many there were both ends say, and both have to say the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flow {
    /// Bytes.
    #[serde(with = "int_string")]
    pub bytes: u64,
    /// Frames.
    #[serde(with = "int_string")]
    pub frames: u64,
    /// Running hash of all of them.
    pub hash: Hash32,
    /// How many times the link was made anew before.
    #[serde(default, skip_serializing_if = "is_never")]
    pub renewed: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's way")]
fn is_never(times: &u32) -> bool {
    *times == 0
}

/// What a party spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Meter {
    /// Bytes it sent on the data plane: those of its links, and of a link that was made anew what it had handed to the
    /// connections before, by its own word.
    #[serde(with = "int_string")]
    pub bytes_sent: u64,
    /// Depth of its critical path.
    pub rounds: u32,
    /// From start to end of the run.
    #[serde(with = "int_string")]
    pub milliseconds: u64,
}

/// A sealed share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputEntry {
    /// 0, 1 or 2.
    pub role: u8,
    /// The compute party.
    pub party: PartyName,
    /// SHA-256 of its ciphertext.
    pub ciphertext_sha256: Hash32,
    /// Its length in bytes.
    #[serde(with = "int_string")]
    pub length: u64,
}

/// When the job was issued, ran and ended, UTC milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Times {
    /// Issued by the buyer.
    #[serde(with = "int_string")]
    pub issued_ms: i64,
    /// Started by the coordinator.
    #[serde(with = "int_string")]
    pub started_ms: i64,
    /// Ended.
    #[serde(with = "int_string")]
    pub ended_ms: i64,
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RunOutcome {
    /// The result is sealed.
    Done,
    /// It failed; nothing was revealed.
    Failed {
        /// What happened.
        code: String,
        /// The party at fault, where one can be named.
        party: Option<PartyName>,
        /// The stage it happened in.
        stage: String,
        /// Participants that did not sign: not to be reached, or they have another account of it.
        missing: Vec<PartyName>,
    },
}

/// The first thing wrong with a receipt.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}{}: {message}", .party.as_ref().map(|party| format!(" ({party})")).unwrap_or_default())]
pub struct Fault {
    /// Which field.
    pub field: String,
    /// About which party, where one can be named.
    pub party: Option<PartyName>,
    /// What is wrong.
    pub message: String,
}

/// How a training is said to have been averaged where one party has added up masked updates.
pub const MASKED: &str = "masks, added up by one";

/// The hash by which receipts name a statement.
#[must_use]
pub fn sql_hash(sql: &str) -> Hash32 {
    canonical_hash("unseen.sql/v1", &sql)
}

/// The hash of everybody's commitments, whatever their order.
#[must_use]
pub fn inputs_root(inputs: &[InputEntry]) -> Hash32 {
    let mut sorted: Vec<_> = inputs.iter().collect();
    sorted.sort_by_key(|input| (&input.party, &input.dataset, input.commitment.0));
    canonical_hash("unseen.inputs/v1", &sorted)
}

/// The hash of a leakage report's sentences.
#[must_use]
pub fn leakage_hash(lines: &[String]) -> Hash32 {
    canonical_hash("unseen.leakage/v1", &lines)
}

impl ReceiptBody {
    /// The body's hash.
    #[must_use]
    pub fn hash(&self) -> Hash32 {
        canonical_hash(RECEIPT_DOMAIN, self)
    }

    /// The roles that compute: the first alone where it adds up masked updates.
    pub(super) fn computing(&self) -> &'static [PartyRole] {
        &PartyRole::COMPUTE[..if self.protocol.sharing == MASKED { 1 } else { 3 }]
    }

    /// Who has to sign: providers and compute parties.
    pub fn signers(&self) -> impl Iterator<Item = &PartyEntry> {
        self.parties.iter().filter(|entry| entry.roles.iter().any(|role| role.signs()))
    }

    /// Whether a link has an end that was lost, and whose account there is not.
    pub(super) fn is_left(&self, link: &LinkEntry) -> bool {
        [&link.from, &link.to].into_iter().any(|end| self.absent.contains(end))
    }

    /// Only who did nothing but provide can be absent, and only from a job that is done.
    ///
    /// # Errors
    /// A [`Fault`] naming who cannot.
    pub(super) fn check_absent(&self) -> Result<(), Fault> {
        let provides = |party: &PartyName| {
            let entry = self.parties.iter().find(|entry| entry.party == *party);
            entry.is_some_and(|entry| entry.roles == [PartyRole::Provider])
        };
        let done = self.outcome == RunOutcome::Done;
        match self.absent.iter().find(|party| !done || !provides(party)) {
            Some(party) => Err(Fault::of(party, "absent", "cannot be: it does more than provide")),
            None => Ok(()),
        }
    }

    /// Signs the body. Check it first with [`super::check_own_part`].
    #[must_use]
    pub fn sign(&self, party: &PartyName, key: &IdentityKey) -> PartySignature {
        PartySignature { party: party.clone(), signature: key.sign(RECEIPT_DOMAIN, self) }
    }

    /// Participants that are excused from signing because the job failed, or went on without them.
    pub(super) fn excused(&self) -> &[PartyName] {
        match &self.outcome {
            RunOutcome::Done => &self.absent,
            RunOutcome::Failed { missing, .. } => missing,
        }
    }
}

impl Receipt {
    /// A receipt of a body and its signatures.
    #[must_use]
    pub fn new(body: ReceiptBody, signatures: Vec<PartySignature>) -> Self {
        Self { id: receipt_id(&body), body, signatures }
    }

    /// The name of the file it is kept in.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("receipt-{}.json", self.id)
    }
}

/// The first 16 digits of the body's hash.
pub(super) fn receipt_id(body: &ReceiptBody) -> String {
    let mut digits = body.hash().to_string();
    digits.truncate(16);
    digits
}

impl RunOutcome {
    /// Whether both say the same of what happened, whoever signs it.
    #[must_use]
    pub fn is_same_end(&self, other: &Self) -> bool {
        let told = |outcome: &Self| match outcome {
            Self::Done => None,
            Self::Failed { code, party, stage, missing: _ } => {
                Some((code.clone(), party.clone(), stage.clone()))
            }
        };
        told(self) == told(other)
    }
}

impl PartyRole {
    /// The three compute roles in order.
    pub(super) const COMPUTE: [Self; 3] = [Self::P0, Self::P1, Self::P2];

    fn signs(self) -> bool {
        !matches!(self, Self::Buyer | Self::Coordinator)
    }
}

impl Fault {
    pub(super) fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), party: None, message: message.into() }
    }

    pub(super) fn of(
        party: &PartyName,
        field: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self { party: Some(party.clone()), ..Self::new(field, message) }
    }
}

impl fmt::Display for RunOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::Failed { code, party: Some(party), stage, .. } => {
                write!(f, "failed: {code} at {party}, stage {stage}")
            }
            Self::Failed { code, party: None, stage, .. } => {
                write!(f, "failed: {code}, stage {stage}")
            }
        }
    }
}
