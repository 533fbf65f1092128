//! The list of cases.

use super::{compare, fixed, matrix, order, tables, words};
use crate::case::Case;

/// Every case, in the order of the harness's table.
pub(crate) fn all() -> impl Iterator<Item = &'static Case> {
    let subjects =
        [words::CASES, fixed::CASES, compare::CASES, matrix::CASES, order::CASES, tables::CASES];
    subjects.into_iter().flatten()
}
