//! Oblivious key-value stores: a vector that gives back the value of every key it was made for, and says nothing about
//! which keys those were if the values are random.
//!
//! [`Params`] are the sizes, as checked code: they hold the probability that [`Okvs::encode`] fails below 2^-40 over all bins
//! of all instances. [`Okvs`] encodes and decodes; [`Placed`] is a set of keys put in the order of its bins once, for
//! those who use the same keys several times.
//!
//! ```text
//! store ─▶ layout ─▶ (kernels: hash, places)
//!   │─▶ peel ─▶ (kernels: places, back-substitution)
//!   │─▶ remainder ─▶ dense ─▶ (kernels: binary fields)
//!   ╰─▶ params ─▶ tails
//! ```
//!
//! # Security
//! Encoding works on one party's own keys and its time and memory accesses depend on them: it is for the machine of the
//! party that owns them. What leaves is the encoding, whose length depends on [`Params`] alone. Every variable that the
//! keys leave free is random, always.
//!
//! # Source
//! Raghuraman and Rindal: *Blazing Fast PSI from Improved OKVS and Subfield VOLE*, CCS 2022, sections 2 and 3.2.

mod dense;
mod layout;
mod params;
mod peel;
mod remainder;
mod store;
pub(crate) mod tails;

#[cfg(test)]
mod tests;

pub use layout::Placed;
pub use params::{Params, ParamsError};
pub use store::{EncodeError, Okvs};
