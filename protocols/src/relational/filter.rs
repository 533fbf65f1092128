//! Filter: a predicate into the live bit. The table keeps its rows, so nobody learns how many passed.

use crate::{
    mpc,
    session::{Meter, Session, SessionError},
    share::Bits,
};

/// Rows stay live where the predicate holds.
///
/// # Shape
/// Both rows × 1.
///
/// # Cost
/// 1 round; each party sends one plane.
///
/// # Errors
/// [`SessionError::Shape`] if the rows differ; channel errors pass through.
///
/// # Security
/// Semi-honest: one AND.
pub fn filter(s: &mut Session, live: &Bits, predicate: &Bits) -> Result<Bits, SessionError> {
    mpc::and(s, live, predicate)
}

/// Twin of [`filter`].
pub fn filter_cost(m: &mut Meter, rows: usize) {
    mpc::and_cost(m, rows, 1);
}
