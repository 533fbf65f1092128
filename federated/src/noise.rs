//! Noise for differential privacy, in the integers that updates are encoded in: drawn exactly, and by parties who know a part of it.
//!
//! | unit | who adds | what |
//! |---|---|---|
//! | client: all that one provider sends | each compute party, to its sum of shares ([`NoisedSum`]) | the full variance each: any one party's is enough |
//! | record: one row of one provider | each provider, to its own update, before it is shared ([`Gaussian::split`]) | its part of the variance |
//!
//! Noise is measured against an integer sensitivity ([`Sensitivity`]), which counts what rounding adds; its multiplier is what
//! [`account`](crate::account) is told. What else is released counts as well: sums with noise have no trailer, but
//! for the count that a clip follows ([`AdaptiveClip`]).
//!
//! # Security
//! Noise is added to a sum that each party could make again, over other updates, if it is asked twice: the same noise over two sums
//! would cancel, and other noise over one sum would average out. So a party's noise is a function of its secret, the round, its
//! attempt and *the updates in the sum* ([`Round::generator`]).
//!
//! # Source
//! Discrete Gaussian noise on integers modulo a power of two, and what a sum of several is off from one: Kairouz, Liu, Steinke, *The
//! Distributed Discrete Gaussian Mechanism for Federated Learning with Secure Aggregation*, ICML 2021,
//! <https://arxiv.org/abs/2102.06387>. Noise added by the parties of a computation: Dwork, Kenthapadi, McSherry, Mironov, Naor, *Our
//! Data, Ourselves: Privacy via Distributed Noise Generation*, EUROCRYPT 2006.

mod clip;
mod gaussian;
mod round;
mod sum;
#[cfg(test)]
mod tests;

pub use clip::{AdaptiveClip, ClipError, ClipTerms};
pub use gaussian::{Gaussian, NoiseError, Sensitivity};
pub use round::{Round, Secret};
pub use sum::NoisedSum;
