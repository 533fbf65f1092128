//! The name of a plan.

use super::ir::Plan;
use crate::identity::{Hash32, canonical_hash};

/// What consents are given to: the hash of the plan's canonical bytes.
///
/// # Panics
/// Never: a plan is a JSON object.
#[must_use]
pub fn hash(plan: &Plan) -> Hash32 {
    canonical_hash("unseen.plan/v1", plan)
}
