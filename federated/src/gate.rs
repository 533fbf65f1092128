//! Gates before a sum: whose updates are taken is decided on shares, and only that is opened.
//!
//! ```text
//!  shares committed ──▶ coin ──▶ signs R, k × d ──▶ z = R·q, a party by itself ──▶ k words an update
//!                                                         │
//!   |z_j| ≤ τ·n, Σ z_j² ≤ θ·k/2·(C·n)², trailer in range ──┴──▶ ok ──▶ (the nearest to each other) ──▶ one bit a provider
//! ```
//!
//! A provider shares words of its own choice, so its update may be as large as it likes, and nobody sees it. Signs that are tossed
//! once it cannot change them make k sums of it; if its norm is within the bound, all are small, and if it is not, some are large,
//! even though sums wrap around. So after a projection, which each party makes of its own shares, k words an update are left to be
//! looked at inside the protocol, however many parameters a model has. The bound goes with the provider's own weight, which is
//! shared as well: it is held to its range too, for a weight of one less all others would make the total 1.
//!
//! The same words say how far two updates are apart, up to some 20 %, which is what multi-Krum asks.
//!
//! # Security
//! Semi-honest compute parties, one corrupted; providers may do what they like. A provider that clips as told passes but for a
//! probability of 2^-20; what norms are let through is said by [`Projections`]. The bits tell whose update was refused, for any of
//! its reasons. With differential privacy the norm gate alone goes: which updates are chosen depends on others' updates.
//!
//! # Source
//! Projections with entries 0, +1, −1: Achlioptas, *Database-friendly random projections*, JCSS 2003. Checks of norms by projections
//! of shared vectors: Rothblum, Omri, Chen, Talwar, *PINE: Efficient Norm-Bound Verification for Secret-Shared Vectors*, 2023,
//! <https://arxiv.org/abs/2311.10237> (there with proofs of a client; here the bound is compared by the parties). Multi-Krum: Blanchard,
//! El Mhamdi, Guerraoui, Stainer, *Machine Learning with Adversaries: Byzantine Tolerant Gradient Descent*, NIPS 2017.

mod accept;
mod batch;
mod krum;
mod norm;
mod projection;
mod rank;
mod terms;
#[cfg(test)]
mod tests;

pub use accept::{AcceptError, accept, accept_cost};
pub use projection::{Projection, Projector, Sketch};
pub use terms::{Gates, Krum, Projections, Terms, TermsError};
