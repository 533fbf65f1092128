//! Logarithms: the leading bit's place, and a trigonometric sum of the mantissa.
//!
//! The bits of `x` give a one-hot column of the leading bit's place and so, as a sum over its planes, the power of two that moves
//! `x` into the second quarter of its ring. As a turn of a circle it is an angle between a quarter and a half, where five harmonics
//! give log2 up to 5 · 10^-8 (least squares over Chebyshev points; the test of the series recomputes it).

use super::{
    format::{Fixed, FixedError, Tolerance, unit, whole},
    known::{
        Narrow, add_known, bit_terms, in_clear, planes_in_clear, products, products_cost, weighted,
    },
    leading::{digits, index, leading, leading_cost, reversed, weigh, weigh_cost},
    series::{Precision, Series, constant},
    truncate::{Truncation, truncate, truncate_cost},
};
use crate::{
    mpc::{
        convert::{to_bits, to_bits_cost},
        multiply::{mul, mul_cost},
        spread::{cut, spread, spread_cost},
    },
    ring::{Buf, Ring, Z32, Z64},
    session::{Meter, Session, SessionError},
    share::{Bits, Shared},
};

/// Fraction bits that logarithms are worked out with.
const FRAC: u32 = 52;
/// Values of at most this many bits are moved in Z32.
const NARROW: usize = 31;

/// A checked logarithm of a range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Log {
    /// Bits of the largest and of the smallest value.
    width: usize,
    from: usize,
    /// What log2 is multiplied by.
    gain: f64,
    /// What comes out before truncation.
    whole: Fixed,
    /// What of the constant part depends on the scale, before it is multiplied by `gain`.
    shift: f64,
    last: Option<Truncation>,
}

impl Log {
    /// The natural logarithm with `frac` fraction bits, at most 52.
    ///
    /// # Errors
    /// [`FixedError::Domain`] unless the range's lower end is positive, [`FixedError::Fraction`] above 52 bits.
    pub fn new(from: Fixed, frac: u32) -> Result<Self, FixedError> {
        let mut plan = Self::binary(from, std::f64::consts::LN_2)?;
        if frac != FRAC {
            plan.last = Some(Truncation::exact(plan.whole, frac)?);
        }
        Ok(plan)
    }

    /// `gain · log2 x`, with 52 fraction bits.
    pub(super) fn binary(from: Fixed, gain: f64) -> Result<Self, FixedError> {
        let (low, high) = from.words();
        if low <= 0 {
            return Err(FixedError::Domain { what: "a logarithm", low: from.low() });
        }
        let bits = |word: i64| (u64::BITS - word.leading_zeros()) as usize;
        let (first, width) = (bits(low), bits(high));
        // log2 of a value of `b` bits lies from b − 1 to b.
        let place = |bits: usize| whole_f(bits) - f64::from(from.frac());
        let (low, high) = (gain * (place(first) - 1.0), gain * place(width));
        let margin = unit(8) / unit(32);
        let whole = Fixed::new(FRAC, low.min(high) - margin, low.max(high) + margin)?;
        Ok(Self { width, from: first, gain, whole, shift: place(first) - 1.0, last: None })
    }

    /// What comes out.
    #[must_use]
    pub fn out(&self) -> Fixed {
        self.last.map_or(self.whole, |last| last.out())
    }

    /// How far the result may be off.
    #[must_use]
    pub fn error(&self) -> Tolerance {
        let rounding = MANTISSA.rounding(self.precision());
        let absolute = self.gain.abs() * MANTISSA_ERROR + rounding;
        Tolerance {
            absolute: absolute + self.last.map_or(0.0, |t| t.error().absolute),
            relative: 0.0,
        }
    }

    /// Places that the leading bit may have.
    fn places(&self) -> usize {
        self.width - self.from + 1
    }

    fn precision(&self) -> Precision {
        Precision { frac: FRAC, gain: self.gain }
    }
}

/// The natural logarithm of positive values. A value of zero or below, which is none of the declared range, gives a number within
/// the range of the result or near it, and no other harm.
///
/// # Shape
/// `n` values; returns `n`.
///
/// # Cost
/// With values of w bits of which the lowest p are always below the leading one: 8 + 2·log2 w + log2 (w − p) rounds at most,
/// and beside the bits w − p + 1 words for the power of two, 16 for the sum, a multiplication, and the truncation of the result.
///
/// # Errors
/// Channel errors pass through.
///
/// # Security
/// Semi-honest: multiplications and sums of known products only.
///
/// # Source
/// Normalisation by the leading bit, as a product with the power of two that moves it to the top: the protocol Norm of Catrina and
/// Saxena, "Secure Computation with Fixed-Point Numbers", Financial Cryptography 2010; the sum: see the series' module.
pub fn log(s: &mut Session, x: &Shared<Z64>, plan: &Log) -> Result<Shared<Z64>, SessionError> {
    spread(s, x.len(), |s, rows| part(s, &cut(x, &rows), plan))
}

