//! Why a plan did not run to its end.

use protocols::session::SessionError;

use crate::{identity::PartyName, job::Reason};

/// See the variants.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExecError {
    /// A training that cannot go on, at this party.
    #[error("{0}")]
    Training(String),
    /// Somebody deviates, or has lost what it kept, and nobody can tell who.
    #[error("{0}")]
    Inconsistent(String),
    /// Too few updates: the same at all three compute parties.
    #[error("{0}")]
    TooFewProviders(String),
    /// The total of all rows determines no model: the same at all three compute parties.
    #[error("{0}")]
    NoSolution(String),
    /// Somebody does not keep to how updates are masked: what is wrong, and at whose door it lies.
    #[error("{what}")]
    Cheated {
        /// Who.
        party: PartyName,
        /// What.
        what: String,
    },
    /// The session ended.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// This party should have shared an input and has none.
    #[error("{party} has no data prepared for input {input} of the plan")]
    MissingInput {
        /// Who.
        party: PartyName,
        /// Which input.
        input: u32,
    },
    /// An input does not have the columns, widths or rows the plan asks for.
    #[error("{party} prepared other columns for input {input} than the plan asks for")]
    InputShape {
        /// Who.
        party: PartyName,
        /// Which input.
        input: u32,
    },
    /// Nothing can be weighed by these rows: the same at all three compute parties.
    #[error("{what}")]
    Validation {
        /// Who brought them.
        party: PartyName,
        /// What is wrong.
        what: String,
    },
    /// This party's disk is full: in words for its own log.
    #[error("{0}")]
    DiskFull(String),
    /// This party's own set cannot be read.
    #[error("this party's set cannot be read: {0}")]
    Set(String),
    /// What this party keeps of an intersection cannot be read or written, or not be gone on with.
    #[error("{0}")]
    Intersection(String),
    /// A published table cannot be kept or read at this party.
    #[error(
        "a table to look keys up in cannot be kept or read in the `state` folder here: {0}; see whether the disk is full, and \
         run the job again: what has come of the table stays"
    )]
    Table(String),
    /// The keys that this party asks for cannot be read, or what was found of them not be kept.
    #[error("{0}; see to it, and run the job again")]
    Keys(String),
    /// A bit that was opened says that the run is not to go on: the same to all three compute parties.
    #[error("fewer keys are common than a policy allows rows to be shown of; none were shown")]
    TooFew,
    /// The plan is no plan: an operation is applied to a column of another kind. A checked plan has none such.
    #[error("operation {0} of the plan does not fit its columns; the plan was not checked")]
    Malformed(usize),
}

impl ExecError {
    /// What a fault of this party's disk is: that it is full, if it says so, or else what it stands for.
    pub(super) fn of_disk(
        error: &(dyn std::error::Error + 'static),
        otherwise: impl FnOnce(String) -> Self,
    ) -> Self {
        Self::kept(error.to_string(), Reason::of_fault(error) == Reason::DiskFull, otherwise)
    }

    /// The same where it is known whether it is full.
    pub(super) fn kept(words: String, full: bool, otherwise: impl FnOnce(String) -> Self) -> Self {
        if full { Self::DiskFull(words) } else { otherwise(words) }
    }

    /// Why the session ended, if it is that.
    pub(super) fn of_session(&self) -> Option<&SessionError> {
        match self {
            Self::Session(error) => Some(error),
            _ => None,
        }
    }
}
