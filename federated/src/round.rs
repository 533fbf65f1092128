//! Rounds of training over links: the compute parties hand out the model, providers train it and share their updates, and only
//! the average of those that arrived is opened.
//!
//! ```text
//! party (in turn)   ── round, hash, model ─────────▶ provider      in pieces; the other two: round, hash
//! provider          ── a seed each ────────────────▶ two parties
//!                   ── its update less both streams ▶ the third     in pieces, under a name
//! party             ── whose have arrived ─────────▶ both others    U: those that all three have, and that gates let through
//! party             ── its sum over U is kept ────▶ both others    not a word of it is said before all three have it on disk
//!                   ── its sum over U, by thirds ──▶ both others    each third is opened by one, who tells the average
//! ```
//!
//! A provider says one thing a round and nothing depends on its being there later: whoever is not in U, because it was slow,
//! declined or was lost, costs nothing but its own update. Three knobs bound a round: [`Pace`].
//!
//! A provider whose link is lost is not: the link is made anew ([`RENEWALS`] times at most), and models and updates go on behind
//! the last whole piece that is there, by their hashes. The round waits for it a quarter of its time, 5 seconds at most, or
//! to its end where there are too few without it; who comes back later is in the next round. So does a provider that is killed:
//! what it gives is on its disk before the first byte leaves, and goes on from there, to the bit.
//!
//! Under [`Rule::Exact`](crate::strategy::Rule::Exact) providers send sums over their rows instead of updates, and the three work the
//! model out from the total.
//!
//! # Security
//! Semi-honest, one of the three compute parties corrupted, with all but two of the providers of a round. Each party's shares of an update are
//! pseudo-random to it; sums are masked by a sharing of zeros before they are exchanged, so that all three together say the
//! sum and nothing else. There is one sum a round, over at least [`Pace::least`] providers, or none. The compute parties and
//! the providers in a round learn the model as it is after each round: that is what FedAvg shows; with [`Privacy`], each has noise.
//!
//! # Source
//! McMahan and others, *Communication-Efficient Learning of Deep Networks from Decentralized Data*, AISTATS 2017, algorithm 1;
//! shares as in [`crate::average`].

mod arriving;
mod closing;
mod committee;
mod correction;
mod cost;
mod counting;
mod course;
mod error;
mod folder;
mod gate;
mod guest;
mod host;
mod hosts;
mod keeper;
mod landing;
mod masks;
mod message;
mod open;
mod parcel;
mod pledge;
mod privacy;
mod provider;
mod resume;
mod seats;
mod set;
#[cfg(test)]
mod tests;
mod total;
mod trainer;
mod worth;

pub use committee::{Train, Trained, train};
pub use cost::cost;
pub use counting::{Counting, CountingError, UNTOLD};
pub use course::{CLIP_WORDS, Course, Pace, RoundReport, State};
pub use error::RoundError;
pub use folder::Folder;
pub use keeper::{Closed, Keeper, NotKept, Standing};
pub use masks::{
    Aggregate, Doubt, Doubts, Masks, Member, Once, Signing, aggregate, masked_cost,
    take_part_masked,
};
pub use pledge::Pledges;
pub use privacy::{Privacy, PrivacyError, Terms};
pub use provider::{take_part, take_part_keeping};
pub use resume::RENEWALS;
pub use total::Sums;
pub use trainer::{Native, TrainError, Trainer, Update};
pub use worth::{Totals, UPDATE_BITS, Value, Worth, validate};
