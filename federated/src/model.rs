//! Models that a provider trains on its own rows, without any framework: linear, logistic and softmax regression, and
//! networks of dense layers with rectified units.
//!
//! Everything is single precision in one fixed order of additions, on one thread: the same rows, seed and settings give the
//! same bits on every machine. (Exponentials come from `libm`, not from the processor's library.)

mod clipped;
mod fit;
mod gradient;
mod metrics;
mod network;
mod pass;
mod rows;
mod tally;
#[cfg(test)]
mod tests;

pub use clipped::clipped_sum;
pub use fit::{Fit, FitError, Fitted, fit};
pub use gradient::gradient;
pub use metrics::{Scores, area_under_curve, evaluate};
pub use network::{Loss, Network, NetworkError};
pub use rows::{Rows, RowsError, Scaling};
pub use tally::{Ranking, Spread, Tally};
