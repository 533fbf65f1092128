//! Gradient-boosted trees of rows that several providers hold, the same to the bit as of all rows in one place.
//!
//! ```text
//! provider:   model so far → gradients, integers → per node, feature and bin: rows, ΣG, ΣH  ──shares──▶
//! committee:  Σ of providers' shares → best cut of each node, on shares     ──the cuts alone are opened──▶
//!             … for each level, then −G / (H + λ) of each leaf, on shares   ──the values alone are opened──▶
//! ```
//!
//! Gradients are rounded to integers once, at the provider, as a function of the model and the row's label alone. From there on
//! everything is exact: sums of integers, gains compared as fractions by cross products in 128 bits, leaf values by long division.
//! So the model depends on the rows and not on who holds them or in what order sums arrive, and equals [`central`]'s, tree by tree.
//!
//! | step | opened | to |
//! |---|---|---|
//! | edges of bins ([`edges`]) | the edges | committee, providers: part of the model |
//! | a level ([`Committee::decide`]) | of each node whether it is split, and at which feature and bin | the same |
//! | leaves ([`Committee::leaves`]) | a value of 14 bits for each | the same |
//!
//! [`grow`] and [`help`] are all of it over links. What was opened is kept ([`Record`]), so that a growth goes on after a crash: trees
//! that are whole are not grown again, and of the one that was under way no level is decided again that was decided.
//!
//! # Security
//! Histograms stay shared: the compute parties learn no sum, and providers see the model as it grows, each round of it. A side of a cut
//! with fewer rows than [`Plan::least`] is no candidate, and that is decided on shares; a node without a
//! candidate, or without one that gains anything, says only that it is a leaf. Semi-honest, at most one of the three parties
//! corrupted; a provider that sends other sums than those of its rows spoils the model and learns no more by it.
//!
//! # Source
//! The gain and the leaves of Chen and Guestrin, *XGBoost: A Scalable Tree Boosting System*, KDD 2016, §2.2 and §3; histograms of
//! integer gradients as in Shi and others, *Quantized Training of Gradient Boosting Decision Trees*, NeurIPS 2022.

mod bins;
mod central;
mod committee;
mod cuts;
mod edges;
mod error;
mod fractions;
mod grower;
mod growing;
mod growth;
mod layout;
mod leaves;
mod model;
mod record;
mod resume;
mod setting;
mod sharing;
#[cfg(test)]
mod tests;

pub use bins::{Bins, Codes, Grid};
pub use central::{Central, central};
pub use committee::{Committee, decide_cost, leaves_cost};
pub use edges::{edges, edges_cost};
pub use error::{GrowError, GrowthError, PlanError};
pub use grower::{Grower, Turn};
pub use growing::{Around, Grown, grow};
pub use growth::{Growth, grow_cost, help};
pub use model::{Cut, Forest, Tree};
pub use record::{Keep, NotKept, Record};
pub use setting::{Plan, Setting};
pub use sharing::{replicate, replicate_cost};
