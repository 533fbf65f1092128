//! What the planner has to know of a policy.

use std::collections::BTreeMap;

use super::uses::PolicyRef;
use crate::job::PsiNoise;

/// The part of one dataset's policy that shapes a plan. Whether a use is allowed at all is the policy's own affair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyTerms {
    /// Which document this is, and of which dataset (`party.name`).
    pub policy: PolicyRef,
    /// A released row or scalar must rest on at least this many entities of the dataset; 0 asks for nothing.
    pub min_group_entities: u32,
    /// Nothing may be released of an intersection with fewer keys; 0 asks for nothing.
    pub min_intersection: u32,
    /// No model of joined rows may be released of fewer rows; 0 asks for nothing.
    pub min_rows: u32,
    /// How many keys all recipients together may look up in one publication of the dataset; none if it may not be published.
    pub lookups: Option<u64>,
    /// Rows of a change that is published of the dataset in the place of a whole table; none if tables are always whole.
    pub lookup_changes: Option<u64>,
    /// Noise on counts and sums of intersections: ε of one number at most, in thousandths; none asks for nothing.
    pub noise: Option<PsiNoise>,
    /// A bound on the number of groups, if the policy declares one. Not used for planning yet: bounds come from domains.
    pub max_groups: Option<u64>,
    /// Public value lists of string columns, where the dataset itself lists none. Ascending, without duplicates.
    pub domains: BTreeMap<String, Vec<String>>,
}
