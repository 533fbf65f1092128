//! All cases, by subject.

mod compare;
mod matrix;
mod order;
mod tables;
mod words;

use crate::case::Case;

/// Every case, in the order of the harness's table.
pub(crate) fn all() -> impl Iterator<Item = &'static Case> {
    [words::CASES, compare::CASES, matrix::CASES, order::CASES, tables::CASES].into_iter().flatten()
}