fn part(s: &mut Session, x: &Shared<Z64>, plan: &Log) -> Result<Shared<Z64>, SessionError> {
    let y = raw(s, x, plan)?;
    match &plan.last {
        Some(last) => truncate(s, &y, last),
        None => Ok(y),
    }
}

/// Twin of [`log`].
pub fn log_cost(m: &mut Meter, n: usize, plan: &Log) {
    spread_cost(m, n, |m, n| {
        raw_cost(m, n, plan);
        if let Some(last) = &plan.last {
            truncate_cost(m, n, last);
        }
    });
}

/// The logarithm with all its fraction bits.
fn raw(s: &mut Session, x: &Shared<Z64>, plan: &Log) -> Result<Shared<Z64>, SessionError> {
    let (turns, place) = if plan.places() == 1 {
        let mut turns = in_clear(s.role(), x);
        Z64::scale_assign(&mut turns, 1 << (63 - plan.width));
        (turns, Bits::zeros(x.len(), 0))
    } else if plan.width <= NARROW {
        let narrow = x.map::<Z32>(|words| words.iter().map(|word| Z32::narrow(*word)).collect());
        moved::<Z32>(s, x, narrow, plan)?
    } else {
        moved::<Z64>(s, x, x.clone(), plan)?
    };
    let planes = planes_in_clear(s.role(), &place);
    let (width, stride, unit) = (place.width(), place.stride(), word(plan.gain));
    let fill = |role, rows: std::ops::Range<usize>, out: &mut [u64]| {
        let (waves, digits) = out.split_at_mut(MANTISSA.terms() * rows.len());
        MANTISSA.fill(role, plan.precision(), &turns[rows.clone()], waves);
        bit_terms::<Z64>(role, &planes, (stride, unit), rows, digits);
    };
    let y = products::<Z64>(s, x.len(), MANTISSA.terms() + width, fill)?;
    let mut y = add_known(s.role(), y, &weighted::<Z64>(&planes, width, unit, x.len()));
    let shift = word(plan.gain * plan.shift).wrapping_add(constant(&MANTISSA, plan.precision()));
    y.add_constant(s.role(), shift);
    Ok(y)
}

fn raw_cost(m: &mut Meter, n: usize, plan: &Log) {
    let places = plan.places();
    if places > 1 {
        to_bits_cost(m, n, plan.width);
        leading_cost(m, n, plan.width, plan.from);
        if plan.width <= NARROW {
            weigh_cost::<Z32>(m, n, places);
            mul_cost::<Z32>(m, n);
        } else {
            weigh_cost::<Z64>(m, n, places);
            mul_cost::<Z64>(m, n);
        }
    }
    products_cost::<Z64>(m, n, MANTISSA.terms() + digits(places));
}

/// The values, moved into the second quarter of the ring, as turns in the clear; and the place of the leading bit in binary.
fn moved<R: Narrow>(
    s: &mut Session,
    x: &Shared<Z64>,
    narrow: Shared<R>,
    plan: &Log,
) -> Result<(Buf<u64>, Bits), SessionError> {
    let bits = to_bits(s, x, plan.width)?;
    let one_hot = leading(s, &bits, plan.from)?;
    let ring = 8 * size_of::<R::Word>();
    let power = weigh::<R>(s, &reversed(&one_hot), 1 << (ring - 1 - plan.width))?;
    let moved = mul(s, &narrow, &power)?;
    let turns = in_clear(s.role(), &moved);
    Ok((turns.iter().map(|word| R::wide(*word) << (64 - ring)).collect(), index(&one_hot)))
}

/// A number of units as a word.
fn word(value: f64) -> u64 {
    whole((value * unit(FRAC)).round()).cast_unsigned()
}

fn whole_f(bits: usize) -> f64 {
    f64::from(u32_of(bits))
}

fn u32_of(bits: usize) -> u32 {
    u32::try_from(bits).unwrap_or(u32::MAX)
}

/// How far the sum is from log2.
pub(super) const MANTISSA_ERROR: f64 = 5e-8;

/// log2 4t for t from a quarter to a half.
pub(super) const MANTISSA: Series = Series {
    harmonics: (1, 1),
    factors: &[
        (-1.543_399_862_659, -0.299_371_567_028),
        (-0.537_854_238_722, 0.263_407_832_990),
        (-0.072_956_665_441, 0.164_619_711_615),
        (0.010_705_647_453, 0.033_851_676_521),
        (0.002_935_997_614, 0.001_703_424_074),
    ],
    constant: -0.086_271_983_005,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_a_logarithm_on_its_quarter_of_the_circle() {
        let points = (0..=20_000).map(|i| 0.25 + 0.25 * f64::from(i) / 20_000.0);
        let errors = points.map(|turn| (MANTISSA.at(turn) - (4.0 * turn).log2()).abs());
        let worst = errors.fold(0.0, f64::max);
        assert!(worst <= MANTISSA_ERROR, "{worst}");
    }
}
