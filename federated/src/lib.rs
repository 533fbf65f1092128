//! Averaging of vectors that providers hold: model updates are shared among the three compute parties, added up there, and
//! only the average is opened.
//!
//! A job of kind `train` runs [`round`]s: providers train [`model`]s, their updates pass a [`gate`] where the job has one, get
//! [`noise`] where it asks for privacy, which is [`account`]ed for, and are [`average`]d on shares; a [`strategy`] moves the model,
//! and what each update was worth is a [`contribution`]. Or it solves for a model from [`sums`], or grows [`trees`]. Where one party
//! computes, it adds up masked updates ([`secagg`]). One of kind `train_vertical` trains a logistic regression on joined rows
//! ([`vertical`]), one of kind `score` scores rows. This crate is above [`protocols`], whose sharing and sessions it uses, and below the
//! engine, which makes jobs of it.
//!
//! # Invariants
//! * No job, no table, no gRPC: vectors in, an average out.
//! * Rounding and the order of additions are fixed, so that an average is the same whatever order updates arrive in.

pub mod account;
pub mod average;
pub mod contribution;
pub mod disk;
pub mod gate;
mod heard;
pub mod model;
pub mod noise;
mod order;
mod pairs;
pub mod round;
pub mod secagg;
mod shelf;
pub mod strategy;
mod stream;
pub mod sums;
pub mod trees;
pub mod vertical;
