//! One party's end of one run: its channel, its correlated randomness, its counters, and the one gate for openings.
//!
//! Every party makes the same calls in the same order; the order *is* the protocol. [`Meter`] makes the same calls
//! without data, which gives the exact price of a run and the list of its openings beforehand.
//!
//! A [`Wire`] is what every run has: tagged messages, counters, the gate. A [`Session`] is a wire of three compute parties
//! with their correlated randomness; a [`Pair`] is what a protocol of two sees of a wire, and [`PairCost`] its price. A protocol of several
//! parties talks over the wire itself; its price is a [`CircleCost`].

mod circle;
mod core;
mod error;
mod fork;
mod gate;
mod meter;
mod pair;
mod pieces;
mod profile;
mod stats;
mod units;
mod wire;

pub use self::core::Session;
pub use circle::CircleCost;
pub use error::SessionError;
pub use gate::{Gate, GateError, Opening, OpeningKind, Recipient};
pub use meter::{Choice, Chosen, Meter};
pub use pair::{InFlight, Pair, PairCost, Side};
pub use profile::Profile;
pub use stats::{Counters, Stats};
pub use units::{RENEWALS, REPEATS, again_bytes};
pub use wire::Wire;
