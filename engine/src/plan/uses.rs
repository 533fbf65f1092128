//! What policies are asked about: how each column is used, and under which documents.

use serde::{Deserialize, Serialize};

use crate::identity::{Hash32, PartyName};

/// One way in which a job uses a column; what policies grant or refuse.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnUse {
    /// The provider.
    pub party: PartyName,
    /// The dataset.
    pub dataset: String,
    /// The column.
    pub column: String,
    /// What for.
    pub form: UseForm,
}

/// The release forms of a policy (what a column may be used for).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UseForm {
    /// In WHERE or HAVING or CASE conditions on rows.
    Filter,
    /// Joined with this other dataset (`party.name`).
    JoinKey(String),
    /// GROUP BY: appears in the result by group.
    GroupKey,
    /// Under COUNT, SUM, AVG (upper case).
    Aggregate(String),
    /// Under MIN or MAX (upper case): shows one entity's value.
    Extrema(String),
    /// Row by row in the result.
    List,
    /// What a model is trained on: a feature or the label.
    Train,
    /// What is scored: a feature; or by what: a weight.
    Score,
    /// What updates are weighed by: rows that the compute parties see.
    Validate,
}

/// A policy document that the plan was compiled under.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyRef {
    /// `party.dataset`.
    pub dataset: String,
    /// The document's id.
    pub id: String,
    /// Its version.
    pub version: u32,
    /// Hash of the signed document.
    pub hash: Hash32,
}
