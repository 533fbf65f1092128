//! Unseen's engine: a job becomes a plan, the plan runs on shares between the parties, and the buyer alone opens the result.
//!
//! # Invariants
//! * The coordinator cannot hold a share: it cannot name one.
//! * A plan is data; what runs is what was hashed and consented to.
//! * `proto` types are named in `wire` and in service headers only.

pub mod audit;
pub mod catalog;
pub mod cli;
pub mod client;
pub mod clock;
pub mod coordinator;
pub mod daemon;
pub mod exec;
pub mod executor;
pub mod identity;
pub mod job;
pub mod link;
pub mod plan;
pub mod policy;
pub mod provider;
pub mod seal;
pub mod sql;
pub mod store;
pub mod trainer;
pub mod wire;
