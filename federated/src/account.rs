//! What releases with Gaussian noise give away: (ε, δ) of a whole training run, by three accountants.
//!
//! | accountant | exact? | for |
//! |---|---|---|
//! | [`exact`] | yes | no sampling: one Gaussian release, or many |
//! | [`rdp`] | an upper bound, loose by some 10 % | quick answers, and a second opinion |
//! | [`pld`] | an upper bound, tight to about 10^-5 | what a budget is charged with |
//!
//! Noise is told as its standard deviation over the L2 sensitivity of what it is added to (the *noise multiplier* σ): making
//! sure that the sensitivity is right is the caller's part. Sampling is by Poisson: each unit takes part in a step by
//! itself with probability q, and **nobody may see who did**; a coordinator that picks the cohort sees it, so its rounds
//! count with q = 1. Neighbours differ by one unit, added or removed.

mod event;
pub mod exact;
mod ledger;
mod normal;
pub mod pld;
pub mod rdp;
#[cfg(test)]
mod tests;

pub use event::{Event, EventError};
pub use ledger::{Budget, Charge, Ledger, LedgerError, Release, Spending, Unit};
