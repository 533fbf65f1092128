//! The rings that values are shared over, and the buffers their elements live in.
//!
//! Two families, one trait: `Z32`, `Z64`, `Z128` add and multiply modulo 2^k (and are [`Arithmetic`]); in `B64` a word is 64 bits side by side,
//! where + is XOR and * is AND. So one `mul`, one `reveal` and one `reshare` serve arithmetic and boolean sharing.

mod arithmetic;
mod buffer;
mod element;
mod halves;
mod modulus;
mod z2k;

pub use arithmetic::Arithmetic;
pub use buffer::Buf;
pub use element::{Ring, Word};
pub use halves::{halves, halves_mut};
pub use modulus::Modulus;
pub use z2k::{B64, Z32, Z64, Z128};
