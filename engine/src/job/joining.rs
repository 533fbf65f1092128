//! How the first two tables of a statement are joined.

use serde::{Deserialize, Serialize};

/// The way that two owners' tables take to joined rows on shares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JoinBy {
    /// The one that is estimated to be faster on the job's links.
    #[default]
    Auto,
    /// Shares of both are sorted.
    Sorting,
    /// Both owners meet in a circuit; the job is refused where they cannot.
    Circuit,
}

impl JoinBy {
    /// Whether the buyer leaves it to the estimate.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's way")]
    pub(super) const fn is_auto(&self) -> bool {
        matches!(self, Self::Auto)
    }
}
