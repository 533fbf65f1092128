//! Fixed-point numbers on Z64: the real `x` is shared as the integer `x · 2^frac`; `frac` and the ends of `x`'s range are public
//! ([`Fixed`]).
//!
//! Every function is planned before it runs. The plan checks that the declared ranges fit the rings (else a [`FixedError`], and
//! nothing was sent), holds what the ranges decide, and says how far the result may be off; [`CONTRACT`] has a table of that.
//! What runs then cannot overflow for values within their range. The ranges are the word of whoever supplies the values, who may be
//! mistaken: [`check_ranges`] ends the run if one of them is beyond, before it gives a number without meaning.
//!
//! There are none on Z32, and the types refuse one. A product holds the fraction bits of both factors before it is truncated, and its
//! top bit must be free: 30 bits would be left for two values, with 10 fraction bits each for values below 32. Where 32 bits are
//! enough within a function, they are taken: the wrap's product in a truncation of up to 32 bits, and the moving of a logarithm's
//! argument.
//!
//! The common ground: a replicated value is the sum of two words in the clear, `u = x_0 + x_1` at P0 and `v = x_2` at P1 and P2. What
//! depends on `u` alone and what depends on `v` alone is worked out locally, and two rounds multiply the two and add up.
//!
//! | function | how |
//! |---|---|
//! | [`truncate`], [`mul`] | the wrap of `u + v` from their top bits |
//! | [`round`] | the same, and a comparison of what is left |
//! | [`exp`] | `exp u · exp v` in Z128 |
//! | [`sigmoid`] | a sum of sines, `sin k(u + v)` by the addition theorem (or lines, or a cubic) |
//! | [`log`] | the leading bit's place, and a trigonometric sum of the mantissa |
//! | [`power`], [`div`] | `2^(p · log2 x)` |
//! | [`check_ranges`] | two comparisons, and one bit opened |

mod check;
mod contract;
mod exp;
mod format;
mod known;
mod leading;
mod log;
mod nearest;
mod power;
mod product;
mod series;
mod sigmoid;
#[cfg(test)]
mod tests;
mod truncate;

pub use check::{check_ranges, check_ranges_cost};
pub use contract::{CONTRACT, Clause, Function};
pub use exp::{Exp, exp, exp_cost};
pub use format::{Fixed, FixedError, Tolerance};
pub use log::{Log, log, log_cost};
pub use nearest::{Rounding, round, round_cost};
pub use power::{Power, Quotient, div, div_cost, power, power_cost};
pub use product::{Product, mul, mul_cost};
pub use sigmoid::{Logistic, Sigmoid, sigmoid, sigmoid_cost};
pub use truncate::{Truncation, truncate, truncate_cost};
