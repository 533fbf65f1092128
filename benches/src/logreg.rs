//! Logistic regression on shares: mini-batch gradient descent on a table that nobody sees.
//!
//! A step takes `z = X_b·w` and `Xᵀ_b·e` of one round each, and the logistic function and the truncation of the gradient of two each;
//! since P0 sends first and waits for nobody in either, four rounds a step lie on the critical path. The length of a step is a power of
//! two a row, so that it is a shift of the point and costs nothing.

use protocols::{
    mpc::{
        MatrixView,
        fixed::{
            Fixed, FixedError, Logistic, Sigmoid, Truncation, sigmoid, sigmoid_cost, truncate,
            truncate_cost,
        },
        matmul_cost, product,
    },
    ring::Z64,
    session::{Meter, Session, SessionError},
    share::Shared,
};

/// Fraction bits of measurements and of weights.
const FEATURE_BITS: u32 = 12;
const WEIGHT_BITS: u32 = 20;
/// Fraction bits of probabilities, and of the classes that are taken off them.
pub(crate) const CLASS_BITS: u32 = 30;
/// A step is 2^-8 times the sum of a batch's gradients: about 0.2 times their mean.
const STEP_BITS: u32 = 8;
/// Measurements lie within so many standard deviations of their mean (the rest is cut).
const REACH: f64 = 4.0;
/// What the sum of a row times the weights may come to.
const LOGITS: f64 = 32.0;

/// A planned training.
pub(crate) struct Training {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) epochs: usize,
    pub(crate) batches: usize,
    logistic: Sigmoid,
    step: Truncation,
}

impl Training {
    /// A training of so many epochs of so many batches.
    pub(crate) fn new(
        (rows, columns): (usize, usize),
        (epochs, batches): (usize, usize),
    ) -> Result<Self, FixedError> {
        let logits = Fixed::new(FEATURE_BITS + WEIGHT_BITS, -LOGITS, LOGITS)?;
        let logistic = Sigmoid::new(logits, Logistic::Series, CLASS_BITS)?;
        let gradient = Fixed::new(FEATURE_BITS + CLASS_BITS + STEP_BITS, -REACH, REACH)?;
        let step = Truncation::exact(gradient, WEIGHT_BITS)?;
        Ok(Self { rows, columns, epochs, batches, logistic, step })
    }

    /// First and last row of each batch of an epoch.
    fn bounds(&self) -> impl Iterator<Item = (usize, usize)> {
        let cut = |batch| self.rows * batch / self.batches;
        (0..self.batches).map(move |batch| (cut(batch), cut(batch + 1)))
    }
}

/// Trains weights on a shared table (row by row) and its shared classes.
pub(crate) fn train(
    s: &mut Session,
    x: &Shared<Z64>,
    classes: &Shared<Z64>,
    plan: &Training,
) -> Result<Shared<Z64>, SessionError> {
    let table = MatrixView::new(x, plan.rows, plan.columns);
    let mut weights = Shared::zeros(plan.columns);
    for _ in 0..plan.epochs {
        for (from, to) in plan.bounds() {
            let batch = table.row_range(from, to);
            let logits = product(s, batch, MatrixView::new(&weights, plan.columns, 1))?;
            let mut error = sigmoid(s, &logits, &plan.logistic)?;
            error.sub_assign(&classes.slice(from, to));
            let error = MatrixView::new(&error, to - from, 1);
            let gradient = product(s, batch.transposed(), error)?;
            weights.sub_assign(&truncate(s, &gradient, &plan.step)?);
        }
    }
    Ok(weights)
}

/// Twin of [`train`].
pub(crate) fn train_cost(m: &mut Meter, plan: &Training) {
    for _ in 0..plan.epochs {
        for (from, to) in plan.bounds() {
            matmul_cost::<Z64>(m, to - from, 1);
            sigmoid_cost(m, to - from, &plan.logistic);
            matmul_cost::<Z64>(m, plan.columns, 1);
            truncate_cost(m, plan.columns, &plan.step);
        }
    }
}

/// A table in the clear: standardised measurements with a column of ones, and classes of 0 or 1.
pub(crate) struct Table {
    pub(crate) measurements: Vec<f64>,
    pub(crate) classes: Vec<f64>,
    pub(crate) columns: usize,
}

impl Table {
    /// The diagnoses of `testdata/breast_cancer`.
    pub(crate) fn breast_cancer() -> Self {
        let text = include_str!("../../testdata/breast_cancer/breast_cancer.csv");
        let rows: Vec<Vec<f64>> = text
            .lines()
            .skip(1)
            .map(|line| line.split(',').filter_map(|cell| cell.parse().ok()).collect())
            .collect();
        let features = rows.first().map_or(0, |row| row.len() - 1);
        let mut measurements = Vec::with_capacity(rows.len() * (features + 1));
        let scales: Vec<(f64, f64)> = (0..features)
            .map(|column| mean_and_deviation(rows.iter().map(move |row| row[column])))
            .collect();
        for row in &rows {
            let standard =
                row.iter().zip(&scales).map(|(x, (mean, deviation))| (x - mean) / deviation);
            measurements.extend(standard.map(|x| x.clamp(-REACH, REACH)));
            measurements.push(1.0);
        }
        let classes = rows.iter().map(|row| row[features]).collect();
        Self { measurements, classes, columns: features + 1 }
    }

    /// Measurements and classes as words.
    pub(crate) fn words(&self) -> Result<[Vec<u64>; 2], FixedError> {
        let measurements = Fixed::new(FEATURE_BITS, -REACH, REACH)?.encode(&self.measurements)?;
        let classes = Fixed::new(CLASS_BITS, 0.0, 1.0)?.encode(&self.classes)?;
        Ok([measurements, classes])
    }

    /// The part of the rows that weights put into their class.
    pub(crate) fn accuracy(&self, weights: &[u64]) -> Result<f64, FixedError> {
        let weights = Fixed::new(WEIGHT_BITS, 0.0, 0.0)?.decode(weights);
        let side = |row: &[f64]| row.iter().zip(&weights).map(|(x, w)| x * w).sum::<f64>() > 0.0;
        let rows = self.measurements.chunks_exact(self.columns).map(side).zip(&self.classes);
        let right = rows.filter(|(side, class)| *side == (**class > 0.5)).count();
        #[expect(clippy::cast_precision_loss, reason = "hundreds of rows")]
        Ok(right as f64 / self.classes.len() as f64)
    }
}

#[expect(clippy::cast_precision_loss, reason = "hundreds of rows")]
fn mean_and_deviation(column: impl Iterator<Item = f64>) -> (f64, f64) {
    let values: Vec<f64> = column.collect();
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares = values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>();
    (mean, (squares / count).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocols::testkit::World;

    #[test]
    fn training_finds_the_diagnoses_and_costs_what_it_says() {
        let table = Table::breast_cancer();
        let (rows, columns) = (table.classes.len(), table.columns);
        assert_eq!((rows, columns), (569, 31));
        let plan = Training::new((rows, columns), (10, 10)).unwrap();
        let world = World::new(1);
        let [x, y] = table.words().unwrap();
        let (x, y) = (world.deal::<Z64>(1, &x), world.deal::<Z64>(2, &y));
        let run = world.run(|s| train(s, &x[s.role().index()], &y[s.role().index()], &plan));
        run.assert_cost("logistic regression", |m| train_cost(m, &plan));
        let accuracy = table.accuracy(&run.reconstruct()).unwrap();
        assert!(accuracy >= 0.98, "accuracy {accuracy}");
        assert_eq!(run.total.rounds, 401);
    }
}
