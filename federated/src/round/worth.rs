//! What providers' updates were worth: opened once, when all rounds are over.
//!
//! ```text
//! validator ── its rows ─────────────────▶ the three parties    once, before the first round; they compare digests
//! party     ── average ──▶ directions v, one a fold of the rows    by itself; the parties compare digests
//! party     ── ⟨its shares, v⟩, rounded ──▶ added up on shares     a number a provider and fold
//! all three ── totals, and how far folds are apart ──▶ opened      two numbers a provider, after the last round
//! ```
//!
//! A training that goes on after a crash weighs the round again that was closed last, by the same rows; what was opened of totals is
//! opened once more as it was, or not at all.
//!
//! Folds tell how much the values owe to the very rows that they were worked out from: their mean is the value, and from how far
//! they are apart its error follows as that of a mean of independent figures.
//!
//! # Security
//! Semi-honest, one corrupted party. A direction of somebody's choice would read a coordinate off an update: directions are worked
//! out by every party itself, from rows that all three have since before the first round, and what is opened is a total over all
//! rounds, of products that are rounded on shares. A direction that is all but one coordinate is refused, however it came about; what
//! is less than that is for those to weigh who consent to whose rows it is.
//! Values are of updates that passed the gates: of others no product is bounded. The three parties see the validation rows.
//!
//! # Source
//! [`crate::contribution`] has the value; the error of a mean from a few groups: Quenouille, *Notes on Bias in Estimation*,
//! Biometrika 1956.

mod directions;
mod judge;
mod kept;
mod rows;
mod terms;
mod value;

pub(super) use judge::{Judge, start_cost, tell_cost, weigh_cost};
pub use kept::Totals;
pub(super) use kept::Weighing;
pub use rows::validate;
pub use terms::{UPDATE_BITS, Worth};
pub use value::Value;
