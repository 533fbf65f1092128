//! What becomes of a model by an average: strategies see averages, never an update.
//!
//! | strategy | at a provider | at the end of a round |
//! |---|---|---|
//! | FedAvg, FedAvgM, FedAdagrad, FedAdam, FedYogi | trains | [`Optimizer`] on the mean update |
//! | FedProx | trains with a pull back ([`Fit::proximal`](crate::model::Fit::proximal)) | as FedAvg |
//! | SCAFFOLD | [`Drift`]: corrects every gradient | [`Control`]: means of updates and of corrections, side by side in one sum |
//! | FedNova | sends its update over the number of its steps | [`nova`]: the mean times the mean number of steps |
//! | ridge, Newton | adds up products of features | [`Exact`](crate::sums::Exact): solves for the model, no average of updates |
//!
//! # Source
//! Reddi and others, *Adaptive Federated Optimization*, ICLR 2021, algorithm 2; Hsu, Qi and Brown, *Measuring the Effects of
//! Non-Identical Data Distribution*, 2019 (FedAvgM); Karimireddy and others, *SCAFFOLD*, ICML 2020, algorithm 1, option II; Wang
//! and others, *Tackling the Objective Inconsistency Problem*, NeurIPS 2020 (FedNova); Li and others, *Federated Optimization
//! in Heterogeneous Networks*, MLSys 2020 (FedProx).

mod control;
mod optimizer;
#[cfg(test)]
mod tests;

pub use control::{Control, Drift, nova};
pub use optimizer::{Adaptive, Optimizer, Rule};
