//! A participant's daemon: a provider, a neutral compute party, or both.
//!
//! It compiles every job itself, evaluates its own policies, consents or refuses, and runs only with its own unspent
//! consent and everybody else's on the same plan. What it is told by the coordinator is a request, never an authority.

mod consent;
mod desk;
mod desk_again;
mod desk_budget;
mod desk_privacy;
mod desk_run;
mod desk_sign;
mod desk_sums;
mod runner;
mod service;
mod stop;

pub use desk::{ConsentMode, Desk};
pub use runner::{Assessment, Ended, Job, RunOutcome, RunStart, Runner};
pub use service::PartyServer;
pub use stop::Stop;
