//! Silent vector oblivious linear evaluation over GF(2^128): `C = A·Δ + B` from a few bytes an element.
//!
//! The sender has a uniform, nonzero Δ and a vector `B`, the receiver uniform vectors `A` and `C`; neither learns anything
//! else of the other's. See [`gf128_mul`](crate::kernels::gf128_mul) for the field.
//!
//! ```text
//! session ─▶ instance (punctured trees, sparse noise) ─▶ code (expand-convolute) ─▶ kernels
//!    └────▶ direct (few outputs) ─▶ ot::extension      params: how many instances of what shape
//! subfield: the same with `A` in a smaller field, for shorter messages
//! ```
//!
//! # Security
//! Correctness of a run rests on the model, see [`send`]; that `A` is uniform for the sender, and `B` for the receiver but
//! for Δ, rests on the hardness of decoding regular noise in the dual of the code, see [`params`].

mod code;
mod direct;
mod instance;
pub mod params;
mod session;
pub mod subfield;

pub use session::{VoleReceiver, VoleSender, cost, receive, send};

pub use crate::ot::Model;
