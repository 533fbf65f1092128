//! Exponentials: `exp(u + v) = exp(u) · exp(v)`, each factor worked out where its exponent is known.
//!
//! The exponent is stretched so that its range fills 2^63 words and starts at 0: its top bit is zero, and of `u + v` one wrap goes
//! exactly if either top bit is set (as in truncation). With `u = a·2^63 + u'`, `v = b·2^63 + v'`, `g` the growth over one word
//! and `K = g^(2^63)`, the wanted power times `K` is `g^(u'+v')·K` where `a = b`, else `g^(u'+v')`:
//! two products, `(1−a)·g^u' · K^(1−b)·g^v' + a·g^u' · K^b·g^v'`. They are whole numbers of Z128; the low 64 bits are dropped from
//! each summand, without a word sent, since the result lives modulo 2^64.
//!
//! An exponential as the product of those of the summands, each worked out in the clear: Kelkar, Le, Raykova, Seth, "Secure Poisson
//! Regression", USENIX Security 2022, for two parties; the wrap from a known top bit is \[SiRNN\]'s
//! <https://eprint.iacr.org/2021/459>, as in truncation.

use super::{
    format::{Fixed, FixedError, Tolerance, unit, whole},
    known::{in_clear, products, products_cost},
    series::rounded,
};
use crate::{
    mpc::spread::{cut, spread, spread_cost},
    party::Role,
    ring::{Buf, Z64, Z128},
    session::{Meter, Session, SessionError},
    share::Shared,
};

/// Fraction bits of exponents.
const POINT: u32 = 57;
/// Fewer mantissa bits than this, and nothing would be left of a result.
const LEAST_MANTISSA: u32 = 12;
/// More than the polynomial is good for.
const MOST_MANTISSA: u32 = 32;

/// A checked exponential of a range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exp {
    /// By how much, and from where, the exponent is stretched.
    factor: u64,
    offset: u64,
    /// Octaves of half the circle of words, in units of 2^-57: `K`.
    octaves: u64,
    /// Octaves that the factors of P1 and P2 start at.
    start: u64,
    mantissa: u32,
    out: Fixed,
}

impl Exp {
    /// e^x with `frac` fraction bits.
    ///
    /// # Errors
    /// [`FixedError::TooWide`] if the result does not fit, or the range is so wide that fewer than 12 bits would be exact.
    pub fn new(from: Fixed, frac: u32) -> Result<Self, FixedError> {
        Self::with_rate(from, std::f64::consts::LOG2_E / unit(from.frac()), frac)
    }

    /// 2^(rate · word).
    pub(super) fn with_rate(from: Fixed, rate: f64, frac: u32) -> Result<Self, FixedError> {
        let what = "an exponential";
        let (low, high) = from.words();
        let (start, end) = if rate < 0.0 { (high, low) } else { (low, high) };
        let words = low.abs_diff(high).max(1);
        let stretch = (u64::MAX / 2) / words;
        let (least, most) = (rate * to_real(start), rate * to_real(end));
        let octaves = rate.abs() * unit(63) / to_real(stretch.cast_signed());
        // Bits of both factors together where the result is least.
        let bits = 64.0 + f64::from(frac) + least - octaves;
        let most_bits = most + f64::from(frac);
        if most_bits >= 61.0 {
            return Err(FixedError::TooWide { what, bits: ceil(most_bits), limit: 61 });
        }
        let least_bits = f64::from(2 * LEAST_MANTISSA);
        if bits < least_bits || octaves >= 63.0 {
            let short = ceil((least_bits - bits).max(octaves - 63.0));
            return Err(FixedError::TooWide { what, bits: 64 + short, limit: 64 });
        }
        let mantissa = floor(bits / 2.0).min(MOST_MANTISSA);
        let factor = if rate < 0.0 { stretch.wrapping_neg() } else { stretch };
        let margin = 1.0 + 2.0 / unit(mantissa);
        let (low, high) = (least.exp2() / margin, most.exp2() * margin);
        Ok(Self {
            factor,
            offset: factor.wrapping_mul(start.cast_unsigned()).wrapping_neg(),
            octaves: point(octaves),
            start: point(bits - f64::from(2 * mantissa)),
            mantissa,
            out: Fixed::new(frac, low - 2.0 / unit(frac), high + 2.0 / unit(frac))?,
        })
    }

    /// What comes out.
    #[must_use]
    pub fn out(&self) -> Fixed {
        self.out
    }

    /// How far the result may be off: both mantissas' rounding, and half a unit for each summand at the end.
    #[must_use]
    pub fn error(&self) -> Tolerance {
        let absolute = 1.5 / unit(self.out.frac());
        Tolerance { absolute, relative: 1.01 / unit(self.mantissa) + 2e-10 }
    }

    /// This role's factors for one batch of exponents.
    fn fill(&self, role: Role, exponents: &[u64], out: &mut [u128]) {
        let (first, second) = out.split_at_mut(exponents.len());
        for ((word, first), second) in exponents.iter().zip(first).zip(second) {
            let high = u128::from(*word >> 63).wrapping_neg();
            let octaves = self.octaves_of(*word);
            if role == Role::P0 {
                let power = self.power(octaves);
                (*first, *second) = (power & !high, power & high);
            } else {
                let power = self.power(octaves + self.start);
                let other = power ^ self.power(octaves + self.start + self.octaves);
                (*first, *second) = (power ^ other & !high, power ^ other & high);
            }
        }
    }

