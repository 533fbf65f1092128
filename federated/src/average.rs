//! Exact weighted averages of vectors that nobody sees.
//!
//! ```text
//! provider k:  d_k, weight n_k ──encode──▶ q_k = n_k·round(d_k·2^f) mod 2^64 ──split──▶ two seeds, one vector
//! party j:     Σ_k of its shares, in any order                                           (32 bytes, or 8 a coordinate)
//! recipient:   Σ_j = Σ_k q_k  ──decode──▶ Σ_k n_k·d_k / Σ_k n_k
//! ```
//!
//! Integers add up the same in any order, so the average is **bit-identical** for any order of arrival, number of threads,
//! size of chunks and set of providers left out. With f fractional bits it differs from the average of the real numbers by
//! at most 2^-(f+1) in each coordinate, however many providers there are. For large models there are encodings in 32 bits, of half
//! the bytes and coarser ([`Encoding::narrow`]); what is said of order holds for them too.
//!
//! # Security
//! A provider's shares are two seeds and the difference: any two of them are pseudo-random, so what two of the three parties
//! hold says nothing of an update. What the sum says is for the job to weigh: [`Sum::open`] asks for the least number of
//! providers in it.
//!
//! # Source
//! Shares by a seed each but for the last: Corrigan-Gibbs and Boneh, *Prio*, NSDI 2017. Averages of model updates by weight:
//! McMahan, Moore, Ramage, Hampson and Agüera y Arcas, *Communication-Efficient Learning of Deep Networks from Decentralized
//! Data*, AISTATS 2017.

mod encoding;
mod layout;
mod narrow;
mod replicated;
mod shares;
pub(crate) mod sum;
#[cfg(test)]
mod tests;
mod trailer;

pub use crate::pairs::Pairs;
pub use encoding::{Bounds, BoundsError, EncodeError, Encoding};
pub use layout::Layout;
pub use narrow::LARGEST_WEIGHT;
pub use replicated::{Reader, Replicated, holders};
pub(crate) use shares::WordsDigest;
pub use shares::{Seeds, Share, explicit_party, split};
pub use sum::{Average, Sum, SumError};
pub use trailer::{TRAILER_WORDS, Trailer};
