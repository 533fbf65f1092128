//! VOLE-PSI: the intersection of two sets by an oblivious pseudo-random function, bucket by bucket, for balanced sets of any size.
//!
//! ```text
//! both       hello: version, sizes, parameters, context; the first difference ends the run
//! for each group of buckets: vole
//!   receiver ── coins, A' of bucket k+1 ──▶ sender           while
//!   receiver ◀── F(y) of bucket k, cut and sorted ── sender
//!   receiver ── which of them matched ──▶ sender             if both learn the outcome
//! both       a digest of the matched tags                     if both learn the outcome
//! ```
//!
//! Sets are split into buckets by the first bits of their ids, each padded to the same size, so that memory follows from the
//! bucket and nothing is told by how full it is. A bucket's reply travels while the next bucket is asked for.
//!
//! # Security
//! **Semi-honest**: see [`super::oprf`]. The reply holds one tag for each item of the sender and random ones for padding;
//! outputs for items that the receiver does not have are random to it, and ascending order says nothing of their origin.
//! Tags are long enough that no two different items of all buckets have equal ones but with the probability that
//! [`super::Parameters`] states.
//!
//! **Low communication**, [`super::Parameters::low_communication`]: the same with stores of 80 bits a value, semi-honest only.
//! About two thirds of the bytes, and more computation.
//!
//! **Malicious**: correlations of a malicious kind, outputs of 128 bits from a random oracle on value, coin and item, and
//! a coin per bucket that neither side chooses: the sender commits to its part before it sees `A'`. What holds is *abort,
//! or a subset of the true intersection*: never a false member. A sender that alters its reply has changed its input. A
//! receiver may test more items than the size agreed on: it can choose the store freely, and the store has `m` slots, 1.3
//! for each item. It holds `m` items by solving `m` equations. With `q` evaluations of `h`, an `n'`-subset of the `q`
//! points fits some store only if `n'` equations over 128 bits in `m` unknowns happen to agree, so `n'` stays below about
//! `m · 128 / (128 − log2 q)`: `2m` for `q = 2^64`, `2.7m` for `q = 2^80`. Whoever needs a tighter bound on the
//! receiver's set must not use this variant. When both learn the outcome, what the receiver reports to the sender is
//! **not verified** in this model either.
//!
//! # Another attempt
//!
//! Where a link is lost, [`send_from`] and [`receive_from`] go on over another one: both sides say how many buckets they are
//! done with, compare a digest of what they saw of those that both are, and repeat the others, two at most. Correlations,
//! stores and coins are fresh; the sets, and the salt of their ids, are the same. Against sides that follow the protocol a
//! repeated bucket shows what its first run would have shown: two runs of a secure protocol on the same inputs, whose outcome
//! is the same. A side that deviates may put other items into the buckets that are repeated; it is held to two for each
//! attempt, because a side that claims to be farther back is refused. Whoever runs this bounds the number of attempts. A false
//! member by chance gets as much likelier as buckets are repeated. What is opened passes the gate in the first attempt alone: the
//! others open nothing beside it.
//!
//! # Source
//! Raghuraman and Rindal: *Blazing Fast PSI from Improved OKVS and Subfield VOLE*, CCS 2022, figure 4, and section 4 for low communication;
//! Rindal and Schoppmann: *VOLE-PSI*, EUROCRYPT 2021, for the coin and the commitment of the malicious variant. The oracle is keyed BLAKE3.

mod coin;
mod cost;
mod receiver;
mod sender;

#[cfg(test)]
mod tests;

pub use cost::{cost, cost_from};
pub use receiver::{receive, receive_from};
pub use sender::{send, send_from};
