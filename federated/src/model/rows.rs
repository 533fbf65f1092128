//! What models are trained on.

/// Rows of numbers with a label each: a class from 0, or a real number.
#[derive(Clone, PartialEq)]
pub struct Rows {
    features: usize,
    values: Vec<f32>,
    labels: Vec<f32>,
}

/// Why values are no rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RowsError {
    /// Not as many values as rows times features.
    #[error("{values} values are no {rows} rows of {features} features")]
    Shape {
        /// How many there are.
        values: usize,
        /// Labels.
        rows: usize,
        /// Features of each.
        features: usize,
    },
    /// A value that is no number.
    #[error("row {row} has a value that is not finite; fill in or leave out what is missing")]
    NotFinite {
        /// Which row.
        row: usize,
    },
}

/// What a provider trains on is its own.
impl std::fmt::Debug for Rows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Rows({} of {} features)", self.len(), self.features)
    }
}

impl Rows {
    /// Rows one after the other, and their labels.
    ///
    /// # Errors
    /// [`RowsError`].
    pub fn new(features: usize, values: Vec<f32>, labels: Vec<f32>) -> Result<Self, RowsError> {
        let rows = labels.len();
        if rows.checked_mul(features) != Some(values.len()) {
            return Err(RowsError::Shape { values: values.len(), rows, features });
        }
        let bad = values.iter().position(|x| !x.is_finite()).map(|at| at / features.max(1));
        let bad = bad.or_else(|| labels.iter().position(|x| !x.is_finite()));
        match bad {
            Some(row) => Err(RowsError::NotFinite { row }),
            None => Ok(Self { features, values, labels }),
        }
    }

    /// How many rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Features of each row.
    #[must_use]
    pub fn features(&self) -> usize {
        self.features
    }

    /// The features of one row.
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    pub fn row(&self, at: usize) -> &[f32] {
        &self.values[at * self.features..(at + 1) * self.features]
    }

    /// The label of one row.
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    pub fn label(&self, at: usize) -> f32 {
        self.labels[at]
    }

    /// Some of the rows, in this order.
    ///
    /// # Panics
    /// If one of them is none.
    #[must_use]
    pub fn pick(&self, rows: &[usize]) -> Self {
        Self {
            features: self.features,
            values: rows.iter().flat_map(|row| self.row(*row)).copied().collect(),
            labels: rows.iter().map(|row| self.labels[*row]).collect(),
        }
    }

    /// Brings every feature to mean 0 and deviation 1, by figures of possibly other rows.
    pub fn scale(&mut self, scaling: &Scaling) {
        for row in self.values.chunks_mut(self.features.max(1)) {
            for (x, (mean, factor)) in row.iter_mut().zip(&scaling.features) {
                *x = (*x - mean) * factor;
            }
        }
    }
}

/// Means and deviations of features.
#[derive(Clone, Debug, PartialEq)]
pub struct Scaling {
    /// Mean and reciprocal of the deviation; of a constant feature 0.
    features: Vec<(f32, f32)>,
}

impl Scaling {
    /// From sums over rows, which providers may have added up under shares: `count`, and for each feature the sum of its
    /// values and of their squares.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "features are single precision")]
    pub fn of_sums(count: f64, sums: &[(f64, f64)]) -> Self {
        let feature = |(sum, squares): &(f64, f64)| {
            let mean = sum / count;
            let variance = (squares / count - mean * mean).max(0.0);
            let factor = if variance > 1e-12 { 1.0 / variance.sqrt() } else { 0.0 };
            (mean as f32, factor as f32)
        };
        Self { features: sums.iter().map(feature).collect() }
    }

    /// Of these rows.
    #[must_use]
    pub fn of(rows: &Rows) -> Self {
        let mut sums = vec![(0.0, 0.0); rows.features];
        for row in 0..rows.len() {
            for (sum, x) in sums.iter_mut().zip(rows.row(row)) {
                let x = f64::from(*x);
                *sum = (sum.0 + x, sum.1 + x * x);
            }
        }
        Self::of_sums(rows.len() as f64, &sums)
    }
}
