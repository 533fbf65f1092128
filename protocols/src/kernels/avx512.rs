//! AVX-512, GFNI and VAES: the portable loops compiled for 512-bit registers; what shuffles bits or bytes by hand.
#![expect(
    unsafe_code,
    reason = "register loads and stores, calls into functions that need a detected processor feature"
)]

mod aligned;
mod exconv;
mod expand;
mod gather;
mod gemm;
mod gf128;
mod hash;
mod keystream;
mod lanes;
mod places;
mod planes;
mod prefix;
mod registers;
mod table;
mod ternary;

pub(super) use table::backend;
