//! The logistic function, at four prices.

use super::{
    format::{Fixed, FixedError, Tolerance, unit, whole},
    known::in_clear,
    product::{Product, mul, mul_cost},
    series::{Precision, Series, series, series_cost},
    truncate::{Truncation, truncate, truncate_cost},
};
use crate::{
    mpc::{
        compare::{lt_zero, lt_zero_cost},
        convert::{inject, inject_cost},
        multiply::{mul as whole_mul, mul_cost as whole_mul_cost},
        spread::{cut, spread, spread_cost},
    },
    ring::{Ring, Z64},
    session::{Meter, Session, SessionError},
    share::Shared,
};

/// How the logistic function is worked out. Errors are absolute; the contract's table has them by range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Logistic {
    /// 1/2 + x/8: for gradients of values near 0.
    Linear,
    /// The same between −4 and 4, 0 below and 1 above.
    Segments,
    /// The best odd cubic on −5 to 5.
    Cubic,
    /// A trigonometric sum, off by less than 10^-3.
    Series,
    /// A longer one, off by less than 2 · 10^-5.
    Exact,
}

/// A checked logistic function of a range.
#[derive(Clone, Copy, Debug)]
pub struct Sigmoid {
    how: How,
    last: Option<Truncation>,
    out: Fixed,
}

#[derive(Clone, Copy, Debug)]
enum How {
    Linear { half: u64, reach: f64 },
    Segments { half: u64, four: u64, one: u64, width: usize },
    Cubic { square: Product, product: Product, scale: u64, add: u64, half: u64 },
    Waves { wave: &'static Wave, factor: u64, precision: Precision },
}

impl Sigmoid {
    /// 1 / (1 + e^−x) with `frac` fraction bits.
    ///
    /// # Errors
    /// [`FixedError::Reach`] if the shape does not serve the whole range; [`FixedError::TooWide`] or [`FixedError::Fraction`] if
    /// there is no room for so many fraction bits, or the shape gives fewer.
    pub fn new(from: Fixed, shape: Logistic, frac: u32) -> Result<Self, FixedError> {
        let half = 1 << (from.frac() + 2);
        match shape {
            Logistic::Linear => {
                let (low, high) = from.words();
                let whole = Fixed::of_words(from.frac() + 3, low + half, high + half)?;
                Self::rounded(
                    How::Linear { half: half.cast_unsigned(), reach: reach(from) },
                    whole,
                    frac,
                )
            }
            Logistic::Segments => Self::segments(from, frac),
            Logistic::Cubic => Self::cubic(from, frac),
            Logistic::Series => Self::waves(from, &SHORT, frac, 30),
            Logistic::Exact => Self::waves(from, &LONG, frac, 42),
        }
    }

    fn rounded(how: How, whole: Fixed, frac: u32) -> Result<Self, FixedError> {
        if whole.frac() == frac {
            return Ok(Self { how, last: None, out: whole });
        }
        let last = Truncation::exact(whole, frac)?;
        Ok(Self { how, last: Some(last), out: last.out() })
    }

    fn segments(from: Fixed, frac: u32) -> Result<Self, FixedError> {
        let (low, high) = from.words();
        let four = 4_i64 << from.frac();
        let moved =
            Fixed::of_words(from.frac(), low.saturating_sub(four), high.saturating_add(four))?;
        let one = 1_u64 << (from.frac() + 3);
        let whole = Fixed::of_words(from.frac() + 3, 0, one.cast_signed())?;
        let width = moved.bits() as usize;
        let how = How::Segments { half: one / 2, four: four.cast_unsigned(), one, width };
        Self::rounded(how, whole, frac)
    }

