//! Silent vector oblivious linear evaluation with short values: `A` of 80 bits an entry, `Δ`, `B` and `C` of 160.
//!
//! `A` is a vector over the field `G = GF(2^80)`. `Δ`, `B` and `C` are over `G × G`, a module over `G`, by coordinates:
//! `C_i = A·Δ_i + B_i` for `i` = 0 and 1, one `A` for both. So no product of two elements of 160 bits ever occurs, and
//! whatever is linear over `G` may be done to all of them alike: the code's constants are in `G`.
//!
//! ```text
//! transfers with one offset of 128 bits: its lower 80 bits are Δ_0, the other 48 are Δ_1
//!    └─▶ 128 outputs, 80 transfers each ─▶ instance: one forest, its leaves hashed to 160 bits ─▶ code over GF(2^80), thrice
//! ```
//!
//! # Security
//! Semi-honest; there is no check of outputs, and so no malicious model. The assumption on the code is that of
//! [`params`](super::params), with constants and noise of 80 bits. `Δ` is uniform over 2^128 values that differ in some
//! coordinate: for `d ≠ 0` of `G` the pair `d·Δ` takes 2^128 values too, so that whoever knows all else has 2^-128 a guess.
//!
//! # Source
//! Subfield evaluation: Boyle, Couteau, Gilboa, Ishai, Kohl, Rindal and Scholl, CCS 2019, <https://eprint.iacr.org/2019/1159>;
//! for this use Raghuraman and Rindal, CCS 2022, <https://eprint.iacr.org/2022/320>, who take a field that extends `G`. That
//! products are never taken, so that a module does, and an offset from a part of it that has 128 bits, are our departures.

mod instance;
mod offset;
mod session;

pub use session::{SubfieldReceiver, SubfieldSender, cost, receive, send};
