//! One row through a network, forth and back.

use super::network::{Loss, Network};

/// Room for the activations of every layer and for the derivatives of one row's loss by them.
pub(super) struct Pass<'n> {
    network: &'n Network,
    /// Activations of the layers above the features.
    layers: Vec<Vec<f32>>,
    /// Derivatives by what goes into each of these layers.
    slopes: Vec<Vec<f32>>,
}

impl<'n> Pass<'n> {
    pub(super) fn new(network: &'n Network) -> Self {
        let room = || network.widths()[1..].iter().map(|width| vec![0.0; *width]).collect();
        Self { network, layers: room(), slopes: room() }
    }

    /// The outputs for a row.
    pub(super) fn forward(&mut self, parameters: &[f32], row: &[f32]) -> &[f32] {
        let mut rest = parameters;
        let last = self.layers.len() - 1;
        for at in 0..=last {
            let (below, above) = self.layers.split_at_mut(at);
            let input = below.last().map_or(row, Vec::as_slice);
            let output = &mut above[0];
            let (weights, others) = rest.split_at(input.len() * output.len());
            let (biases, others) = others.split_at(output.len());
            rest = others;
            output.copy_from_slice(biases);
            for (x, weights) in input.iter().zip(weights.chunks_exact(output.len())) {
                // Rows and activations are sparse: one-hot features, units at rest.
                if *x != 0.0 {
                    output.iter_mut().zip(weights).for_each(|(out, weight)| *out += x * weight);
                }
            }
            if at < last {
                output.iter_mut().for_each(|x| *x = x.max(0.0));
            }
        }
        &self.layers[last]
    }

    /// The loss of the row that went forward last, and its derivatives by the inputs of every layer.
    pub(super) fn slopes(&mut self, parameters: &[f32], label: f32) -> f32 {
        let last = self.layers.len() - 1;
        let loss =
            output_slopes(self.network.loss(), &self.layers[last], label, &mut self.slopes[last]);
        let mut end = parameters.len();
        for at in (1..=last).rev() {
            let (inputs, outputs) = (self.layers[at - 1].len(), self.layers[at].len());
            let start = end - (inputs + 1) * outputs;
            let weights = &parameters[start..start + inputs * outputs];
            let (below, above) = self.slopes.split_at_mut(at);
            let (below, above) = (&mut below[at - 1], &above[0]);
            for ((slope, weights), active) in
                below.iter_mut().zip(weights.chunks_exact(outputs)).zip(&self.layers[at - 1])
            {
                *slope = if *active > 0.0 { dot(weights, above) } else { 0.0 };
            }
            end = start;
        }
        loss
    }

    /// The norm of the row's gradient, without the gradient: layer by layer, that of an outer product is the product of norms.
    /// Source: Goodfellow, *Efficient Per-Example Gradient Computations*, 2015, <https://arxiv.org/abs/1510.01799>.
    pub(super) fn norm(&self, row: &[f32]) -> f32 {
        let inputs = std::iter::once(row).chain(self.layers.iter().map(Vec::as_slice));
        let squares =
            inputs.zip(&self.slopes).map(|(x, slope)| dot(slope, slope) * (dot(x, x) + 1.0));
        squares.sum::<f32>().sqrt()
    }

    /// The same in double precision: what is clipped by it is as short as it says.
    pub(super) fn exact_norm(&self, row: &[f32]) -> f64 {
        let square = |xs: &[f32]| xs.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>();
        let inputs = std::iter::once(row).chain(self.layers.iter().map(Vec::as_slice));
        let squares = inputs.zip(&self.slopes).map(|(x, slope)| square(slope) * (square(x) + 1.0));
        squares.sum::<f64>().sqrt()
    }

    /// Tells the row's gradient, parameter by parameter, but for some that are 0: each is a product of two numbers of single
    /// precision, and exact.
    pub(super) fn each_slope(&self, row: &[f32], mut see: impl FnMut(usize, f64)) {
        let mut at = 0;
        let inputs = std::iter::once(row).chain(self.layers.iter().map(Vec::as_slice));
        for (input, slopes) in inputs.zip(&self.slopes) {
            for x in input.iter().chain([&1.0]) {
                if *x != 0.0 {
                    let all = (at..).zip(slopes);
                    all.for_each(|(at, slope)| see(at, f64::from(*x) * f64::from(*slope)));
                }
                at += slopes.len();
            }
        }
    }

    /// Adds `factor` times the row's gradient.
    pub(super) fn add_gradient(&self, row: &[f32], factor: f32, gradient: &mut [f32]) {
        let mut rest = gradient;
        let inputs = std::iter::once(row).chain(self.layers.iter().map(Vec::as_slice));
        for (input, slopes) in inputs.zip(&self.slopes) {
            let (weights, others) = rest.split_at_mut(input.len() * slopes.len());
            let (biases, others) = others.split_at_mut(slopes.len());
            rest = others;
            for (x, weights) in input.iter().zip(weights.chunks_exact_mut(slopes.len())) {
                if *x != 0.0 {
                    let x = x * factor;
                    weights.iter_mut().zip(slopes).for_each(|(weight, slope)| *weight += x * slope);
                }
            }
            biases.iter_mut().zip(slopes).for_each(|(bias, slope)| *bias += factor * slope);
        }
    }
}

/// The loss by outputs and label, and its derivatives by the outputs.
fn output_slopes(loss: Loss, outputs: &[f32], label: f32, slopes: &mut [f32]) -> f32 {
    match loss {
        Loss::Squared => {
            let off = outputs[0] - label;
            slopes[0] = off;
            0.5 * off * off
        }
        Loss::Logistic => {
            let x = outputs[0];
            slopes[0] = sigmoid(x) - label;
            // ln(1 + e^x) − label·x without overflow.
            x.max(0.0) - label * x + libm::log1pf(libm::expf(-x.abs()))
        }
        Loss::Softmax => {
            let most = outputs.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let mut sum = 0.0;
            for (slope, x) in slopes.iter_mut().zip(outputs) {
                *slope = libm::expf(x - most);
                sum += *slope;
            }
            slopes.iter_mut().for_each(|slope| *slope /= sum);
            let class = class_of(label, outputs.len());
            slopes[class] -= 1.0;
            libm::logf(sum) + most - outputs[class]
        }
    }
}

/// A label as a class; what is none counts as the last.
pub(super) fn class_of(label: f32, classes: usize) -> usize {
    (0..classes).find(|class| *class as f32 >= label).unwrap_or(classes - 1)
}

pub(super) fn sigmoid(x: f32) -> f32 {
    let small = libm::expf(-x.abs());
    if x >= 0.0 { 1.0 / (1.0 + small) } else { small / (1.0 + small) }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