    fn cubic(from: Fixed, frac: u32) -> Result<Self, FixedError> {
        within(from, CUBIC_REACH)?;
        let room = 41_u32.checked_sub(from.frac()).filter(|room| *room > 8);
        let Some(room) = room else {
            return Err(FixedError::TooWide { what: "a cubic", bits: from.frac() + 29, limit: 62 });
        };
        let square =
            Product::new(from, from, room.min(20).min((2 * from.frac()).saturating_sub(1)))?;
        let digits = square.out().frac() + CUBIC_BITS;
        let factor = Fixed::new(digits, CUBIC.0 + 26.0 * CUBIC.1, CUBIC.0 + 0.01)?;
        let product = Product::new(from, factor, frac)?;
        let (low, high) = product.out().words();
        let half = 1_i64 << frac >> 1;
        let out = Fixed::of_words(frac, low + half, high + half)?;
        let (scale, add) = (unit(CUBIC_BITS) * CUBIC.1, unit(digits) * CUBIC.0);
        let (scale, add) =
            (whole(scale.round()).cast_unsigned(), whole(add.round()).cast_unsigned());
        let how = How::Cubic { square, product, scale, add, half: half.cast_unsigned() };
        Ok(Self { how, last: None, out })
    }

    fn waves(
        from: Fixed,
        sums: &'static [Wave],
        frac: u32,
        least: u32,
    ) -> Result<Self, FixedError> {
        let reach = reach(from);
        let limit = sums.last().map_or(0.0, |wave| wave.reach);
        let wave = sums.iter().find(|wave| reach <= wave.reach);
        let wave = wave.ok_or(FixedError::Reach { what: "this sigmoid", limit })?;
        let turns = unit(64) / (wave.period * unit(from.frac()));
        if turns >= unit(61) || frac > 52 {
            return Err(FixedError::Fraction { what: "this sigmoid", from: from.frac(), to: frac });
        }
        let precision = Precision { frac: frac.max(least), gain: 1.0 };
        let factor = whole(turns.round()).cast_unsigned();
        let out = Fixed::new(precision.frac, -0.01, 1.01)?;
        Self::rounded(How::Waves { wave, factor, precision }, out, frac)
    }

    /// What comes out.
    #[must_use]
    pub fn out(&self) -> Fixed {
        self.out
    }

