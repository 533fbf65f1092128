//! A model that is solved for from sums over all rows, as rounds of training ask for it.

use super::{
    fixed::{Fixed, FixedError},
    newton::Newton,
    ridge::{Ridge, SumsError, enough},
};
use crate::model::Rows;

/// Which model is solved for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// [`Ridge`]: in one round, from whatever model it begins.
    Ridge,
    /// [`Newton`]: a step a round, from the model that is handed out.
    Newton,
}

/// What providers add up instead of training, and what becomes of the total. Features are within −1 and 1; labels are divided by a
/// [unit](Self::with_unit), so that no sum is larger than the number of rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exact {
    method: Method,
    penalty: f64,
    unit: f64,
    fixed: Fixed,
}

/// What a feature may be beyond 1 by the rounding of its scaling, generously.
const SLACK: f64 = 2.0;

impl Exact {
    /// For so many providers of at most so many rows each; the penalty is that of [`Ridge::new`] and [`Newton::new`].
    ///
    /// # Errors
    /// [`FixedError::Bits`]: sums that could overflow, or would be too coarse.
    pub fn new(
        method: Method,
        penalty: f64,
        (providers, rows): (u32, u64),
    ) -> Result<Self, FixedError> {
        let fixed = Fixed::new(SLACK * rows.max(1) as f64, providers)?;
        Ok(Self { method, penalty, unit: 1.0, fixed })
    }

    /// The same for labels of a regression up to this magnitude: they are divided by the power of two that is not below it.
    #[must_use]
    pub fn with_unit(self, largest: f64) -> Self {
        Self { unit: largest.max(1.0).log2().ceil().exp2(), ..self }
    }

    /// Which model.
    #[must_use]
    pub const fn method(&self) -> Method {
        self.method
    }

    /// How many sums there are, for a model of so many parameters, the intercept's among them.
    #[must_use]
    pub const fn sums(&self, parameters: usize) -> usize {
        let triangle = parameters * (parameters + 1) / 2;
        match self.method {
            Method::Ridge => triangle + parameters + 1,
            Method::Newton => triangle + parameters,
        }
    }

    /// One provider's sums as integers; those of [`Newton`] at this model.
    ///
    /// # Errors
    /// [`FixedError::Bound`]: features beyond −1 and 1, labels beyond the unit.
    ///
    /// # Panics
    /// If the model is of other rows.
    pub fn of_rows(&self, model: &[f32], rows: &Rows) -> Result<Vec<u64>, FixedError> {
        assert_eq!(model.len(), rows.features() + 1, "another model's rows");
        let (parameters, mut sums) = (model.len(), self.clear(model, rows));
        sums.truncate(self.sums(parameters));
        for (sum, unit) in sums.iter_mut().zip(self.units(parameters)) {
            *sum /= unit;
        }
        self.fixed.encode(&sums)
    }

    fn clear(&self, model: &[f32], rows: &Rows) -> Vec<f64> {
        match self.method {
            Method::Ridge => Ridge::new(rows.features(), self.penalty).of_rows(rows),
            Method::Newton => Newton::at(self.penalty, model).of_rows(rows),
        }
    }

    /// By what each sum was divided: those with a label in them by its unit, the last of a regression by its square.
    fn units(&self, parameters: usize) -> impl Iterator<Item = f64> {
        let triangle = parameters * (parameters + 1) / 2;
        let labelled = std::iter::repeat_n(self.unit, parameters);
        std::iter::repeat_n(1.0, triangle).chain(labelled).chain([self.unit * self.unit])
    }

    /// Whether so many rows will do for a model of so many parameters: to be asked before their sums are opened.
    ///
    /// # Errors
    /// [`SumsError::Few`].
    pub fn enough(&self, rows: u64, parameters: usize) -> Result<(), SumsError> {
        enough(rows as f64, parameters.saturating_sub(1))
    }

    /// Moves the model by the total of all providers' sums, over so many rows; gives the sum of the losses at the model that was
    /// found, where it follows from the total.
    ///
    /// # Errors
    /// [`SumsError`]; the model is then as it was.
    pub fn solve(
        &self,
        model: &mut [f32],
        total: &[u64],
        rows: u64,
    ) -> Result<Option<f64>, SumsError> {
        let (parameters, want) = (model.len(), self.sums(model.len()));
        if total.len() != want {
            return Err(SumsError::Length { got: total.len(), want });
        }
        self.enough(rows, parameters)?;
        let mut total = self.fixed.decode(total);
        total.iter_mut().zip(self.units(parameters)).for_each(|(sum, unit)| *sum *= unit);
        let (solution, loss) = match self.method {
            Method::Ridge => {
                let (solution, error) =
                    Ridge::new(parameters.saturating_sub(1), self.penalty).solve(&total)?;
                (solution, Some(0.5 * error * rows as f64))
            }
            Method::Newton => {
                let mut newton = Newton::at(self.penalty, model);
                total.extend([0.0, rows as f64]);
                newton.step(&total)?;
                (newton.coefficients().to_vec(), None)
            }
        };
        #[expect(clippy::cast_possible_truncation, reason = "models are single precision")]
        model.iter_mut().zip(&solution).for_each(|(x, solved)| *x = *solved as f32);
        Ok(loss)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_any_size_give_the_model_of_one_place() {
        let values: Vec<f32> = (0..400_u16).map(|i| f32::from(i % 97) / 97.0 - 0.5).collect();
        let labels = |by: f32| {
            values.chunks(2).map(|row| by * (3.0 * row[0] - row[1] + 0.25)).collect::<Vec<_>>()
        };
        for by in [1.0, 70_000.0] {
            let rows = Rows::new(2, values.clone(), labels(by)).unwrap();
            let exact = Exact::new(Method::Ridge, 0.0, (3, 200)).unwrap();
            let exact = exact.with_unit(f64::from(by) * 4.0);
            let mut model = [0.0; 3];
            let total = exact.of_rows(&model, &rows).unwrap();
            assert_eq!(total.len(), exact.sums(3));
            let loss = exact.solve(&mut model, &total, 200).unwrap().unwrap();
            for (got, want) in model.iter().zip([3.0, -1.0, 0.25]) {
                assert!((got / by - want).abs() < 1e-5, "{model:?}");
            }
            assert!(loss / f64::from(by * by) < 1e-4, "{loss}");
        }
    }

    #[test]
    fn rows_beyond_what_was_promised_are_refused() {
        let rows = Rows::new(1, vec![9.0], vec![1.0]).unwrap();
        let exact = Exact::new(Method::Newton, 0.0, (3, 1)).unwrap();
        assert!(matches!(exact.of_rows(&[0.0; 2], &rows), Err(FixedError::Bound { .. })));
        assert!(matches!(
            exact.solve(&mut [0.0; 2], &[0; 5], 19),
            Err(SumsError::Few { rows: 19, least: 20 })
        ));
        assert!(matches!(Exact::new(Method::Ridge, 0.0, (256, 1 << 50)), Err(FixedError::Bits(_))));
    }
}
