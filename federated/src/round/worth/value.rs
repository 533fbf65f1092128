//! A value and its error, as integers that all parties work out alike.

use super::terms::{FOLDS, VALUE_BITS};

/// What one provider's updates were worth over all rounds: how much less the validation loss of the model is for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value {
    /// The sum over folds.
    sum: i64,
    /// Folds times the sum of squares over folds, less the square of the sum.
    apart: u128,
}

impl Value {
    pub(super) fn new(sum: i64, apart: u128) -> Self {
        Self { sum, apart }
    }

    /// The value in millionths: the mean over folds.
    #[must_use]
    pub fn micro(&self) -> i64 {
        let unit = (FOLDS as i128) << VALUE_BITS;
        let value = i128::from(self.sum) * 1_000_000;
        i64::try_from((value + unit / 2).div_euclid(unit)).unwrap_or(i64::MAX)
    }

    /// Its standard error in millionths, rounded up: `√(apart / (J²·(J−1)))` for J folds.
    #[must_use]
    pub fn error_micro(&self) -> u64 {
        let folds = FOLDS as u128;
        // Twelve more bits before the root, and six after it.
        let variance = (self.apart.min(u128::MAX >> 24) << 12) / (folds - 1);
        let error = variance.isqrt().saturating_mul(1_000_000).div_ceil(folds << (VALUE_BITS + 6));
        u64::try_from(error).unwrap_or(u64::MAX)
    }

    /// The ends of the interval that has the true value in 95 of 100 cases, in millionths.
    #[must_use]
    pub fn interval_micro(&self) -> [i64; 2] {
        // Student's t at 97.5 % for 7 degrees of freedom, in thousandths.
        const T: i128 = 2365;
        let (value, half) = (i128::from(self.micro()), i128::from(self.error_micro()) * T / 1000);
        let end = |x: i128| i64::try_from(x).unwrap_or(if x < 0 { i64::MIN } else { i64::MAX });
        [end(value - half), end(value + half)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_the_mean_of_folds_and_its_error_that_of_a_mean() {
        let of = |folds: [f64; FOLDS]| {
            #[expect(clippy::cast_possible_truncation, reason = "small")]
            let words = folds.map(|x| (x * f64::from(1 << VALUE_BITS)).round() as i128);
            let (sum, squares): (i128, i128) =
                words.iter().fold((0, 0), |(sum, squares), x| (sum + x, squares + x * x));
            let apart = FOLDS as i128 * squares - sum * sum;
            Value::new(i64::try_from(sum).unwrap(), apart.cast_unsigned())
        };
        let same = of([-0.25; FOLDS]);
        assert_eq!((same.micro(), same.error_micro()), (-250_000, 0));
        assert_eq!(same.interval_micro(), [-250_000; 2]);
        let folds = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8];
        let spread = of(folds);
        assert!((spread.micro() - 450_000).abs() <= 1);
        // The deviation of 1 to 8 is √6.
        let want = 1e5 * (6.0_f64 / 8.0).sqrt();
        assert!((spread.error_micro() as f64 - want).abs() < 5.0, "{spread:?}");
        let [low, high] = spread.interval_micro();
        assert!((high - low - 2 * 204_800).abs() < 100, "{low} {high}");
    }
}
