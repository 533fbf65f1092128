//! Logistic regression by Newton's method.

use super::{
    ridge::{SumsError, enough, lower},
    solve::Symmetric,
};
use crate::model::Rows;

/// Logistic regression of d features and an intercept, from coefficients of 0 on.
#[derive(Clone, Debug, PartialEq)]
pub struct Newton {
    features: usize,
    penalty: f64,
    coefficients: Vec<f64>,
    loss: f64,
}

impl Newton {
    /// For so many features, with a penalty of `penalty / 2` times the squares of their coefficients: a small one keeps
    /// separable rows from driving them to infinity.
    #[must_use]
    pub fn new(features: usize, penalty: f64) -> Self {
        Self { features, penalty, coefficients: vec![0.0; features + 1], loss: f64::INFINITY }
    }

    /// From these coefficients on, the intercept's last.
    #[must_use]
    pub fn at(penalty: f64, coefficients: &[f32]) -> Self {
        let coefficients: Vec<f64> = coefficients.iter().map(|x| f64::from(*x)).collect();
        let features = coefficients.len().saturating_sub(1);
        Self { features, penalty, coefficients, loss: f64::INFINITY }
    }

    /// The coefficients so far, the intercept last: what providers are told for the next round.
    #[must_use]
    pub fn coefficients(&self) -> &[f64] {
        &self.coefficients
    }

    /// The mean loss at the coefficients before the last step.
    #[must_use]
    pub const fn loss(&self) -> f64 {
        self.loss
    }

    /// How many sums there are.
    #[must_use]
    pub const fn sums(&self) -> usize {
        let n = self.features + 1;
        Symmetric::size(n) + n + 2
    }

    /// One provider's sums at the coefficients: the lower triangle of `XᵀWX`, `Xᵀ(y − p)`, the loss, and how many rows.
    ///
    /// # Panics
    /// If the rows have other features.
    #[must_use]
    pub fn of_rows(&self, rows: &Rows) -> Vec<f64> {
        assert_eq!(rows.features(), self.features, "another model's rows");
        let n = self.features + 1;
        let (mut square, mut right, mut own) =
            (Symmetric::zeros(n), vec![0.0; n + 2], vec![1.0; n]);
        for at in 0..rows.len() {
            let y = f64::from(rows.label(at));
            own.iter_mut().zip(rows.row(at)).for_each(|(own, x)| *own = f64::from(*x));
            let odds: f64 = own.iter().zip(&self.coefficients).map(|(x, c)| x * c).sum();
            let p = 1.0 / (1.0 + libm::exp(-odds));
            square.add_square(&own, p * (1.0 - p));
            right.iter_mut().zip(&own).for_each(|(sum, x)| *sum += x * (y - p));
            right[n] += odds.max(0.0) - y * odds + libm::log1p(libm::exp(-odds.abs()));
            right[n + 1] += 1.0;
        }
        [square.values(), &right].concat()
    }

    /// Takes a step by the totals; gives the largest change of a coefficient. Below 10^-6 another step changes nothing.
    ///
    /// # Errors
    /// [`SumsError`].
    pub fn step(&mut self, totals: &[f64]) -> Result<f64, SumsError> {
        let n = self.features + 1;
        let mut square = lower(n, totals, self.sums())?;
        let (right, figures) = totals[Symmetric::size(n)..].split_at(n);
        enough(figures[1], self.features)?;
        square.add_ridge(self.penalty);
        let penalised = |(at, g): (usize, &f64)| {
            if at < self.features { g - self.penalty * self.coefficients[at] } else { *g }
        };
        let right: Vec<f64> = right.iter().enumerate().map(penalised).collect();
        let step = square.solve(&right).ok_or(SumsError::Singular)?;
        self.coefficients.iter_mut().zip(&step).for_each(|(c, d)| *c += d);
        self.loss = figures[0] / figures[1];
        Ok(step.iter().fold(0.0, |most, d| d.abs().max(most)))
    }
}
