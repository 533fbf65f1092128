//! Averaging of vectors that providers hold: model updates are shared among the three compute parties, added up there, and
//! only the average is opened.
//!
//! What is here so far does without jobs and links: exact averages on shares, gates before them and noise on them, sums by one
//! coordinator that nobody trusts, models and strategies, regressions from sums, boosted trees, logistic regression of joined
//! rows, what updates were worth, and the accountants and the ledger of differential privacy. A job that asks for training is
//! refused when it is read. This crate is above [`protocols`], whose sharing and sessions it uses, and
//! below the engine, which makes jobs of it.
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
