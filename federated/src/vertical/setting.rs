//! A planned training: precisions and bounds.

use protocols::mpc::fixed::{Fixed, FixedError, Logistic, Rounding, Sigmoid};

use super::error::SettingError;

/// Fraction bits of weights, at most and at least.
const WEIGHT_BITS: std::ops::RangeInclusive<u32> = 12..=24;
/// Rows, features and steps, at most: 2^62 bounds them anyway, this keeps their products countable.
const MOST: usize = 1 << 31;
/// Fraction bits of probabilities where the curve does not fix them.
const SERIES_BITS: u32 = 30;
const CUBIC_BITS: u32 = 24;
/// Exponents of rates.
const RATES: std::ops::RangeInclusive<i32> = -20..=4;

/// What is public of the joined rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Table {
    /// Rows, those included that turn out not to be live.
    pub rows: usize,
    /// Features of a row; the intercept is not one of them.
    pub columns: usize,
    /// Fraction bits and range of every feature. Means of 0 and deviations of 1, cut at ±4 and with 12 bits, suit most tables.
    pub features: Fixed,
}

/// The logistic function in a step.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Curve {
    /// 1/2 + z/8 between −4 and 4, 0 below and 1 above: right for whatever `z`, and so the one to take.
    Segments,
    /// The best cubic for −5 to 5: fewer bytes, but a model that gets beyond is worth nothing.
    Cubic,
    /// A trigonometric sum, off by less than 10^-3 as long as `z` stays within ± this (32 at most), and wrong beyond.
    Series {
        /// How far `z` gets.
        logits: f64,
    },
}

/// How weights are found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Descent {
    /// Passes over the rows.
    pub epochs: usize,
    /// Rows a step, a power of two; all rows in one step if it is more than there are.
    pub batch: usize,
    /// The length of a step along the mean gradient of a batch, a power of two.
    pub rate: f64,
    /// λ of the penalty λ/2·‖w‖², which spares the intercept; 0 for none.
    pub penalty: f64,
    /// The logistic function.
    pub curve: Curve,
}

/// A checked training: nothing in it can overflow for features within their range.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    pub(super) table: Table,
    pub(super) descent: Descent,
    pub(super) batches: usize,
    pub(super) curve: Sigmoid,
    pub(super) step: Rounding,
    /// What a weight's word counts in a gradient's: the penalty.
    pub(super) pull: u64,
    weights: Fixed,
}

impl Setting {
    /// The training with the finest weights that fit.
    ///
    /// # Errors
    /// [`SettingError`].
    pub fn new(table: Table, descent: Descent) -> Result<Self, SettingError> {
        let batches = checked(&table, &descent)?;
        let mut last = SettingError::Empty;
        for bits in WEIGHT_BITS.rev() {
            match Self::with_weights(table, descent, batches, bits) {
                Ok(setting) => return Ok(setting),
                Err(error) => last = SettingError::Room(error),
            }
        }
        Err(last)
    }

    fn with_weights(
        table: Table,
        descent: Descent,
        batches: usize,
        bits: u32,
    ) -> Result<Self, FixedError> {
        let Descent { rate, penalty, batch, .. } = descent;
        let (reach, frac) = (reach(table.features), table.features.frac());
        let error = curve_error(descent.curve);
        let weight = furthest(&descent, batches, reach * error, bits);
        let logit = (table.columns as f64 * reach + 1.0) * weight;
        let curve = curve(descent.curve, frac + bits, logit)?;
        let class_bits = curve.out().frac();
        // The mean gradient of a batch, times the rate: the sum's words with more fraction bits.
        let scale = frac + class_bits + batch.trailing_zeros();
        let scale = scale.checked_add_signed(-exponent(rate)).unwrap_or(u32::MAX);
        let moved = rate * (reach * error + penalty * weight);
        let step = Rounding::new(Fixed::new(scale, -moved, moved)?, bits)?;
        let pull =
            penalty * batch as f64 * f64::from(frac + class_bits).exp2() / f64::from(bits).exp2();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "within a gradient's range"
        )]
        let pull = pull.round() as u64;
        let weights = Fixed::new(bits, -weight, weight)?;
        Ok(Self { table, descent, batches, curve, step, pull, weights })
    }

    /// Fraction bits of the weights, and how far they can get.
    #[must_use]
    pub fn weights(&self) -> Fixed {
        self.weights
    }

    /// How many weights there are: one a feature, and behind them the intercept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.columns + 1
    }

    /// Never: there is an intercept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Steps in all.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.descent.epochs * self.batches
    }

    /// The table it is for.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// The descent it was made of.
    #[must_use]
    pub fn descent(&self) -> &Descent {
        &self.descent
    }

    /// Rows of batch `k`.
    pub(super) fn batch_rows(&self, k: usize) -> usize {
        (self.table.rows - k).div_ceil(self.batches)
    }

    /// How many batches an epoch has.
    pub(super) fn batches(&self) -> usize {
        self.batches
    }
}

