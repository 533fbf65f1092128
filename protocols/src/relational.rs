//! Operators on shared tables: columns, a secret `live` bit a row, a public number of rows. Sort-based, never n².
//!
//! No operator opens anything but positions after a shuffle. What a dead row holds is arbitrary unless an operator says
//! otherwise; whoever releases a table masks it first.

mod filter;
mod group;
mod join;
mod join_sum;
mod order;
#[cfg(test)]
mod tests;

pub use filter::{filter, filter_cost};
pub use group::{Extreme, GroupBy, Grouped, group_by, group_by_cost};
pub use join::{Join, Joined, join, join_cost};
pub use join_sum::{JoinedSums, join_sum, join_sum_cost};
pub use order::{
    SortKey, compact, compact_cost, distinct, distinct_cost, order_by, order_by_cost, sort_key,
    top_k, top_k_cost,
};
