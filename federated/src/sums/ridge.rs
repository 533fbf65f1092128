//! Linear regression with a penalty on large coefficients.

use super::solve::Symmetric;
use crate::model::Rows;

/// Linear regression of d features and an intercept, which is not penalised.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ridge {
    features: usize,
    penalty: f64,
}

/// Why totals give no model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SumsError {
    /// Totals of another model.
    #[error("{got} sums where the model has {want}")]
    Length {
        /// How many there are.
        got: usize,
        /// How many there should be.
        want: usize,
    },
    /// Too few rows to say anything of.
    #[error(
        "{rows} rows in all, and {least} are the least for this model: sums over few rows say much of each"
    )]
    Few {
        /// How many there are.
        rows: u64,
        /// How many there must be.
        least: u64,
    },
    /// No single solution.
    #[error("the features depend on each other; leave one out, or set a penalty")]
    Singular,
}

impl Ridge {
    /// Rows for each feature, of all providers together.
    pub const LEAST_ROWS: u64 = 10;

    /// For so many features, with a penalty of `penalty / 2` times the squares of their coefficients.
    #[must_use]
    pub const fn new(features: usize, penalty: f64) -> Self {
        Self { features, penalty }
    }

    /// How many sums there are.
    #[must_use]
    pub const fn sums(&self) -> usize {
        let n = self.features + 1;
        Symmetric::size(n) + n + 1
    }

    /// One provider's sums: the lower triangle of `XᵀX` with a last feature of 1, `Xᵀy`, `yᵀy`.
    ///
    /// # Panics
    /// If the rows have other features.
    #[must_use]
    pub fn of_rows(&self, rows: &Rows) -> Vec<f64> {
        assert_eq!(rows.features(), self.features, "another model's rows");
        let n = self.features + 1;
        let (mut square, mut right, mut own) =
            (Symmetric::zeros(n), vec![0.0; n + 1], vec![1.0; n]);
        for at in 0..rows.len() {
            let y = f64::from(rows.label(at));
            own.iter_mut().zip(rows.row(at)).for_each(|(own, x)| *own = f64::from(*x));
            square.add_square(&own, 1.0);
            right.iter_mut().zip(&own).for_each(|(sum, x)| *sum += x * y);
            right[n] += y * y;
        }
        [square.values(), &right].concat()
    }

    /// The coefficients, the intercept last, and the mean squared error on the rows of the totals.
    ///
    /// # Errors
    /// [`SumsError`].
    pub fn solve(&self, totals: &[f64]) -> Result<(Vec<f64>, f64), SumsError> {
        let n = self.features + 1;
        let mut square = lower(n, totals, self.sums())?;
        let right = &totals[Symmetric::size(n)..];
        // The last feature is 1 in each row.
        let rows = square.values()[Symmetric::size(n) - 1];
        enough(rows, self.features)?;
        square.add_ridge(self.penalty);
        let solution = square.solve(&right[..n]).ok_or(SumsError::Singular)?;
        // ‖y − Xβ‖² = yᵀy − 2βᵀXᵀy + βᵀXᵀXβ, and XᵀXβ = Xᵀy − penalty·β.
        let dot: f64 = solution.iter().zip(right).map(|(a, b)| a * b).sum();
        let norm: f64 = solution[..self.features].iter().map(|x| x * x).sum();
        let error = (right[n] - dot - self.penalty * norm).max(0.0) / rows;
        Ok((solution, error))
    }
}

/// The matrix at the beginning of totals.
pub(super) fn lower(n: usize, totals: &[f64], want: usize) -> Result<Symmetric, SumsError> {
    if totals.len() == want {
        Ok(Symmetric::of(n, totals))
    } else {
        Err(SumsError::Length { got: totals.len(), want })
    }
}

/// Whether so many rows will do for so many features.
pub(super) fn enough(rows: f64, features: usize) -> Result<(), SumsError> {
    let least = Ridge::LEAST_ROWS * (features as u64 + 1);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of rows")]
    let rows = rows.max(0.0).round() as u64;
    if rows < least { Err(SumsError::Few { rows, least }) } else { Ok(()) }
}
