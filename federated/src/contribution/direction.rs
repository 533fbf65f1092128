//! Where the validation loss falls, over the way that a round goes.

use crate::model::{Network, Rows, gradient};

/// Points and weights of Gauss and Legendre's rule on [0, 1].
const RULE: [(f64, f64); 4] = [
    (0.069_431_844_202_973_71, 0.173_927_422_568_726_93),
    (0.330_009_478_207_571_87, 0.326_072_577_431_273_07),
    (0.669_990_521_792_428_1, 0.326_072_577_431_273_07),
    (0.930_568_155_797_026_3, 0.173_927_422_568_726_93),
];

/// The mean of `−∇L` from `model` to `model + update`, and the loss at both ends.
///
/// # Panics
/// If the update, the model or the rows are another network's, or there are no rows.
#[must_use]
pub fn direction(
    network: &Network,
    model: &[f32],
    update: &[f32],
    validation: &Rows,
) -> (Vec<f32>, [f64; 2]) {
    assert_eq!(model.len(), update.len(), "an update of another model");
    let at =
        |part: f32| -> Vec<f32> { model.iter().zip(update).map(|(x, d)| x + part * d).collect() };
    let mut mean = vec![0.0; model.len()];
    #[expect(clippy::cast_possible_truncation, reason = "parameters are single precision")]
    for (point, weight) in RULE.map(|(point, weight)| (point as f32, weight as f32)) {
        let (_, slope) = gradient(network, &at(point), validation);
        mean.iter_mut().zip(&slope).for_each(|(mean, slope)| *mean -= weight * slope);
    }
    let ends = [0.0, 1.0].map(|part| gradient(network, &at(part), validation).0);
    (mean, ends)
}
