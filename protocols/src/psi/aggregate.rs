//! Numbers over an intersection, and nothing of who is in it: how many match, sums of their values, and both for each of a few
//! public groups; none of them where too few match, and with noise if a policy wants it.
//!
//! ```text
//!   live, group, values ──▶ count and sums a group ──▶ + noise of all three parties ──▶ × [count ≥ minimum] ──▶ open
//! ```
//!
//! Everything up to the opening is on shares, the comparison with the minimum too: below it not one bit of a value leaves them.
//! [`Tally`] is what stands before the noise: where a table comes in parts, those of the parts are added up first.
//!
//! # Security
//! Semi-honest, one corrupted of the three compute parties. What is opened is [`Aggregates`], to whom the caller says,
//! through the session's gate.

mod noise;
mod release;
mod tally;
#[cfg(test)]
mod tests;

pub use noise::{Noise, add_noise, add_noise_cost};
pub use release::{Aggregates, Ask, Cell, Rule, aggregate, aggregate_cost};
pub use tally::Tally;
