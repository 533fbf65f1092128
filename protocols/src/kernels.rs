//! Slices in, slices out: the arithmetic that everything above spends its time in, once per instruction set.
//!
//! [`PORTABLE`] is the meaning of every kernel; the other backends must agree with it bit by bit on every
//! length. [`Backend::active`] is chosen once per process, from what the processor offers and from
//! `UNSEEN_KERNELS=portable|avx2|avx512`.
//!
//! ```text
//! dispatch ─▶ avx512 ─▶ avx2 ─▶ portable ─▶ loops | gemm | planes | keystream | hash ─▶ aes
//!             (each falls back to the one on its right for what it does not do faster)
//! ```
//!
//! # Security
//! No kernel branches on, or indexes memory by, a value of a secret slice. Lengths, permutations, paths and
//! block numbers are public. This is the only module of the crate with `unsafe` in it: loads and stores of
//! vector registers, and calls into functions that need a processor feature which was checked before.

mod aes;
mod backend;
mod digits;
mod dispatch;
mod exconv;
mod field;
mod fixed_point;
mod gemm;
mod gf128;
mod gf80;
mod hash;
mod keyed_hash;
mod keystream;
mod lanes;
mod loops;
mod matrix;
mod places;
mod planes;
mod portable;
mod ristretto;
mod ternary;
mod x25519;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod ifma;
#[cfg(target_arch = "x86_64")]
mod instantiate;

pub use aes::AesKey;
pub use backend::Backend;
pub use exconv::{CONVOLUTION_STATE, EXPANSION_PLACES};
pub use field::Field;
pub use gf80::gf80_mul;
pub use gf128::gf128_mul;
pub use matrix::Matrix;
pub use portable::PORTABLE;
pub use ristretto::FixedBase;
