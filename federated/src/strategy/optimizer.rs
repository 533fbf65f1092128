//! Steps of the shared model.

use std::borrow::Cow;

use super::control::{Control, nova};
use crate::sums::Exact;

/// How a mean update moves the model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// By itself, at a rate of 1 as FedAvg has it.
    Average {
        /// The step size.
        rate: f32,
    },
    /// By a running sum of updates that fades by `momentum`.
    Momentum {
        /// The step size.
        rate: f32,
        /// What is left of the sum after a round, as a fraction.
        momentum: f32,
    },
    /// By a running mean over the root of all squares so far.
    Adagrad(Adaptive),
    /// By a running mean over the root of a running mean of squares.
    Adam(Adaptive),
    /// The same, with squares that follow only in small steps.
    Yogi(Adaptive),
    /// SCAFFOLD: by itself, and the correction that all share by its mean change. Updates are followed by changes, the model that is
    /// handed out by the correction.
    Scaffold {
        /// The step size.
        rate: f32,
    },
    /// FedNova: by mean directions times the mean number of steps. Updates are over their numbers of steps, which follow in units.
    Nova {
        /// The step size.
        rate: f32,
        /// What a step counts: a power of two, so that numbers of steps are told exactly and within the bound on coordinates.
        unit: f32,
    },
    /// No step at all: providers send sums over their rows, and the model is solved for from the total.
    Exact(Exact),
}

impl Rule {
    /// How the model is solved for, if it is.
    #[must_use]
    pub const fn exact(&self) -> Option<&Exact> {
        match self {
            Self::Exact(exact) => Some(exact),
            _ => None,
        }
    }

    /// Whether a provider's trainer keeps something of its updates that were averaged.
    #[must_use]
    pub const fn keeps(&self) -> bool {
        matches!(self, Self::Scaffold { .. })
    }

    /// Numbers of an update, for a model of so many.
    #[must_use]
    pub const fn coordinates(&self, parameters: usize) -> usize {
        match self {
            Self::Scaffold { .. } => 2 * parameters,
            Self::Nova { .. } => parameters + 1,
            Self::Exact(exact) => exact.sums(parameters),
            _ => parameters,
        }
    }

    /// Numbers that a provider is handed in a round, for a model of so many.
    #[must_use]
    pub const fn handed(&self, parameters: usize) -> usize {
        match self {
            Self::Scaffold { .. } => 2 * parameters,
            _ => parameters,
        }
    }
}

/// The settings that adaptive rules have in common.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adaptive {
    /// The step size.
    pub rate: f32,
    /// What is left of the mean after a round, as a fraction.
    pub first: f32,
    /// What is left of the squares after a round, as a fraction.
    pub second: f32,
    /// Added to the root, so that small updates take small steps.
    pub floor: f32,
}

impl Default for Adaptive {
    fn default() -> Self {
        Self { rate: 0.01, first: 0.9, second: 0.99, floor: 1e-3 }
    }
}

/// A rule with what it remembers.
#[derive(Clone, Debug, PartialEq)]
pub struct Optimizer {
    rule: Rule,
    mean: Vec<f32>,
    squares: Vec<f32>,
}

impl Optimizer {
    /// A rule that remembers nothing yet.
    #[must_use]
    pub const fn new(rule: Rule) -> Self {
        Self { rule, mean: Vec::new(), squares: Vec::new() }
    }

    /// What it remembers, for a checkpoint: the running mean and the squares, empty before the first round or where the rule
    /// has none.
    #[must_use]
    pub fn memory(&self) -> [&[f32]; 2] {
        [&self.mean, &self.squares]
    }

    /// Goes on from a checkpoint.
    #[must_use]
    pub fn resume(rule: Rule, [mean, squares]: [Vec<f32>; 2]) -> Self {
        Self { rule, mean, squares }
    }

    /// What providers are handed: the model, and what else they train by.
    #[must_use]
    pub fn handed<'a>(&self, model: &'a [f32]) -> Cow<'a, [f32]> {
        let Rule::Scaffold { .. } = self.rule else { return Cow::Borrowed(model) };
        let mut handed = [model, &self.mean].concat();
        handed.resize(2 * model.len(), 0.0);
        Cow::Owned(handed)
    }

    /// Moves the model by the mean update of a round of all providers.
    ///
    /// # Panics
    /// As [`Self::step`].
    pub fn apply(&mut self, model: &mut [f32], update: &[f32]) {
        self.step(model, update, 1.0);
    }

    /// Moves the model by the mean update of a round of `part` of all providers.
    ///
    /// # Panics
    /// If the update has another length than the rule's for this model, or the rule takes no updates.
    pub fn step(&mut self, model: &mut [f32], update: &[f32], part: f32) {
        assert_eq!(self.rule.coordinates(model.len()), update.len(), "an update of another model");
        match self.rule {
            Rule::Scaffold { rate } => {
                let (update, change) = update.split_at(model.len());
                model.iter_mut().zip(update).for_each(|(x, d)| *x += rate * d);
                self.mean.resize(model.len(), 0.0);
                let mut control = Control::resume(std::mem::take(&mut self.mean));
                control.apply(change, part);
                self.mean = control.into_mean();
            }
            Rule::Nova { rate, unit } => {
                let (directions, steps) = update.split_at(model.len());
                nova(model, directions, rate * steps[0] / unit);
            }
            Rule::Exact(_) => panic!("a model that is solved for takes no steps"),
            Rule::Average { rate } => {
                model.iter_mut().zip(update).for_each(|(x, d)| *x += rate * d);
            }
            Rule::Momentum { rate, momentum } => {
                self.mean.resize(model.len(), 0.0);
                for ((x, mean), d) in model.iter_mut().zip(&mut self.mean).zip(update) {
                    *mean = momentum * *mean + d;
                    *x += rate * *mean;
                }
            }
            Rule::Adagrad(with) => self.adapt(model, update, with, |v, square| v + square),
            Rule::Adam(with) => {
                let keep = with.second;
                self.adapt(model, update, with, |v, square| keep * v + (1.0 - keep) * square);
            }
            Rule::Yogi(with) => {
                let step = 1.0 - with.second;
                self.adapt(model, update, with, |v, square| {
                    v - step * square * if v > square { 1.0 } else { -1.0 }
                });
            }
        }
    }

    fn adapt(
        &mut self,
        model: &mut [f32],
        update: &[f32],
        with: Adaptive,
        squares: impl Fn(f32, f32) -> f32,
    ) {
        self.mean.resize(model.len(), 0.0);
        self.squares.resize(model.len(), 0.0);
        let memory = self.mean.iter_mut().zip(&mut self.squares);
        for ((x, d), (mean, v)) in model.iter_mut().zip(update).zip(memory) {
            *mean = with.first * *mean + (1.0 - with.first) * d;
            *v = squares(*v, d * d);
            *x += with.rate * *mean / (v.max(0.0).sqrt() + with.floor);
        }
    }
}
