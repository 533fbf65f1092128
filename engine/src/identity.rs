//! Who is who: party names, their Ed25519 keys, the pins that tie one to the other, and the canonical bytes that are signed.
//!
//! A certificate authority only admits; what a party *is* stands in each daemon's own pins.

mod canonical;
mod key;
mod name;
mod one_entry;
mod pins;
mod sealing;

pub use canonical::{Hash32, canonical_hash, canonical_message, int_string};
pub use key::{BadSignature, IdentityKey, KeyFileError, PublicKey, Signature, Signed};
pub use name::{BadName, PartyName};
pub use one_entry::{one_entry, one_entry_at_most};
pub use pins::{Pin, Pins, UnknownParty};
pub use sealing::{SealingKey, SealingPublicKey};
