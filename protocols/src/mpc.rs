//! Protocols between the three compute parties on replicated shares: semi-honest, one corrupted party of three.
//!
//! Each is a function over whole vectors that takes the [`Session`](crate::session::Session); beside it stands its twin
//! `…_cost`, which tells a [`Meter`](crate::session::Meter) the same messages. Tests hold the two to be equal.

mod blocks;
mod circuit;
mod coin;
mod column;
mod compare;
mod compose;
mod convert;
mod dealt;
mod digit_width;
mod digits;
mod extreme;
pub mod fixed;
mod histogram;
mod input;
mod lookup;
mod low_bytes;
mod matmul;
mod multiply;
mod outside;
mod permutation;
mod places;
mod relay;
mod reveal;
mod scan;
mod select;
mod shuffle;
mod sort;
mod spread;
#[cfg(test)]
mod tests;
mod weigh;
mod widen;

pub use coin::{toss, toss_cost};
pub use column::{Column, Shape};
pub use compare::{
    eq, eq_bits, eq_bits_cost, eq_cost, lt, lt_bits, lt_bits_cost, lt_cost, lt_zero, lt_zero_cost,
};
pub use compose::{from_bits, from_bits_cost, from_signed_bits};
pub use convert::{inject, inject_cost, narrow, to_bits, to_bits_cost};
pub use digit_width::digit_width;
pub use extreme::{
    Contest, Extremum, arg_extremes, arg_extremes_cost, clamp, clamp_cost, extremes, extremes_cost,
    positive_part, positive_part_cost,
};
pub use histogram::{
    count_ones, count_ones_cost, histogram, histogram_cost, histogram_sums, histogram_sums_cost,
    sum_bits, sum_bits_cost,
};
pub use input::{input, input_bits, input_bits_cost, input_cost};
pub use lookup::{
    lookup_bits, lookup_bits_cost, lookup_words, lookup_words_cost, one_hot, one_hot_cost,
    select_column, select_column_cost, select_entry, select_entry_cost,
};
pub use matmul::{MatrixView, matmul, matmul_cost, matrix_products, matrix_products_cost, product};
pub use multiply::{
    View, and, and_cost, dot, dot_cost, mul, mul_cost, products, products_cost, sum_of_products,
    sum_of_products_cost,
};
pub use outside::{OutsideInput, outside_input, outside_input_cost};
pub use reveal::{reshare, reshare_cost, reveal, reveal_cost, reveal_to, reveal_to_cost};
pub use scan::{
    Associative, CopyDown, CopyDownBits, Operator, Recurrence, RecurrenceBits, Rows,
    RunningExtremes, Segmented, copy_down, copy_down_bits, copy_down_bits_cost, copy_down_cost,
    prefix_and, prefix_and_cost, prefix_or, prefix_or_cost, scan, scan_cost, segmented_and,
    segmented_and_cost, segmented_extremes, segmented_extremes_cost, segmented_or,
    segmented_or_cost, segmented_sums, segmented_sums_cost,
};
pub use select::{
    mask, mask_bits, mask_bits_cost, mask_cost, select_bits, select_bits_cost, select_words,
    select_words_cost,
};
pub use shuffle::{Shuffle, shuffle_cost};
pub use sort::{
    Ordering, order_cost, sort_by_cost, sort_cost, sort_positions, sort_positions_by,
    sort_positions_by_cost, sort_positions_cost, undo_cost,
};
pub use weigh::{linear_form, linear_form_cost};
pub use widen::{widen, widen_cost};