    /// Octaves of the lower 63 bits of a word.
    fn octaves_of(&self, word: u64) -> u64 {
        let product = u128::from(word << 1 >> 1) * u128::from(self.octaves);
        low_word(product >> 63)
    }

    /// 2^octaves as an integer with the plan's mantissa below.
    fn power(&self, octaves: u64) -> u128 {
        // The fraction of an octave as the mantissa of a number from 1 to 2.
        let fraction = f64::from_bits(1.0_f64.to_bits() | (octaves << 7 >> 12)) - 1.0;
        let growth = POWER.iter().fold(0.0, |sum, factor| sum * fraction + factor);
        u128::from(rounded(growth * unit(self.mantissa))) << (octaves >> POINT)
    }
}

/// e^x.
///
/// # Shape
/// `n` values; returns `n`.
///
/// # Cost
/// 2 rounds; P0 sends two words of 128 bits a value, P1 and P2 one: 64 bytes a value in all.
///
/// # Errors
/// Channel errors pass through.
///
/// # Security
/// Semi-honest, one corrupted party: sums of known products, where every message is masked by a key that its receiver
/// lacks; dropping the low bits is local.
///
/// # Source
/// See the module.
pub fn exp(s: &mut Session, x: &Shared<Z64>, plan: &Exp) -> Result<Shared<Z64>, SessionError> {
    spread(s, x.len(), |s, rows| part(s, &cut(x, &rows), plan))
}

fn part(s: &mut Session, x: &Shared<Z64>, plan: &Exp) -> Result<Shared<Z64>, SessionError> {
    let mut exponents = in_clear(s.role(), x);
    let offset = if s.role() == Role::P0 { plan.offset } else { 0 };
    for word in exponents.iter_mut() {
        *word = word.wrapping_mul(plan.factor).wrapping_add(offset);
    }
    let fill = |role, rows: std::ops::Range<usize>, out: &mut [u128]| {
        plan.fill(role, &exponents[rows], out);
    };
    let product = products::<Z128>(s, x.len(), 2, fill)?;
    Ok(product.map(upper_half))
}

/// Twin of [`exp`].
pub fn exp_cost(m: &mut Meter, n: usize) {
    spread_cost(m, n, |m, n| products_cost::<Z128>(m, n, 2));
}

/// The upper 64 bits of each word, rounded to the nearest: of three summands each is off by at most half a unit.
fn upper_half(words: &[u128]) -> Buf<u64> {
    let mut out = Buf::scratch(words.len());
    for (out, word) in out.iter_mut().zip(words) {
        *out = low_word(word.wrapping_add(1 << 63) >> 64);
    }
    out
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half is meant")]
fn low_word(wide: u128) -> u64 {
    wide as u64
}

#[expect(clippy::cast_precision_loss, reason = "53 bits are enough for a range's ends")]
fn to_real(word: i64) -> f64 {
    word as f64
}

/// An exponent below 64 octaves in units of 2^-57.
fn point(octaves: f64) -> u64 {
    // Two steps, since half of 2^64 is the most that `whole` takes.
    whole((octaves * unit(POINT - 2)).round()).cast_unsigned() << 2
}

fn ceil(bits: f64) -> u32 {
    u32::try_from(whole(bits.ceil())).unwrap_or(u32::MAX)
}

fn floor(bits: f64) -> u32 {
    u32::try_from(whole(bits.floor())).unwrap_or(0)
}

/// 2^f for f from 0 to 1, highest power first: Chebyshev interpolation of degree 7, off by at most 6 · 10^-11.
const POWER: [f64; 8] = [
    0.000_021_642_701_100_512_147,
    0.000_143_025_554_756_661_26,
    0.001_342_937_764_061_890_4,
    0.009_613_565_207_799_223,
    0.055_505_281_683_393_64,
    0.240_226_359_480_826_7,
    0.693_147_187_603_654_3,
    0.999_999_999_944_938_9,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_polynomial_is_a_power_of_two() {
        for i in 0..=10_000 {
            let x = f64::from(i) / 10_000.0;
            let power = POWER.iter().fold(0.0, |sum, factor| sum * x + factor);
            assert!((power - x.exp2()).abs() < 7e-11, "2^{x} is not {power}");
        }
    }

    #[test]
    fn ranges_without_room_for_their_result_are_refused() {
        let from = |low, high| Fixed::new(16, low, high).unwrap();
        let refused = |plan| matches!(plan, Err(FixedError::TooWide { .. }));
        assert!(refused(Exp::new(from(0.0, 30.0), 20)), "e^30 with 20 fraction bits");
        assert!(refused(Exp::new(from(-30.0, 0.0), 30)), "31 octaves below the last bit");
        assert!(refused(Exp::new(from(-100.0, 0.0), 60)));
        assert!(Exp::new(from(0.0, 28.0), 20).is_ok());
    }
}
