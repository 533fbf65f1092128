//! AVX512-IFMA: the field of 2^255 − 19 in eight lanes, for what [`super::x25519`] and
//! [`super::ristretto`] do one element after another.
//!
//! The feature is looked for by itself: a processor may have all that the AVX-512 backend asks for and not this.
#![expect(
    unsafe_code,
    reason = "register loads and stores, calls into functions that need a detected processor feature"
)]

mod constants;
mod doubles;
mod edwards;
mod elligator;
mod field;
mod fixed_base;
mod gate;
mod group;
mod ladder;
mod lanes;
mod multiples;
mod quotient;
mod raise;
mod ristretto;

pub(super) use fixed_base::Table;
pub(super) use gate::{
    elligator2, montgomery_ladder, ristretto_add, ristretto_add_to_map, ristretto_from_uniform,
    ristretto_multiply, ristretto_raise, ristretto_raise_map, ristretto_weigh,
};
