//! Regressions from sums over rows: in one round, or in a handful, the model that all rows in one place would give.
//!
//! A provider adds up over its rows what the solution depends on, the sums of all providers are added up on shares, and the
//! solution is worked out from the total. As integers add up without rounding, the result is **the same to the bit** in whatever
//! order the providers' sums come in, and differs from that of all rows in one place by the rounding of each provider's sums only.
//!
//! | model | rounds | sums, for d features and one that is 1 |
//! |---|---|---|
//! | [`Ridge`] | 1 | `XᵀX`, `Xᵀy`, `yᵀy` |
//! | [`Newton`], logistic regression | 5 to 7 | `Xᵀ(y − p)`, `XᵀWX` with `W = p(1 − p)`, the loss |
//!
//! # Security
//! What is opened is the total of these sums, and not the model alone: of d² / 2 numbers, which for few rows say much of them.
//! [`Ridge::LEAST_ROWS`] of each feature are asked for, all providers together.
//!
//! # Source
//! Newton's method for logistic regression, or iteratively reweighted least squares: Hastie, Tibshirani and Friedman, *The
//! Elements of Statistical Learning*, 2nd edition, §4.4.1; ridge regression: §3.4.1 there.

mod exact;
mod fixed;
mod newton;
mod ridge;
mod solve;
#[cfg(test)]
mod tests;

pub use exact::{Exact, Method};
pub use fixed::{Fixed, FixedError};
pub use newton::Newton;
pub use ridge::{Ridge, SumsError};
