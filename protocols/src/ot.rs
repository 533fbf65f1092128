//! Oblivious transfer: base transfers on Ristretto, extended by small-field VOLE.
//!
//! ```text
//! extension (SoftSpoken, k = 4) ─▶ base (Masny–Rindal) | plain (Naor–Pinkas), both on Ristretto
//!        └───────────▶ forest (punctured GGM trees), pads (tweakable correlation-robust hash)
//! ```
//!
//! | what | adversary | rests on |
//! |---|---|---|
//! | base transfers, [`Model::Malicious`] | malicious, endemic: a cheater chooses its own output and no more | Diffie–Hellman in Ristretto, random oracle |
//! | base transfers, [`Model::SemiHonest`] | semi-honest | Diffie–Hellman in Ristretto, random oracle |
//! | extension, [`Model::SemiHonest`] | semi-honest | AES |
//! | extension, [`Model::Malicious`] | malicious, selective failure on Δ: a guess of bits of Δ that is wrong ends the run | AES, random oracle |

mod base;
mod extension;
mod forest;
mod model;
mod pads;
mod plain;

pub use extension::{CorrelatedReceiver, CorrelatedSender};
pub use model::Model;

pub(crate) use extension::{PLANES, extend_cost, setup_cost};
pub(crate) use forest::Forest;
pub(crate) use pads::Pads;
