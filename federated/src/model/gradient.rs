//! The gradient over all rows at once.

use super::{network::Network, pass::Pass, rows::Rows};

/// The mean loss over rows, and its gradient by the parameters.
///
/// # Panics
/// If the parameters or the rows are another network's, or there are no rows.
#[must_use]
pub fn gradient(network: &Network, parameters: &[f32], rows: &Rows) -> (f64, Vec<f32>) {
    assert_eq!(parameters.len(), network.parameters(), "another network's parameters");
    assert_eq!(rows.features(), network.features(), "another network's rows");
    assert!(!rows.is_empty(), "a mean of no rows");
    let (mut pass, mut sum, mut loss) = (Pass::new(network), vec![0.0; parameters.len()], 0.0);
    let share = 1.0 / rows.len() as f32;
    for at in 0..rows.len() {
        pass.forward(parameters, rows.row(at));
        loss += f64::from(pass.slopes(parameters, rows.label(at)));
        pass.add_gradient(rows.row(at), share, &mut sum);
    }
    (loss / rows.len() as f64, sum)
}
