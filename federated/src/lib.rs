//! Averaging of vectors that providers hold: model updates are shared among the three compute parties, added up there, and
//! only the average is opened.
//!
//! A job of kind `train` runs [`round`]s: providers train [`model`]s, their updates pass a [`gate`] where the job has one and are
//! [`average`]d on shares, and a [`strategy`] moves the model. One of kind `train_vertical` trains a logistic regression on joined
//! rows ([`vertical`]). No job uses the rest yet: noise on an average, sums by one coordinator that nobody trusts, regressions from
//! sums, boosted trees, what updates were worth, and the accountants and the ledger of differential privacy. This crate is above
//! [`protocols`], whose sharing and sessions it uses, and below the engine, which makes jobs of it.
//!
//! # Invariants
//! * No job, no table, no gRPC: vectors in, an average out.
//! * Rounding and the order of additions are fixed, so that an average is the same whatever order updates arrive in.

pub mod account;
pub mod average;
pub mod contribution;
pub mod gate;
pub mod model;
pub mod noise;
mod order;
pub mod round;
pub mod secagg;
pub mod strategy;
mod stream;
pub mod sums;
pub mod trees;
pub mod vertical;
