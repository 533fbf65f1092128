//! An oblivious pseudo-random function from an oblivious key-value store and vector oblivious linear evaluation: the receiver
//! learns `F(x)` for its own items, the sender gets a key with which it evaluates `F` wherever it likes.
//!
//! ```text
//! vole:      sender Δ, B         receiver A, C = A·Δ + B
//! receiver:  P = encode x ↦ h(x) for its items, under fresh public coins r, r'
//!            ── r, r', A' = A − P ──▶
//! sender:    K = B + Δ·A' = C − Δ·P
//!            F(y) = H(decode(K, y) + Δ·h(y))      F(x) = H(decode(C, x))       for x in the store both are the same
//! ```
//!
//! # Security
//! Semi-honest. `A'` is uniform to the sender, since `A` is to it; its length follows from the number of slots alone. To the
//! receiver `F(y)` of an item outside the store is `H` of a value that is off by `Δ·d` for some `d ≠ 0`, and `Δ` is uniform and
//! unknown to it. `d = 0` has a probability of 2^-128 for each item, over the coins, which are drawn after both sets are fixed.
//! `h` and `H` are `x ↦ AES_k(x) ⊕ x` under keys derived from the coins, in the ideal cipher model; `h` is applied to what the
//! store hashes a key to, a permutation away from the key itself.
//!
//! Where `P` and `A` are of 80 bits, all of this holds by the coordinates of `Δ`, `B` and `C`, of which there are two, see
//! [`crate::vole::subfield`]: `Δ` has 128 bits in both together, and what an item outside the store is off by has as many.
//! `d = 0` then has a probability of 2^-80 for an item, which [`super::Parameters`] counts once for each pair of items, as the
//! paper does.
//!
//! # Source
//! Raghuraman and Rindal: *Blazing Fast PSI from Improved OKVS and Subfield VOLE*, CCS 2022, figure 4; Rindal and Schoppmann:
//! *VOLE-PSI: Fast OPRF and Circuit-PSI from Vector-OLE*, EUROCRYPT 2021.

mod correlations;
mod hashes;
mod instance;
mod single;

#[cfg(test)]
mod tests;

pub(super) use correlations::{ReceiverCorrelations, SenderCorrelations, correlations_cost};
pub use instance::OprfKey;
pub(super) use instance::{Asked, HEADER_WORDS, Instance};
pub use single::{cost, receive, send};