/// The number of batches of figures that make sense.
fn checked(table: &Table, descent: &Descent) -> Result<usize, SettingError> {
    let Descent { epochs, batch, rate, penalty, .. } = *descent;
    if table.rows == 0 || table.columns == 0 || epochs == 0 || batch == 0 {
        return Err(SettingError::Empty);
    }
    for (what, got) in
        [("rows", table.rows), ("features", table.columns), ("epochs", epochs), ("batch", batch)]
    {
        if got > MOST {
            return Err(SettingError::Many { what, got, most: MOST });
        }
    }
    let batches = table.rows.div_ceil(batch);
    let steps = epochs.saturating_mul(batches);
    if steps > MOST {
        return Err(SettingError::Many { what: "steps", got: steps, most: MOST });
    }
    if !batch.is_power_of_two() {
        let near = (batch.next_power_of_two() / 2) as f64;
        return Err(SettingError::Power { what: "a batch of", got: batch as f64, near });
    }
    if !RATES.map(power).any(|known| known == rate) {
        let near =
            RATES.rev().map(power).find(|known| *known <= rate).unwrap_or_else(|| power(-20));
        return Err(SettingError::Power { what: "a rate of", got: rate, near });
    }
    if !(penalty >= 0.0 && penalty * rate <= 1.0) {
        return Err(SettingError::Penalty { penalty, rate });
    }
    Ok(batches)
}

fn power(exponent: i32) -> f64 {
    f64::from(exponent).exp2()
}

/// The exponent of a rate that is a power of two.
fn exponent(rate: f64) -> i32 {
    RATES.clone().find(|exponent| power(*exponent) == rate).unwrap_or(0)
}

/// The largest magnitude of a feature, the intercept's 1 included.
fn reach(features: Fixed) -> f64 {
    features.low().abs().max(features.high().abs()).max(1.0)
}

/// How far a probability can be from a class.
fn curve_error(curve: Curve) -> f64 {
    match curve {
        Curve::Segments => 1.0,
        // What the sums and roundings add is below a hundredth; the cubic lies between −0.05 and 1.05 where it holds.
        Curve::Cubic | Curve::Series { .. } => 1.0625,
    }
}

/// How far a weight can get: the steps all one way; with a penalty, where the pull back is as strong as they are.
fn furthest(descent: &Descent, batches: usize, gradient: f64, bits: u32) -> f64 {
    let Descent { epochs, rate, penalty, .. } = *descent;
    // A step is rounded by half a unit at most.
    let step = rate * gradient + f64::from(bits).exp2().recip();
    let straight = (epochs * batches) as f64 * step;
    if penalty > 0.0 { straight.min(step / (rate * penalty)) } else { straight }
}

/// The curve for `z` of so many fraction bits, within ±`logit` for certain.
fn curve(curve: Curve, frac: u32, logit: f64) -> Result<Sigmoid, FixedError> {
    match curve {
        // The line has three fraction bits more and is not cut: what it would save is cut off the gradient anyway.
        Curve::Segments => {
            Sigmoid::new(Fixed::new(frac, -logit, logit)?, Logistic::Segments, frac + 3)
        }
        Curve::Cubic => {
            let most = logit.min(5.0);
            Sigmoid::new(Fixed::new(frac, -most, most)?, Logistic::Cubic, CUBIC_BITS)
        }
        Curve::Series { logits } => {
            let most = logit.min(logits);
            Sigmoid::new(Fixed::new(frac, -most, most)?, Logistic::Series, SERIES_BITS)
        }
    }
}
