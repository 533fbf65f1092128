//! Cases that all three parties take part in.

use super::{census, gate, gbdt, vertical};
use crate::case::Case;

/// Every case on shares.
pub(crate) fn cases() -> impl Iterator<Item = &'static Case> {
    gate::CASES.iter().chain(vertical::CASES).chain(census::CASES).chain(gbdt::CASES)
}
