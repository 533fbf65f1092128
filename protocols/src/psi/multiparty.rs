//! Intersection of the sets of two and more parties, one of whom, the leader, learns it: which of its items all others have,
//! and of no item which of them has it or lacks it.
//!
//! ```text
//! every two parties i, j:  a key k_ij
//! party i, for its items:  f_i(x) = ⊕_j F(k_ij, x)                  the sum over all parties is 0 wherever all have x
//! party i ── programs f_i at its items ──▶ leader                    which evaluates at its own ones
//! leader:                  x is common if f_leader(x) ⊕ ⊕_i G_i(x) = 0
//! leader ── the next turn ──▶ party i                                 another bucket, or the same one again
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
//! # A link that is lost
//!
//! Everything about sets passes between the leader and one other party at a time, so a bucket is the unit of repeating. Where a link
//! of the leader is lost, its two ends make it anew, greet each other and draw another common seed; the leader comes to the end of the
//! turn with those who are there, so that each of them waits for its word, and calls the same bucket again. All others hear that in
//! the place of the next bucket: nobody waits for a party that waits for another link. What they say of how far they are is two
//! public numbers. A link between two others is needed for greetings alone; they look after it before they part.
//!
//! **A repeated bucket is a run of its own.** Keys `k_ij` are derived from a common seed and the number of turns that were broken off, so
//! that shares of zero are fresh at all parties, those included whose link was not lost; functions, stores and seeds are drawn anew from
//! generators that go on. It has to be so: if one party alone programmed the same shares again under another function, the leader could
//! compare what it got both times, as far as the first arrived, and see where that party has an item. As it is, what it has of a turn
//! that was broken off is a part of what a run shows on the same items, and the turns together show what one run shows.
//!
//! **What a party that deviates gains** lies outside of the model above, and is bounded: nobody takes a turn twice or goes back to a
//! bucket before, and nobody follows more than [`Setting::repeats`] repeated turns, [`Setting::RENEWALS`] for each of the leader's
//! links. A leader, or others with it, that put other items into buckets that it calls again learn about the items of so many more
//! buckets than agreed on. The others hear of the end of a bucket once, and gain nothing. Stores and functions share their failure
//! probability over all buckets and all repeated ones there can be, [`Setting::failure_bits`].
//!
//! What ends the run all the same: a link that is lost more often, or does not come about again; one that is lost under the very
//! last word between its ends, or of two parties who do not lead under the first one, for whoever said it has gone on; and two links of
//! one party that are lost at the same time, where its ends wait for each other too long.
//!
//! # Source
//! Kolesnikov, Matania, Pinkas, Rosulek, Trieu: *Practical Multi-party Private Set Intersection from Symmetric-Key
//! Techniques*, CCS 2017, <https://eprint.iacr.org/2017/799>, the variant with unconditional zero-sharing.

mod cost;
mod follower;
mod intersect;
mod leader;
mod links;
mod outcome;
mod setting;
mod turn;
mod zero;

#[cfg(test)]
mod tests;

pub use cost::{cost, idle_link, may_carry, most};
pub use intersect::{intersect, intersect_buckets};
pub use setting::{Audience, Setting, SettingError};
