//! Stochastic gradient descent on one provider's rows.

use protocols::prg::Prg;

use super::{network::Network, pass::Pass, rows::Rows};
use crate::order::shuffled;

/// How a provider trains in one round.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// Step size.
    pub rate: f32,
    /// Rows a step.
    pub batch: usize,
    /// Passes over the rows.
    pub epochs: usize,
    /// FedProx: the pull μ back to where the round began; 0 for none (Li and others, MLSys 2020).
    pub proximal: f32,
    /// No row's gradient is longer than this; longer ones are scaled down.
    pub clip: Option<f32>,
    /// SCAFFOLD: added to every gradient (Karimireddy and others, ICML 2020); empty for none.
    pub drift: Vec<f32>,
}

impl Default for Fit {
    fn default() -> Self {
        Self { rate: 0.1, batch: 32, epochs: 1, proximal: 0.0, clip: None, drift: Vec::new() }
    }
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fitted {
    /// Steps taken.
    pub steps: u64,
    /// The mean loss over all steps, each row's when it was seen.
    pub loss: f64,
    /// Rows whose gradient was clipped, of all that were seen.
    pub clipped: u64,
}

/// Why a model cannot be trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FitError {
    /// Nothing to train on.
    #[error("there are no rows to train on")]
    Empty,
    /// Another model's parameters or rows.
    #[error("{what}: {got} where the model has {want}")]
    Shape {
        /// What does not fit.
        what: &'static str,
        /// What there is.
        got: usize,
        /// What there should be.
        want: usize,
    },
    /// A setting that is none.
    #[error("{0} must be positive and finite")]
    Setting(&'static str),
    /// Training that led nowhere.
    #[error(
        "the model is no longer finite after {steps} steps; train with a smaller rate, or clip gradients"
    )]
    Diverged {
        /// After how many steps.
        steps: u64,
    },
}

/// Trains a model in place.
///
/// # Errors
/// [`FitError`]; the parameters are then of no use.
pub fn fit(
    network: &Network,
    parameters: &mut [f32],
    rows: &Rows,
    fit: &Fit,
    rng: &mut Prg,
) -> Result<Fitted, FitError> {
    check(network, parameters, rows, fit)?;
    let start = if fit.proximal > 0.0 { parameters.to_vec() } else { Vec::new() };
    let mut run =
        Run { pass: Pass::new(network), fit, start, gradient: vec![0.0; parameters.len()] };
    let mut fitted = Fitted { steps: 0, loss: 0.0, clipped: 0 };
    for _ in 0..fit.epochs {
        for batch in shuffled(rows.len(), rng).chunks(fit.batch) {
            run.step(parameters, rows, batch, &mut fitted);
        }
    }
    if parameters.iter().any(|x| !x.is_finite()) {
        return Err(FitError::Diverged { steps: fitted.steps });
    }
    fitted.loss /= (rows.len() * fit.epochs) as f64;
    Ok(fitted)
}

fn check(network: &Network, parameters: &[f32], rows: &Rows, fit: &Fit) -> Result<(), FitError> {
    let same = |what, got, want| {
        if got == want { Ok(()) } else { Err(FitError::Shape { what, got, want }) }
    };
    same("parameters", parameters.len(), network.parameters())?;
    same("features of a row", rows.features(), network.features())?;
    if !fit.drift.is_empty() {
        same("corrections", fit.drift.len(), parameters.len())?;
    }
    if rows.is_empty() {
        return Err(FitError::Empty);
    }
    let positive = |what, x: f32| {
        if x > 0.0 && x.is_finite() { Ok(()) } else { Err(FitError::Setting(what)) }
    };
    positive("the rate", fit.rate)?;
    positive("the bound on gradients", fit.clip.unwrap_or(1.0))?;
    positive("rows a step and epochs", fit.batch.min(fit.epochs) as f32)?;
    positive("the pull back", fit.proximal + 1.0)
}

struct Run<'a> {
    pass: Pass<'a>,
    fit: &'a Fit,
    start: Vec<f32>,
    gradient: Vec<f32>,
}

impl Run<'_> {
    fn step(&mut self, parameters: &mut [f32], rows: &Rows, batch: &[usize], fitted: &mut Fitted) {
        self.gradient.fill(0.0);
        for at in batch {
            let row = rows.row(*at);
            self.pass.forward(parameters, row);
            fitted.loss += f64::from(self.pass.slopes(parameters, rows.label(*at)));
            let factor = self.fit.clip.map_or(1.0, |clip| {
                let norm = self.pass.norm(row);
                fitted.clipped += u64::from(norm > clip);
                if norm > clip { clip / norm } else { 1.0 }
            });
            self.pass.add_gradient(row, factor, &mut self.gradient);
        }
        let scale = self.fit.rate / batch.len() as f32;
        for (x, slope) in parameters.iter_mut().zip(&self.gradient) {
            *x -= scale * slope;
        }
        self.corrections(parameters);
        fitted.steps += 1;
    }

    /// FedProx's pull and SCAFFOLD's correction, at the rate of the step.
    fn corrections(&self, parameters: &mut [f32]) {
        let pull = self.fit.rate * self.fit.proximal;
        for (x, start) in parameters.iter_mut().zip(&self.start) {
            *x -= pull * (*x - start);
        }
        for (x, drift) in parameters.iter_mut().zip(&self.fit.drift) {
            *x -= self.fit.rate * drift;
        }
    }
}
