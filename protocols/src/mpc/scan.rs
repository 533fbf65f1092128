//! Running results down the rows for any associative operator, and down each segment of them, with linear work.
//!
//! Brent and Kung, "A Regular Layout for Parallel Adders", IEEE Transactions on Computers, 1982, as a recursion: combine
//! neighbours, scan the half as many results, and extend each by the row that stands between. Fewer than 2n applications of the
//! operator, 2·⌈log2 n⌉ − 1 deep at most. Segments as in Blelloch, "Prefix Sums and Their Applications", CMU-CS-90-190, §1.5: the
//! operator on pairs (start, value) forgets what lies before a start.
//!
//! # Security
//! No message is sent but those of the operators, which are multiplications, comparisons and injections.

mod brent_kung;
mod extremes;
mod instances;
mod rows;
mod segments;

pub use brent_kung::{Associative, Operator, scan, scan_cost};
pub use extremes::{RunningExtremes, segmented_extremes, segmented_extremes_cost};
pub use instances::{
    copy_down, copy_down_bits, copy_down_bits_cost, copy_down_cost, prefix_and, prefix_and_cost,
    prefix_or, prefix_or_cost, segmented_and, segmented_and_cost, segmented_or, segmented_or_cost,
    segmented_sums, segmented_sums_cost,
};
pub use rows::Rows;
pub use segments::{CopyDown, CopyDownBits, Recurrence, RecurrenceBits, Segmented};
