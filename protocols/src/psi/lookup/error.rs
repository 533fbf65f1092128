//! Why a lookup fails.

use super::{budget::BudgetError, table::TableError};
use crate::session::SessionError;

/// Why a lookup fails.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LookupError {
    /// The link, the gate, or a peer that does not follow the protocol.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The recipient asks for more than it may.
    #[error(transparent)]
    Budget(#[from] BudgetError),
    /// The table, where this party keeps it.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The buyer's own items, or what becomes of the answers, where it keeps them: in its own words.
    #[error("{0}")]
    Own(String),
    /// The buyer has the table of another epoch.
    #[error(
        "the buyer asks about epoch {theirs}, this key is for epoch {ours}; fetch that epoch's table"
    )]
    OtherEpoch {
        /// The provider's.
        ours: u64,
        /// The buyer's.
        theirs: u64,
    },
}
