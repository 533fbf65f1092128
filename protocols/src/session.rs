//! One party's end of one run: its channel, its correlated randomness, its counters, and the one gate for openings.
//!
//! Every party makes the same calls in the same order; the order *is* the protocol. [`Meter`] makes the same calls
//! without data, which gives the exact price of a run and the list of its openings beforehand.

mod core;
mod gate;
mod meter;
mod profile;
mod stats;

pub use self::core::{Session, SessionError};
pub use gate::{Gate, GateError, Opening, OpeningKind, Recipient};
pub use meter::{Choice, Chosen, Meter};
pub use profile::Profile;
pub use stats::{Counters, Stats};
