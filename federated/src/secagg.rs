//! Sums of many clients' vectors by one coordinator that nobody trusts.
//!
//! For where three parties cannot be found: each client masks its vector with one mask of its own and one in common with each of
//! its k neighbours, which cancel in the sum. What a client that drops out has left behind is taken off with the help of its
//! neighbours, any t of whom can restore its keys.
//!
//! ```text
//! client                                              coordinator
//!   two public keys, signed          ───────▶
//!                                    ◀───────         the keys of its neighbours
//!   t-of-k shares of its two secrets ───────▶         passes them on, sealed
//!   vector + own mask ± common masks ───────▶         adds up
//!                                    ◀───────         who is in the sum, who dropped out
//!   signs both sets                  ───────▶
//!                                    ◀───────         its neighbours' signatures
//!   of those in the sum a share of the own mask,
//!   of those who dropped out one of the key ─────▶    takes the masks off
//! ```
//!
//! # Security
//! Malicious coordinator together with a fraction γ of the clients, honest clients with registered signing keys, random
//! oracles. The masks of a vector that is in the sum stay on unless t of its neighbours give both kinds of share: a client gives
//! one kind of share of each neighbour only, once, and none unless t of its neighbours have signed the very sets it was told.
//! A coordinator that tells some clients that somebody is in the sum and others that it dropped out needs t signers for both
//! stories: honest clients sign one, so `2t > k + c` for c corrupted neighbours shuts it out, which [`Threshold`] makes sure
//! of but with probability 2^-40 over all neighbourhoods, and where all are neighbours of all, without one. **The sum itself is the coordinator's to see**; a coordinator that drops
//! honest clients at will shows itself the sum of few, which the least number of them bounds.
//!
//! # Source
//! Bonawitz and others, *Practical Secure Aggregation for Privacy-Preserving Machine Learning*, CCS 2017,
//! <https://eprint.iacr.org/2017/281>, figure 4 with the consistency round; neighbours instead of all pairs: Bell, Bonawitz,
//! Gascón, Lepoint and Raykova, *Secure Single-Server Aggregation with (Poly)Logarithmic Overhead*, CCS 2020,
//! <https://eprint.iacr.org/2020/704>. Here vectors are modulo 2^64, and thresholds withstand the coordinator's two stories.
//! Keys and masks are also of what the vectors are worked out from ([`Name::from`]), so that who was handed something else shares no
//! mask. And where sealed shares do not open a client does not give up: it masks as it would have, since common masks follow from signed
//! keys alone, says whose shares they were, and gives those of the others. Whoever spoils an envelope, who sealed it or who passed it
//! on, gets a part of what it would have got, and knows before that it does not open; masks come off as long as t others have theirs. The same
//! goes for a share of a lost client's key that is none, as the key shows that this has signed: of the seeds of own masks nothing was
//! announced, and a wrong share of one makes a wrong sum.

mod client;
mod error;
mod graph;
mod masks;
mod message;
mod server;
mod setting;
mod shamir;
#[cfg(test)]
mod tests;
mod threshold;
mod words;

pub use ed25519_dalek::{SigningKey, VerifyingKey};

pub use client::{Advertised, Client, Confirmed, Masked, Shared};
pub use error::SecAggError;
pub use message::{Envelope, Keys, Sets, Unmasking};
pub use server::Server;
pub use setting::{Name, Setting};
pub use threshold::{Threshold, ThresholdError};
pub(crate) use words::{
    ENVELOPE_WORDS, KEYS_WORDS, SECRET_WORDS, SIGNATURE_WORDS, Slots, signature_of, signature_words,
};
