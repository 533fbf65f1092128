//! What a plan says of a private set intersection.

use serde::{Deserialize, Serialize};

use crate::{
    identity::PartyName,
    job::{PsiFormName, PsiProtocol, TextRule},
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
}

/// The key of a set. Of rows with the same key the provider keeps the first one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetKey {
    /// The columns of the local sub-plan's result that make it up, in order.
    pub sources: Vec<u32>,
    /// What is done to text.
    pub text: TextRule,
    /// Whether rows whose key has a NULL in it, which match nothing, stay among the rows.
    pub keep_absent: bool,
}
