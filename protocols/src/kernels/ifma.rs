//! AVX512-IFMA: the field of 2^255 − 19 in eight lanes, for what [`super::x25519`] does one element after another.
//!
//! The feature is looked for by itself: a processor may have all that the AVX-512 backend asks for and not this.
#![expect(
    unsafe_code,
    reason = "register loads and stores, calls into functions that need a detected processor feature"
)]

mod elligator;
mod field;
mod gate;
mod ladder;
mod lanes;
mod quotient;

pub(super) use gate::{elligator2, montgomery_ladder};
