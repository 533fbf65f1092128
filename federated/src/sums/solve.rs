//! Systems of equations with a positive definite matrix.

/// A symmetric matrix by its lower triangle, row by row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Symmetric {
    n: usize,
    values: Vec<f64>,
}

/// Where row `i` of a lower triangle begins.
const fn row(i: usize) -> usize {
    i * (i + 1) / 2
}

impl Symmetric {
    /// Numbers of a lower triangle.
    pub(super) const fn size(n: usize) -> usize {
        row(n)
    }

    pub(super) fn zeros(n: usize) -> Self {
        Self { n, values: vec![0.0; row(n)] }
    }

    pub(super) fn of(n: usize, values: &[f64]) -> Self {
        Self { n, values: values[..row(n)].to_vec() }
    }

    pub(super) fn values(&self) -> &[f64] {
        &self.values
    }

    /// Adds `weight · x·xᵀ`.
    pub(super) fn add_square(&mut self, x: &[f64], weight: f64) {
        for (i, xi) in x.iter().enumerate() {
            let scaled = weight * xi;
            let own = &mut self.values[row(i)..row(i + 1)];
            own.iter_mut().zip(x).for_each(|(value, xj)| *value += scaled * xj);
        }
    }

    /// Adds to the diagonal, but for the last entry.
    pub(super) fn add_ridge(&mut self, by: f64) {
        for i in 0..self.n.saturating_sub(1) {
            self.values[row(i) + i] += by;
        }
    }

    /// The solution of `A·x = b` by Cholesky's decomposition; nothing if the matrix is not positive definite.
    pub(super) fn solve(mut self, b: &[f64]) -> Option<Vec<f64>> {
        let n = self.n;
        for i in 0..n {
            for j in 0..=i {
                let (a, b) = (row(i), row(j));
                let dot: f64 = (0..j).map(|k| self.values[a + k] * self.values[b + k]).sum();
                let rest = self.values[a + j] - dot;
                self.values[a + j] = if i == j {
                    // What is not above the rounding of the diagonal is no pivot.
                    if rest <= self.values[a + i].abs() * 1e-13 || !rest.is_finite() {
                        return None;
                    }
                    rest.sqrt()
                } else {
                    rest / self.values[b + j]
                };
            }
        }
        let mut x = b.to_vec();
        for i in 0..n {
            let dot: f64 = (0..i).map(|k| self.values[row(i) + k] * x[k]).sum();
            x[i] = (x[i] - dot) / self.values[row(i) + i];
        }
        for i in (0..n).rev() {
            let dot: f64 = (i + 1..n).map(|k| self.values[row(k) + i] * x[k]).sum();
            x[i] = (x[i] - dot) / self.values[row(i) + i];
        }
        Some(x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_solution_solves() {
        let rows = [[4.0, 1.0, 0.5], [1.0, 3.0, -0.25], [0.5, -0.25, 2.0]];
        let lower = [4.0, 1.0, 3.0, 0.5, -0.25, 2.0];
        let b = [1.0, -2.0, 0.5];
        let x = Symmetric::of(3, &lower).solve(&b).unwrap();
        for (row, want) in rows.iter().zip(b) {
            let got: f64 = row.iter().zip(&x).map(|(a, x)| a * x).sum();
            assert!((got - want).abs() < 1e-12);
        }
        assert!(Symmetric::of(2, &[1.0, 1.0, 1.0]).solve(&[1.0, 1.0]).is_none(), "singular");
        assert!(Symmetric::of(2, &[1.0, 2.0, 1.0]).solve(&[1.0, 1.0]).is_none(), "indefinite");
    }
}
