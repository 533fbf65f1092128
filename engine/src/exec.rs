//! Running a plan: each operation is one protocol call; the same walk without data is its price.

mod bucketwise;
mod checkpoint;
mod circuit;
mod error;
mod input;
mod keeping;
mod kept;
mod lookup;
mod many;
mod masks;
mod matching;
mod noise;
mod numbers;
mod ones;
mod outside;
mod own;
mod quote;
mod release;
mod repeat;
mod require;
mod resume;
mod run;
mod score;
mod tell;
#[cfg(test)]
mod tests;
mod train;
mod trees;
mod vertical;
mod walk;
mod words;

pub use checkpoint::{begin_intersection, forget_intersection, intersection_begun};
pub use error::ExecError;
pub use input::{may_leave, outside_providers, send_outside};
pub use kept::{forget_given, forget_given_but, forget_training, mark_given, resumable};
pub use lookup::{Far, Labels, LookedUp, lookup_cost_from, tables_left};
pub use masks::{Added, Adding, add_up};
pub use matching::Found;
pub use outside::{Provided, provide};
pub use quote::{OpCost, Quote, quote};
pub use release::SharedResult;
pub use run::{Around, Figures, Progress, run, step_of};
