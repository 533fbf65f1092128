//! What a plan says of a private set intersection.

use serde::{Deserialize, Serialize};

use super::{ir::Plan, refs::Ref};
use crate::{
    identity::{Hash32, PartyName},
    job::{BucketRows, PsiFormName, PsiNoise, PsiProtocol, TextRule},
};

/// What a private set intersection shows, to whom, and how it is worked out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PsiTerms {
    /// What is asked.
    pub form: PsiFormName,
    /// The owners who learn it; none: the buyer does.
    pub to: Vec<PartyName>,
    /// The protocol that was chosen.
    pub protocol: PsiProtocol,
    /// Nothing is released of fewer common keys; 0 asks for nothing.
    pub min_intersection: u32,
    /// The noise on each number that is released; none: they are exact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<PsiNoise>,
}

/// The key of a set. Where its rows are shared, the first one of each key stands for all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetKey {
    /// The columns of the local sub-plan's result that make it up, in order.
    pub sources: Vec<u32>,
    /// What is done to text.
    pub text: TextRule,
    /// Whether rows whose key has a NULL in it, which match nothing, stay among the rows.
    pub keep_absent: bool,
    /// How its rows take part.
    pub enters: SetUse,
    /// Whether text is compared byte by byte, as SQL does, whatever [`Self::text`] says, and one with nothing in it is a key.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub as_written: bool,
}

/// How the rows of a set take part in an intersection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SetUse {
    /// The first row of each key is shared, with an id.
    Shared,
    /// None is shared: the ids of all rows enter an [`super::Op::Match`].
    Owner,
    /// The id of the first row of each key enters an [`super::Op::Intersect`], and what comes along with it.
    Circuit,
    /// None is shared: the keys are looked up in another table, or are those of the table that is published, by an
    /// [`super::Op::Lookup`]. Ids are hashed under a salt of the publication.
    Lookup,
}

/// An intersection between two compute parties into shares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intersect {
    /// The input that gives the rows: one for each of its bins.
    pub receiver: u32,
    /// The other input.
    pub sender: u32,
    /// Columns of both inputs that come along.
    pub columns: Vec<Ref>,
}

/// An intersection between two parties that ends with them, whether they compute or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Match {
    /// The input of the party that answers.
    pub sender: u32,
    /// The input of the party that asks, and learns.
    pub receiver: u32,
    /// By which protocol.
    pub protocol: PsiProtocol,
    /// How many rows of the larger set go together.
    #[serde(default, skip_serializing_if = "BucketRows::is_usual")]
    pub bucket_rows: BucketRows,
    /// Who learns which of its own rows the other has.
    pub learns: Learns,
    /// What those who learn keep.
    pub results: Vec<Keeps>,
    /// The job that began it, where it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resumes: Option<Hash32>,
}

impl Match {
    /// The job that began it: this one, or the one that it goes on with.
    #[must_use]
    pub fn root(&self, plan: &Plan) -> Hash32 {
        self.resumes.unwrap_or(plan.job)
    }
}

/// Who learns an intersection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Learns {
    /// The party that asks.
    Receiver,
    /// Both.
    Both,
}

/// What an owner keeps of its own rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keeps {
    /// Its input.
    pub input: u32,
    /// Columns of its local sub-plan's result, and what they are called.
    pub columns: Vec<(u32, String)>,
    /// Which rows.
    pub keep: Keep,
}

/// Which rows an owner keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// Those that the other has.
    Matched,
    /// Those that it does not have, rows without a key among them.
    Unmatched,
    /// All, with a column that tells.
    All,
}
