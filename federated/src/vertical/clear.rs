//! The meaning of a training: the same steps on real numbers, as one trusted party would take them.

use super::setting::{Curve, Setting};

/// Rows in the clear.
#[derive(Clone, Copy, Debug)]
pub struct ClearRows<'a> {
    /// Features, row by row, as many as the setting's table has.
    pub features: &'a [f64],
    /// The class of each row.
    pub labels: &'a [bool],
    /// Which rows there are.
    pub live: &'a [bool],
}

/// The weights that [`train`](super::train) comes to without roundings: off by less than a unit of the weights' last bit for each
/// step, and what later steps make of that.
///
/// # Panics
/// If the rows are not those of the setting's table.
#[must_use]
pub fn train_clear(setting: &Setting, of: ClearRows<'_>) -> Vec<f64> {
    let (descent, batches, d) = (setting.descent(), setting.batches(), setting.table().columns);
    let rows = setting.table().rows;
    let fits = of.features.len() == rows * d && of.labels.len() == rows && of.live.len() == rows;
    assert!(fits, "rows of the setting's table");
    let mut weights = vec![0.0; d + 1];
    for k in (0..descent.epochs).flat_map(|_| 0..batches) {
        let mut gradient = vec![0.0; d + 1];
        for row in (k..rows).step_by(batches).filter(|row| of.live[*row]) {
            let x = &of.features[row * d..(row + 1) * d];
            let label = if of.labels[row] { 1.0 } else { 0.0 };
            let error = logistic(descent.curve, logit(x, &weights)) - label;
            gradient.iter_mut().zip(x).for_each(|(sum, x)| *sum += x * error);
            gradient[d] += error;
        }
        for (at, (weight, sum)) in weights.iter_mut().zip(&gradient).enumerate() {
            let pull = if at < d { descent.penalty * *weight } else { 0.0 };
            *weight -= descent.rate * (sum / descent.batch as f64 + pull);
        }
    }
    weights
}

/// What [`tally`](super::tally()) counts: the rows, and those whose class these weights tell.
///
/// # Panics
/// If the features are not as many as the weights say.
#[must_use]
pub fn tally_clear(of: ClearRows<'_>, weights: &[f64]) -> [u64; 2] {
    let d = weights.len() - 1;
    let right = |row: usize| {
        (logit(&of.features[row * d..(row + 1) * d], weights) >= 0.0) == of.labels[row]
    };
    let live = || (0..of.live.len()).filter(|row| of.live[*row]);
    [live().count() as u64, live().filter(|row| right(*row)).count() as u64]
}

/// `x·w + w_0`.
fn logit(x: &[f64], weights: &[f64]) -> f64 {
    x.iter().zip(weights).map(|(x, w)| x * w).sum::<f64>() + weights[x.len()]
}

/// The curve as a step has it.
pub(super) fn logistic(curve: Curve, z: f64) -> f64 {
    match curve {
        Curve::Segments => (0.5 + z / 8.0).clamp(0.0, 1.0),
        Curve::Cubic => 0.5 + 0.197_512_9 * z - 0.004_265_18 * z * z * z,
        Curve::Series { .. } => 1.0 / (1.0 + (-z).exp()),
    }
}
