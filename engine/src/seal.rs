//! Sealing: each compute party encrypts its share of the result to the buyer, who opens all three and puts them together.
//!
//! HPKE (RFC 9180), base mode, X25519 with HKDF-SHA256 and ChaCha20-Poly1305. Base mode does not say who sealed, so each
//! party signs a manifest of its ciphertext as well. Both of a party's summands are sealed: every summand reaches the
//! buyer from two parties, and what they say must agree.
//!
//! # Security
//! Two of the three sealed shares are enough to reconstruct: they are handed out only when all three are there.

mod binding;
mod envelope;
mod payload;
mod reconstruct;
mod round;

#[cfg(test)]
mod tests;

pub use binding::{Binding, Expected, SEALED_DOMAIN, SealedManifest, layout_hash};
pub use envelope::{OpenError, SealError, Sealed, Sealer, open, seal};
pub use payload::{Malformed, ResultShare, ShareColumn, column_words};
pub use reconstruct::{Inconsistent, alone, reconstruct};
pub use round::{
    ExpectedRound, ROUND_DOMAIN, RoundBinding, RoundManifest, RoundOpenError, SealedFigures,
    open_round, seal_round,
};
