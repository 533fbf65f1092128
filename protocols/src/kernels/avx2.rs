//! AVX2 and AES-NI: the portable loops compiled for 256-bit registers, and the cipher by hand.
#![expect(
    unsafe_code,
    reason = "register loads and stores, calls into functions that need a detected processor feature"
)]

mod exconv;
mod gemm;
mod gf128;
mod hash;
mod keystream;
mod places;
mod registers;
mod table;
mod ternary;

pub(super) use exconv::expand_sums;
pub(super) use places::{gather_three, substitute};
pub(super) use table::backend;
