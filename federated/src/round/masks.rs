//! Rounds with one party that computes: it adds up masked updates, and sees each round's average and no provider's update.
//!
//! ```text
//! party ── the model ─────────────────────────────▶ provider      trains
//!       ◀── two public keys, signed ────────────────              or declines the round
//!       ── the keys of the others ────────────────▶
//!       ◀── shares of its two secrets, sealed ──────
//!       ── the shares that are for it ────────────▶
//!       ◀── update + own mask ± common masks ───────              in pieces
//!       ── who is in the sum, who was lost ───────▶               writes down that it signs
//!       ◀── signs both ─────────────────────────────
//!       ── the others' signatures ────────────────▶
//!       ◀── one share of each of the others ────────
//! ```
//!
//! Every message is a number that says which step of which round it is, and then a body whose length is public. Who is late
//! is not in the sum and hears so by being asked for the next round; who is lost at any step costs the sum nothing, as long as
//! enough are left to take masks off. Every step has the time of a round.
//!
//! # Memory
//! The party holds the model, the sum, and of each provider the masked update that is on its way from it, whole until it is added:
//! where all come at once, one of every provider's.
//!
//! # Security
//! That of [`crate::secagg`]: the party may deviate and conspire with as many providers as the threshold was made for. It is
//! trusted to hand out the model that it has worked out, and to seal it: providers cannot tell. What it puts in the place of a
//! model can make an update say more of its rows; it stays one of a sum of [`super::Pace::least`].

mod clerk;
mod cost;
mod party;
mod provider;
mod setting;
mod step;
#[cfg(test)]
mod tests;

pub use cost::masked_cost;
pub use party::{Aggregate, aggregate};
pub use provider::{Member, Once, take_part_masked};
pub use setting::Masks;
