//! Private lookup: a provider publishes a table once, a buyer learns what it says of the buyer's items and nothing else.
//!
//! Every row is filed under the output of an oblivious pseudo-random function of its item, F(k, item), with k the key of this
//! publication: one part of it is the tag under which a row is found, another the key under which its label lies. Whoever has
//! the table has a set of random numbers and unreadable labels. A buyer has F(k, item) computed without showing the item:
//!
//! ```text
//! buyer                                               provider
//!   epoch; r·H(item) for random r      ───────▶       counts the queries against the buyer's budget
//!                                      ◀───────       k·r·H(item), with a proof that k is the key of the epoch
//!   F(k, item) = hash(item, k·H(item)): tag and label key
//! ```
//!
//! # Security
//! The function is 2HashDH in the form of RFC 9497's verifiable mode on ristretto255. The items are hidden from the provider
//! perfectly: a blinded point is uniform. The proof ties every answer to the public key in the [`Header`], which the provider
//! signs: it cannot answer one buyer under a key of its own, to see what that buyer asks for. A malicious buyer gets as many
//! values of the function as it asked questions, no more (one-more gap Diffie–Hellman, with H a random oracle): the budget
//! bounds what anyone learns. Items that can be guessed can be asked for, one query each: **who publishes a table over a
//! small or guessable space of items publishes as much of it as the budget reaches.**
//!
//! A change is published under a fresh key, and [`publish`] makes one for every publication: an old answer says nothing of it. A table
//! and the changes of it are asked with one blinded point an item, evaluated under the key of each ([`look_up_from`]): nobody can ask one
//! of other items than another, and a query is one of the budget however many there are. Whoever asks learns which of them said what it
//! learns, so whether the row of an item was changed.
//! The provider learns how many queries were asked; the buyer how many rows there are and how long labels are.
//!
//! A table is made, sent and kept without standing in memory: [`Publisher`], [`send_table`], [`fetch_table`], [`Table`]. Which
//! places of its own copy a buyer reads follows from its items; that is for itself to see, on its own disk. Items and answers go a
//! batch at a time: [`look_up_from`], [`Questions`].
//!
//! # Where the link is lost
//! A table goes on behind its last whole piece, in the same run or in a later one: [`Landing`]. Queries go on behind the last batch that
//! was answered, over a link made anew in the same run: [`Asking`], [`Serving`]. Either end says how far it is; none is sent anything that
//! it was not sent before the loss, or would have been sent without it.
//!
//! A tag has 40 + log2(rows · queries) bits, so that over all queries of the epoch an absent item passes for a present one
//! with probability 2^−40. Sorted and coded, a tag takes 42 + log2(queries) bits of a table of 2^k rows, or up to one more: without
//! labels 6.0 bytes a row at 64 queries, 6.75 at 4,096, 7.25 at 2^16, 7.75 at 2^20.
//!
//! # Source
//! S. Jarecki, A. Kiayias, H. Krawczyk, "Round-optimal password-protected secret sharing and T-PAKE in the password-only
//! model", ASIACRYPT 2014 (2HashDH); RFC 9497 (the form used here, and the proof); the tables after Á. Kiss, J. Liu,
//! T. Schneider, N. Asokan, B. Pinkas, "Private set intersection for unequal set sizes with mobile applications",
//! PoPETs 2017(4). One blinded point for many keys: S. Jarecki, A. Kiayias, H. Krawczyk, J. Xu, "Highly-efficient and composable
//! password-protected secret sharing", EuroS&P 2016, whose client sends one to servers that each have a key of their own.

mod asked;
mod body;
mod budget;
mod buyer;
mod composite;
mod cost;
mod error;
mod filed;
mod header;
mod index;
mod key;
mod label;
mod landing;
mod places;
mod proof;
mod provider;
mod publish;
mod questions;
mod suite;
mod table;
#[cfg(test)]
mod tests;
mod transfer;

pub use budget::{Budget, BudgetError, Ledger};
pub use buyer::{Answer, Asking, look_up, look_up_from};
pub use cost::{cost, cost_from, cost_of};
pub use error::LookupError;
pub use header::{Epoch, HEADER_BYTES, Header, table_bytes};
pub use key::{EpochKey, PublicKey};
pub use landing::{Landing, PIECE_BYTES};
pub use places::{Places, Scratch, Stored};
pub use provider::{Serving, serve, serve_from};
pub use publish::{Publication, PublishError, Publisher, Rows, Terms, publish};
pub use questions::Questions;
pub use table::{Table, TableError};
pub use transfer::{fetch_table, send_table, table_cost};
