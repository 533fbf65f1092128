//! The journals: what a daemon must not forget, in SQLite. Every change of a job's state is written here before it acts.
//!
//! Nothing secret is written: documents that were sent in clear, hashes, ciphertexts.

mod budgets;
mod database;
mod heads;
mod jobs;
mod lookups;
mod party;
mod privacy;
mod results;
mod sums;

pub use database::{Database, StoreError};
pub use heads::HeadStore;
pub use jobs::{JobRecord, JobStore, Submitted};
pub use party::{PartyRecord, PartyStore, Phase};
pub use privacy::{Spent, SpentRound};
