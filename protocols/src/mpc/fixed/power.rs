//! Powers of positive values, `x^p = 2^(p · log2 x)`: reciprocal, square root and its reciprocal; and division.

use super::{
    exp::{Exp, exp, exp_cost},
    format::{Fixed, FixedError, Tolerance, unit},
    log::{Log, log, log_cost},
    product::{Product, mul, mul_cost},
};
use crate::{
    mpc::spread::{cut, spread, spread_cost},
    ring::Z64,
    session::{Meter, Session, SessionError},
    share::Shared,
};

/// A checked power of a positive range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Power {
    log: Log,
    exp: Exp,
    exponent: f64,
}

impl Power {
    /// `x^exponent` with `frac` fraction bits.
    ///
    /// # Errors
    /// [`FixedError::Domain`] unless the range's lower end is positive; [`FixedError::TooWide`] if the result does not fit, or the
    /// range has so many octaves that fewer than 12 bits would be exact.
    pub fn new(from: Fixed, exponent: f64, frac: u32) -> Result<Self, FixedError> {
        let log = Log::binary(from, 1.0)?;
        let exp = Exp::with_rate(log.out(), exponent / unit(log.out().frac()), frac)?;
        Ok(Self { log, exp, exponent })
    }

    /// 1/x.
    ///
    /// # Errors
    /// As [`Power::new`].
    pub fn reciprocal(from: Fixed, frac: u32) -> Result<Self, FixedError> {
        Self::new(from, -1.0, frac)
    }

    /// √x.
    ///
    /// # Errors
    /// As [`Power::new`].
    pub fn sqrt(from: Fixed, frac: u32) -> Result<Self, FixedError> {
        Self::new(from, 0.5, frac)
    }

    /// 1/√x.
    ///
    /// # Errors
    /// As [`Power::new`].
    pub fn rsqrt(from: Fixed, frac: u32) -> Result<Self, FixedError> {
        Self::new(from, -0.5, frac)
    }

    /// What comes out.
    #[must_use]
    pub fn out(&self) -> Fixed {
        self.exp.out()
    }

    /// How far the result may be off.
    #[must_use]
    pub fn error(&self) -> Tolerance {
        let Tolerance { absolute, relative } = self.exp.error();
        let exponent = self.exponent.abs() * self.log.error().absolute * std::f64::consts::LN_2;
        Tolerance { absolute, relative: relative + 1.01 * exponent }
    }
}

/// A power of positive values.
///
/// # Shape
/// `n` values; returns `n`.
///
/// # Cost
/// That of [`log`](super::log) without truncation and of [`exp`](super::exp).
///
/// # Errors
/// Channel errors pass through.
///
/// # Security
/// That of [`log`](super::log) and [`exp`](super::exp).
pub fn power(s: &mut Session, x: &Shared<Z64>, plan: &Power) -> Result<Shared<Z64>, SessionError> {
    spread(s, x.len(), |s, rows| {
        let y = log(s, &cut(x, &rows), &plan.log)?;
        exp(s, &y, &plan.exp)
    })
}

/// Twin of [`power`].
pub fn power_cost(m: &mut Meter, n: usize, plan: &Power) {
    spread_cost(m, n, |m, n| {
        log_cost(m, n, &plan.log);
        exp_cost(m, n);
    });
}

/// A checked quotient of a range and a positive range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quotient {
    reciprocal: Power,
    product: Product,
    /// The largest dividend.
    most: f64,
}

impl Quotient {
    /// `x / y` with `frac` fraction bits. The reciprocal gets as many as the product leaves room for.
    ///
    /// # Errors
    /// [`FixedError::Domain`] unless the divisor's lower end is positive; [`FixedError::TooWide`] if quotient or reciprocal do not
    /// fit.
    pub fn new(x: Fixed, y: Fixed, frac: u32) -> Result<Self, FixedError> {
        let (low, _) = y.words();
        if low <= 0 {
            return Err(FixedError::Domain { what: "a division", low: y.low() });
        }
        // Bits of 1/y before the point, at most; and one more each for the ends' margins.
        let before = i64::from(y.frac()) + 2 - i64::from(64 - low.leading_zeros());
        let room = 61 - i64::from(x.bits()) - before;
        let bits = u32::try_from(room.clamp(0, 60)).unwrap_or(0);
        let reciprocal = Power::reciprocal(y, bits)?;
        let product = Product::new(x, reciprocal.out(), frac)?;
        let most = x.low().abs().max(x.high().abs());
        Ok(Self { reciprocal, product, most })
    }

    /// What comes out.
    #[must_use]
    pub fn out(&self) -> Fixed {
        self.product.out()
    }

    /// How far the result may be off, where the dividend is largest.
    #[must_use]
    pub fn error(&self) -> Tolerance {
        let Tolerance { absolute, relative } = self.reciprocal.error();
        Tolerance { absolute: absolute * self.most + self.product.error().absolute, relative }
    }
}

/// Divides two fixed-point vectors element by element; divisors are positive.
///
/// # Shape
/// Equal lengths `n`; returns `n`.
///
/// # Cost
/// That of [`power`](super::power) and of [`mul`](super::mul).
///
/// # Errors
/// [`SessionError::Shape`] if the lengths differ; channel errors pass through.
///
/// # Security
/// That of [`power`](super::power) and [`mul`](super::mul).
pub fn div(
    s: &mut Session,
    x: &Shared<Z64>,
    y: &Shared<Z64>,
    plan: &Quotient,
) -> Result<Shared<Z64>, SessionError> {
    s.same_len(x.len(), y.len())?;
    spread(s, x.len(), |s, rows| {
        let reciprocal = power(s, &cut(y, &rows), &plan.reciprocal)?;
        mul(s, &cut(x, &rows), &reciprocal, &plan.product)
    })
}

/// Twin of [`div`].
pub fn div_cost(m: &mut Meter, n: usize, plan: &Quotient) {
    spread_cost(m, n, |m, n| {
        power_cost(m, n, &plan.reciprocal);
        mul_cost(m, n, &plan.product);
    });
}
