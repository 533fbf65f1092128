//! Fixed-point numbers on Z64: the real `x` is shared as the integer `x · 2^frac`, and `frac` and the ends of `x`'s range are
//! public ([`Fixed`]).
//!
//! Every function is planned before it runs: the plan checks that the declared ranges fit its ring (else a [`FixedError`], and
//! nothing was sent) and holds what the ranges decide. What runs then cannot overflow for values within their range.
//!
//! The common ground is that a replicated value is the sum of two words in the clear: `u = x_0 + x_1` at P0, and `v = x_2` at
//! P1 and P2. What depends on `u` alone and what depends on `v` alone is worked out locally, and one exchange multiplies the
//! two .

mod format;
mod known;
mod product;
#[cfg(test)]
mod tests;
mod truncate;

pub use format::{Fixed, FixedError};
pub use product::{Product, mul, mul_cost};
pub use truncate::{Truncation, truncate, truncate_cost};
