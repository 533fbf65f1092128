//! How good a model is on rows.

use super::{
    network::{Loss, Network},
    pass::{Pass, class_of},
    rows::Rows,
};

/// Figures over rows, which add up over providers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Scores {
    /// Rows.
    pub rows: u64,
    /// The sum of their losses.
    pub loss: f64,
    /// Rows that were right; of a regression none.
    pub correct: u64,
}

/// The figures of a model on these rows, and its first output for each: the prediction, or the log-odds of class 1.
///
/// # Panics
/// If the parameters or the rows are another network's.
#[must_use]
pub fn evaluate(network: &Network, parameters: &[f32], rows: &Rows) -> (Scores, Vec<f32>) {
    assert_eq!(parameters.len(), network.parameters(), "another network's parameters");
    assert_eq!(rows.features(), network.features(), "another network's rows");
    let (mut pass, mut scores) = (Pass::new(network), Scores::default());
    let mut first = Vec::with_capacity(rows.len());
    for at in 0..rows.len() {
        let label = rows.label(at);
        let outputs = pass.forward(parameters, rows.row(at));
        let right = match network.loss() {
            Loss::Squared => false,
            Loss::Logistic => (outputs[0] > 0.0) == (label > 0.5),
            Loss::Softmax => largest(outputs) == class_of(label, outputs.len()),
        };
        first.push(if network.loss() == Loss::Softmax && outputs.len() == 2 {
            outputs[1] - outputs[0]
        } else {
            outputs[0]
        });
        scores.rows += 1;
        scores.correct += u64::from(right);
        scores.loss += f64::from(pass.slopes(parameters, label));
    }
    (scores, first)
}

fn largest(outputs: &[f32]) -> usize {
    let mut best = 0;
    for (at, x) in outputs.iter().enumerate() {
        if *x > outputs[best] {
            best = at;
        }
    }
    best
}

/// The probability that a row of class 1 scores higher than one of class 0, ties by half.
#[must_use]
pub fn area_under_curve(scores: &[f32], labels: &[f32]) -> f64 {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*a].total_cmp(&scores[*b]));
    let (mut ranks, mut at) = (0.0, 0);
    while at < order.len() {
        let tied = order[at..].iter().take_while(|row| scores[**row] == scores[order[at]]).count();
        let rank = at as f64 + (tied as f64 + 1.0) / 2.0;
        let ones = order[at..at + tied].iter().filter(|row| labels[**row] > 0.5).count();
        ranks += rank * ones as f64;
        at += tied.max(1);
    }
    let ones = labels.iter().filter(|label| **label > 0.5).count() as f64;
    let zeros = labels.len() as f64 - ones;
    (ranks - ones * (ones + 1.0) / 2.0) / (ones * zeros)
}
