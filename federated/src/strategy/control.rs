//! SCAFFOLD's corrections, and FedNova's steps.

/// A provider's own correction, which it keeps from round to round.
#[derive(Clone, Debug, PartialEq)]
pub struct Drift {
    own: Vec<f32>,
}

impl Drift {
    /// None yet.
    #[must_use]
    pub fn new(parameters: usize) -> Self {
        Self { own: vec![0.0; parameters] }
    }

    /// Goes on from a checkpoint.
    #[must_use]
    pub const fn resume(own: Vec<f32>) -> Self {
        Self { own }
    }

    /// The correction itself, to be kept.
    #[must_use]
    pub fn own(&self) -> &[f32] {
        &self.own
    }

    /// What is added to every gradient of the round: `c − c_i`.
    #[must_use]
    pub fn correction(&self, shared: &Control) -> Vec<f32> {
        shared.mean.iter().zip(&self.own).map(|(c, own)| c - own).collect()
    }

    /// After a round in which the model moved by `update` in `steps` steps of `rate`: the own correction's change, which is
    /// averaged beside the update. Option II: `c_i ← c_i − c − update / (steps · rate)`.
    #[must_use]
    pub fn change(&self, shared: &Control, update: &[f32], steps: u64, rate: f32) -> Vec<f32> {
        let scale = 1.0 / (steps.max(1) as f32 * rate);
        shared.mean.iter().zip(update).map(|(c, d)| -c - scale * d).collect()
    }

    /// Takes a change over, once it is in an average: what all share has moved with it then, and not otherwise.
    pub fn renew(&mut self, change: &[f32]) {
        self.own.iter_mut().zip(change).for_each(|(own, by)| *own += by);
    }
}

/// The correction that all share.
#[derive(Clone, Debug, PartialEq)]
pub struct Control {
    mean: Vec<f32>,
}

impl Control {
    /// None yet.
    #[must_use]
    pub fn new(parameters: usize) -> Self {
        Self { mean: vec![0.0; parameters] }
    }

    /// Goes on from a checkpoint.
    #[must_use]
    pub const fn resume(mean: Vec<f32>) -> Self {
        Self { mean }
    }

    /// The correction itself, as providers are told it.
    #[must_use]
    pub fn mean(&self) -> &[f32] {
        &self.mean
    }

    /// The correction, to be kept.
    #[must_use]
    pub fn into_mean(self) -> Vec<f32> {
        self.mean
    }

    /// Takes in the mean change of a round's providers, who were `part` of all.
    pub fn apply(&mut self, change: &[f32], part: f32) {
        self.mean.iter_mut().zip(change).for_each(|(c, d)| *c += part * d);
    }
}

/// FedNova's step: providers sent their updates over the number of their steps, whose weighted mean is `steps`.
pub fn nova(model: &mut [f32], normalized: &[f32], steps: f32) {
    model.iter_mut().zip(normalized).for_each(|(x, d)| *x += steps * d);
}
