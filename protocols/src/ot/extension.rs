//! Correlated transfers from 128 base transfers: SoftSpoken over the field of 16 elements.
//!
//! The sender has a secret Δ of 128 bits and, for each row `i`, `q_i`; the receiver has bits `u_i` of its choice and
//! `t_i = q_i ⊕ u_i·Δ`. The bits of Δ are taken in 32 groups of four. For each group the receiver grows a tree of 16 seeds
//! of which the sender lacks the one that its four bits name; sums of the seeds' streams, each weighted by a bit of the
//! seed's number, are the planes of `t`, and of `q` where the number is counted from the sender's own. The receiver's bits
//! enter by one correction a group: 32 bits a row, a quarter of what single-bit groups (IKNP) cost.
//!
//! # Security
//! A correction is masked by the sum of all 16 streams of its group, one of which the sender lacks. In
//! [`Model::Malicious`](super::Model::Malicious) the receiver proves each tree by a hash of all leaves and then, by one
//! random linear hash over all rows, that every group was corrected with the same bits; 128 further rows hide what the hash
//! would tell. A cheating receiver that passes has guessed the bits of Δ it touched, and a wrong guess ends the run.
//!
//! # Source
//! Roy, *SoftSpokenOT: Quieter OT Extension from Small-Field Silent VOLE in the Minicrypt Model*, CRYPTO 2022,
//! <https://eprint.iacr.org/2022/192>, with the repetition code; the hash takes 128 rows as an element of GF(2^128).

mod check;
mod receiver;
mod rows;
mod sender;

pub use receiver::CorrelatedReceiver;
pub use sender::CorrelatedSender;

pub(crate) use rows::{PLANES, extend_cost, setup_cost};

#[cfg(test)]
mod tests;
