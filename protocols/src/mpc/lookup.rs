//! A secret index into a table: as one-hot bits, into a public table, into a shared one.
//!
//! One-hot bits of k index bits come from those of its two halves: 2^k products, of which all but (2^⌈k/2⌉ − 1)·(2^⌊k/2⌋ − 1)
//! follow from the rest, since one-hot bits add up to 1. That is the demultiplexer of \[LDDA12\] Launchbury, Diatchki, DuBuisson and
//! Adams-Moran, "Efficient Lookup-Table Protocol in Secure Multiparty Computation", ICFP 2012,
//! <https://doi.org/10.1145/2364527.2364556>, less the products that follow. For a public table the one-hot bits of the two halves
//! are enough: a row of the table is linear in those of the low half, and the rows' sum of products with those of the high half is
//! one message, so √N takes the place of N: an inner product with one-hot vectors as in \[MAESTRO\] Morita, Pohle, Sadakane, Scholl,
//! Tozawa and Tschudi, "MAESTRO: Multi-party AES using Lookup Tables", <https://eprint.iacr.org/2024/1317>, where the vectors are
//! random and prepared, and here they are the index's own.

mod demux;
mod table;

pub use demux::{one_hot, one_hot_cost};
pub use table::{
    lookup_bits, lookup_bits_cost, lookup_words, lookup_words_cost, select_column,
    select_column_cost, select_entry, select_entry_cost,
};
