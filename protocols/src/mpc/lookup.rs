//! A secret index into a table: as one-hot bits, into a public table, into a shared one.
//!
//! One-hot bits of k index bits come from those of its two halves: 2^k products, of which all but (2^⌈k/2⌉ − 1)·(2^⌊k/2⌋ − 1)
//! follow from the rest, since one-hot bits add up to 1. Launchbury, Diatchki, DuBuisson and Adams-Moran, "Efficient
//! Lookup-Table Protocol in Secure Multiparty Computation", ICFP 2012. For a public table the one-hot bits of the two halves are
//! enough: a row of the table is linear in those of the low half, and the rows' sum of products with those of the high
//! half is one message, so √N takes the place of N. Morita, Pohle, Sadakane, Scholl, Tozawa and Tueno, "MAESTRO: Multi-party
//! AES using Lookup Tables", <https://eprint.iacr.org/2024/1317> (there with prepared random one-hot vectors).

mod demux;
mod table;

pub use demux::{one_hot, one_hot_cost};
pub use table::{
    lookup_bits, lookup_bits_cost, lookup_words, lookup_words_cost, select_column,
    select_column_cost, select_entry, select_entry_cost,
};
