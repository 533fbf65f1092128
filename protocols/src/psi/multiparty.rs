//! Intersection of the sets of two and more parties, one of whom, the leader, learns it: which of its items all others have,
//! and of no item which of them has it or lacks it.
//!
//! ```text
//! every two parties i, j:  a key k_ij
//! party i, for its items:  f_i(x) = ⊕_j F(k_ij, x)                  the sum over all parties is 0 wherever all have x
//! party i ── programs f_i at its items ──▶ leader                    which evaluates at its own ones
//! leader:                  x is common if f_leader(x) ⊕ ⊕_i G_i(x) = 0
//! ```
//!
//! Sets are split into buckets by the first bits of their items, each padded to a size that follows from the stated ones, and
//! intersected bucket by bucket: memory follows from the bucket.
//!
//! # Security
//! Against any number of parties together, the leader among them or not, in the augmented semi-honest model: they follow
//! the protocol, on inputs that they may choose to replace before it starts, and learn what the leader learns. Where an
//! honest party lacks an item, what the leader gets from it is pseudo-random by the programmed function; where two honest
//! parties have it, what each of them programmed is masked by the key between them, until all honest ones are summed.
//! Each other party sees seeds and what a sender of the programmed function sees: nothing of any set. Lengths follow from
//! the stated sizes alone.
//!
//! A leader together with a party that pretends to have every item learns the intersection of the others' sets with the
//! leader's: that is the replacement of inputs above. An item that is not common passes as one with probability 2^-128.
//!
//! # Source
//! Kolesnikov, Matania, Pinkas, Rosulek, Trieu: *Practical Multi-party Private Set Intersection from Symmetric-Key
//! Techniques*, CCS 2017, <https://eprint.iacr.org/2017/799>, the variant with unconditional zero-sharing.

mod intersect;
mod setting;
mod zero;

#[cfg(test)]
mod tests;

pub use intersect::{cost, intersect, intersect_buckets};
pub use setting::{Audience, Setting, SettingError};
