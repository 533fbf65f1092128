//! Which protocol for which sets and links: bytes from the protocols' own price twins, time from measured constants.
//!
//! ```text
//! question (sizes, form, model) ─▶ price (twins: bytes, rounds) ─┬─▶ figures ─▶ choice, the fastest first
//! means (links, processors) ─────▶ speed (measured nanoseconds) ─┘
//! ```
//!
//! Everything is public and an integer, so that all parties choose alike. Times are estimates: where two protocols take about as
//! long, the slower one may stand first.

mod choice;
mod figures;
mod price;
mod question;
mod speed;
#[cfg(test)]
mod tests;

pub use choice::{Alternative, Choice, choose};
pub use figures::Figures;
pub use question::{Form, Means, Protocol, Question, Unfit};
