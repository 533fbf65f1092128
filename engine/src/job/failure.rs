//! One failure: reason, party, stage, and words for who may read them.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::reason::{Audience, Reason};
use crate::identity::PartyName;

/// Where on its way a job failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Taking it in.
    Submit,
    /// Compiling it and evaluating policies.
    Validate,
    /// Waiting for consents.
    Approve,
    /// Local sub-plans.
    Prepare,
    /// Making the links of the run.
    Connect,
    /// The joint plan.
    Run,
    /// Sealing and signing.
    Release,
    /// Fetching.
    Deliver,
}

/// Why a job ended early, or a request was refused. Holds no value of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// From the table.
    pub reason: Reason,
    /// At whom, where one can be named.
    pub party: Option<PartyName>,
    /// Where on the way.
    pub stage: Stage,
    /// In words.
    pub message: String,
    /// Whether the call that ended so had no answer of ours at all, as when a daemon is down. For who made the call: it does not travel,
    /// and is not kept.
    #[serde(skip)]
    pub unanswered: bool,
}

impl Stage {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Submit,
        Self::Validate,
        Self::Approve,
        Self::Prepare,
        Self::Connect,
        Self::Run,
        Self::Release,
        Self::Deliver,
    ];

    /// Its name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Submit => "submit",
            Self::Validate => "validate",
            Self::Approve => "approve",
            Self::Prepare => "prepare",
            Self::Connect => "connect",
            Self::Run => "run",
            Self::Release => "release",
            Self::Deliver => "deliver",
        }
    }

    /// The stage of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.as_str() == name)
    }
}

impl Failure {
    /// A failure at no party in particular.
    pub fn new(reason: Reason, stage: Stage, message: impl Into<String>) -> Self {
        Self { reason, party: None, stage, message: message.into(), unanswered: false }
    }

    /// The same, at `party`, unless a party is named already.
    #[must_use]
    pub fn at(mut self, party: &PartyName) -> Self {
        self.party.get_or_insert_with(|| party.clone());
        self
    }

    /// What others than the party itself are told: its words only where the table allows.
    #[must_use]
    pub fn redacted(mut self) -> Self {
        if self.reason.audience() == Audience::Party {
            self.message = self.reason.hint().to_owned();
        }
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at stage {}", self.reason, self.stage.as_str())?;
        if let Some(party) = &self.party {
            write!(f, ", party {party}")?;
        }
        write!(f, ": {} ({})", self.message, self.reason.hint())
    }
}
