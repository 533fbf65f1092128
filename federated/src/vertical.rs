//! Logistic regression on rows that are joined on shares, the sums of a linear one, and scores of rows by a model that nobody sees.
//!
//! Columns of one table stand with several providers. Once their rows are joined, features, labels and the bit that says whether
//! a row is one at all are shares at the three compute parties; the weights stay shares from the first step to the last, and what
//! comes out is sealed like any other result. Nothing is opened. Each party can keep its shares of the weights from pass to pass
//! ([`Record`]), so that a training that was interrupted goes on.
//!
//! ```text
//! z = X_b·w + w_0    1 round     e = (σ(z) − y)·live    the curve's rounds and 1
//! g = X_bᵀ·e         1 round     w −= rate / batch · g  one division by a power of two, to the nearest
//! ```
//!
//! # Shape
//! Batch k of m is rows k, k + m, k + 2m, …: public, the same in each epoch, and an even sample of a table in any order. A row that
//! is not live adds nothing at all, whatever its features; the divisor is the batch's public size, so that a table of which
//! half is live takes steps of half the size.
//!
//! # Units
//! Features come in the caller's fixed-point format, labels as 0 or 1. [`Setting`] picks the fraction bits of the weights and shows
//! that no sum can overflow for **any** features within their range: how far the weights can get is bounded by the number and
//! size of steps. What does not fit is refused before anything is sent. Rate and batch are powers of two.
//!
//! # Security
//! Semi-honest, one corrupted party of three: products, comparisons and truncations of [`protocols::mpc`] only. Messages depend on
//! rows, columns and the descent's figures alone.
//!
//! # Source
//! Gradient descent on replicated shares, with a piecewise linear or polynomial curve: Mohassel and Zhang, *SecureML*, IEEE S&P
//! 2017, and Mohassel and Rindal, *ABY3*, CCS 2018, <https://eprint.iacr.org/2018/403>.

mod clear;
mod descent;
mod error;
mod exactly;
mod features;
mod record;
mod ridge;
mod score;
mod setting;
mod standing;
mod tally;
#[cfg(test)]
mod tests;

pub use clear::{ClearRows, tally_clear, train_clear};
pub use descent::{Course, train, train_cost, train_from};
pub use error::{DescentError, SettingError};
pub use exactly::{WordRows, train_exactly};
pub use features::Features;
pub use record::Record;
pub use ridge::{Squares, squares, squares_cost};
pub use score::{Output, Scoring, score, score_cost};
pub use setting::{Curve, Descent, Setting, Table};
pub use standing::{Standing, stand, stand_cost};
pub use tally::{tally, tally_cost};