    /// How far the result may be off.
    #[must_use]
    pub fn error(&self) -> Tolerance {
        let mut absolute = match &self.how {
            How::Linear { reach, .. } => (reach / 8.0 - 0.5).max(LINE_ERROR),
            How::Segments { .. } => LINE_ERROR,
            How::Cubic { square, product, .. } => {
                CUBIC_ERROR + square.error().absolute * 0.03 + product.error().absolute
            }
            How::Waves { wave, precision, .. } => wave.error + wave.sum.rounding(*precision),
        };
        absolute += self.last.map_or(0.0, |last| last.error().absolute);
        Tolerance { absolute, relative: 0.0 }
    }
}

/// The largest magnitude of a range.
fn reach(from: Fixed) -> f64 {
    from.low().abs().max(from.high().abs())
}

/// Refuses a range beyond ±`limit`.
fn within(from: Fixed, limit: f64) -> Result<(), FixedError> {
    if reach(from) > limit {
        return Err(FixedError::Reach { what: "this sigmoid", limit });
    }
    Ok(())
}

/// The logistic function.
///
/// # Shape
/// `n` values; returns `n`.
///
/// # Cost
/// Before the truncation of the result, where there is one: linear nothing; segments two comparisons and bit injections, and a
/// multiplication; cubic two products; series and exact 2 rounds, where P0 sends two words a harmonic (5 to 14, and 9 or 15, by the
/// range) and P1 and P2 one.
///
/// # Errors
/// Channel errors pass through.
///
/// # Security
/// Semi-honest: comparisons, multiplications and sums of known products only.
///
/// # Source
/// Linear and segments: the menu of SecretFlow-SPU (MM1, SEG3); the sums: see the series' module, coefficients by linear
/// programming over Chebyshev points for the least maximal error.
pub fn sigmoid(
    s: &mut Session,
    x: &Shared<Z64>,
    plan: &Sigmoid,
) -> Result<Shared<Z64>, SessionError> {
    spread(s, x.len(), |s, rows| part(s, &cut(x, &rows), plan))
}

fn part(s: &mut Session, x: &Shared<Z64>, plan: &Sigmoid) -> Result<Shared<Z64>, SessionError> {
    let role = s.role();
    let y = match &plan.how {
        How::Linear { half, .. } => {
            let mut y = x.clone();
            y.add_constant(role, *half);
            y
        }
        How::Segments { half, four, one, width } => {
            let mut line = x.clone();
            line.add_constant(role, *half);
            pieces(s, x, &line, (*four, *one, *width))?
        }
        How::Cubic { square, product, scale, add, half } => {
            let mut factor = mul(s, x, x, square)?;
            factor.scale(*scale);
            factor.add_constant(role, *add);
            let mut y = mul(s, x, &factor, product)?;
            y.add_constant(role, *half);
            y
        }
        How::Waves { wave, factor, precision } => {
            let mut turns = in_clear(role, x);
            Z64::scale_assign(&mut turns, *factor);
            series(s, &turns, &wave.sum, *precision)?
        }
    };
    match &plan.last {
        Some(last) => truncate(s, &y, last),
        None => Ok(y),
    }
}

/// Twin of [`sigmoid`].
pub fn sigmoid_cost(m: &mut Meter, n: usize, plan: &Sigmoid) {
    spread_cost(m, n, |m, n| part_cost(m, n, plan));
}

fn part_cost(m: &mut Meter, n: usize, plan: &Sigmoid) {
    match &plan.how {
        How::Linear { .. } => {}
        How::Segments { width, .. } => {
            lt_zero_cost(m, 2 * n, *width);
            inject_cost::<Z64>(m, 2 * n, 1);
            whole_mul_cost::<Z64>(m, n);
        }
        How::Cubic { square, product, .. } => {
            mul_cost(m, n, square);
            mul_cost(m, n, product);
        }
        How::Waves { wave, .. } => series_cost(m, n, &wave.sum),
    }
    if let Some(last) = &plan.last {
        truncate_cost(m, n, last);
    }
}

/// `line` between −4 and 4, 0 below, 1 above.
fn pieces(
    s: &mut Session,
    x: &Shared<Z64>,
    line: &Shared<Z64>,
    (four, one, width): (u64, u64, usize),
) -> Result<Shared<Z64>, SessionError> {
    let (n, role) = (x.len(), s.role());
    let mut below = x.clone();
    below.add_constant(role, four);
    let mut above = x.clone();
    above.negate();
    above.add_constant(role, four);
    let outside = lt_zero(s, &Shared::concat(&[&below, &above]), width)?;
    let outside = inject::<Z64>(s, &outside)?;
    let (below, mut above) = (outside.slice(0, n), outside.slice(n, 2 * n));
    let mut inside = below.plus(&above);
    inside.negate();
    inside.add_constant(role, 1);
    above.scale(one);
    Ok(whole_mul(s, line, &inside)?.plus(&above))
}

/// A sum for |x| up to `reach`, of a period somewhat longer than the range.
#[derive(Debug)]
struct Wave {
    reach: f64,
    period: f64,
    error: f64,
    sum: Series,
}

/// A sum of sines of odd multiples, and a half.
const fn odd(reach: f64, period: f64, error: f64, factors: &'static [(f64, f64)]) -> Wave {
    Wave { reach, period, error, sum: Series { harmonics: (1, 2), factors, constant: 0.5 } }
}

/// How far 1/2 + x/8 is off between −4 and 4.
const LINE_ERROR: f64 = 0.1333;
const CUBIC_REACH: f64 = 5.0;
const CUBIC_ERROR: f64 = 0.0390;
/// Factors of x and x³: the least maximal error on −5 to 5.
const CUBIC: (f64, f64) = (0.197_512_9, -0.004_265_18);
/// Fraction bits of the second.
const CUBIC_BITS: u32 = 20;

static SHORT: [Wave; 3] = [
    odd(
        8.0,
        29.6,
        5.8e-4,
        &[
            (0.0, 0.591_951_393),
            (0.0, 0.116_843_442),
            (0.0, 0.030_398_526),
            (0.0, 0.007_897_709),
            (0.0, 0.002_309_180),
        ],
    ),
    odd(
        16.0,
        46.4,
        4.95e-4,
        &[
            (0.0, 0.617_857_064),
            (0.0, 0.163_917_764),
            (0.0, 0.065_472_208),
            (0.0, 0.027_681_563),
            (0.0, 0.011_739_826),
            (0.0, 0.005_044_038),
            (0.0, 0.002_167_092),
            (0.0, 0.001_091_551),
        ],
    ),
    odd(
        32.0,
        78.4,
        3.8e-4,
        &[
            (0.0, 0.629_984_272),
            (0.0, 0.193_355_161),
            (0.0, 0.099_004_068),
            (0.0, 0.056_622_081),
            (0.0, 0.033_594_848),
            (0.0, 0.020_234_779),
            (0.0, 0.012_214_428),
            (0.0, 0.007_308_611),
            (0.0, 0.004_361_470),
            (0.0, 0.002_680_832),
            (0.0, 0.001_707_842),
            (0.0, 0.001_027_358),
            (0.0, 0.000_514_682),
            (0.0, 0.000_526_614),
        ],
    ),
];

static LONG: [Wave; 2] = [
    odd(
        8.0,
        32.8,
        9.2e-6,
        &[
            (0.0, 0.599_819_809),
            (0.0, 0.129_425_536),
            (0.0, 0.037_932_542),
            (0.0, 0.011_326_113),
            (0.0, 0.003_421_406),
            (0.0, 0.001_011_377),
            (0.0, 0.000_315_721),
            (0.0, 0.000_086_778),
            (0.0, 0.000_035_734),
        ],
    ),
    odd(
        16.0,
        54.4,
        8.5e-6,
        &[
            (0.0, 0.622_863_452),
            (0.0, 0.175_444_089),
            (0.0, 0.077_340_518),
            (0.0, 0.036_665_677),
            (0.0, 0.017_659_704),
            (0.0, 0.008_539_108),
            (0.0, 0.004_130_331),
            (0.0, 0.001_999_319),
            (0.0, 0.000_968_423),
            (0.0, 0.000_466_866),
            (0.0, 0.000_228_170),
            (0.0, 0.000_108_761),
            (0.0, 0.000_052_878),
            (0.0, 0.000_027_223),
            (0.0, 0.000_014_661),
        ],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn logistic(x: f64) -> f64 {
        1.0 / (1.0 + (-x).exp())
    }

    fn worst(reach: f64, of: impl Fn(f64) -> f64) -> f64 {
        let points = (-20_000..=20_000).map(|i| reach * f64::from(i) / 20_000.0);
        points.map(|x| (of(x) - logistic(x)).abs()).fold(0.0, f64::max)
    }

    #[test]
    fn the_approximations_are_as_good_as_they_say() {
        for wave in SHORT.iter().chain(&LONG) {
            let error = worst(wave.reach, |x| wave.sum.at(x / wave.period));
            assert!(error <= wave.error && error > 0.9 * wave.error, "{wave:?}: {error}");
        }
        let cubic = worst(CUBIC_REACH, |x| 0.5 + CUBIC.0 * x + CUBIC.1 * x * x * x);
        assert!(cubic <= CUBIC_ERROR, "cubic: {cubic}");
        let line = worst(4.0, |x| 0.5 + x / 8.0);
        assert!(line <= LINE_ERROR, "line: {line}");
    }
}
