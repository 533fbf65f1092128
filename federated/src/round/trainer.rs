//! Who trains at a provider.

use std::{io, path::Path};

use protocols::prg::Prg;

use super::{
    correction::Correction,
    total::{self, Sums},
};
use crate::{
    average::Encoding,
    disk::DiskError,
    model::{Fit, FitError, Network, Rows, Tally, clipped_sum, evaluate, fit},
    strategy::{Control, Rule},
    sums::Exact,
};

/// What came of one round of training at one provider: still clear, still at home.
#[derive(Clone, PartialEq)]
pub struct Update {
    /// The trained model less the one it began with.
    pub delta: Vec<f32>,
    /// Rows that it was trained on.
    pub weight: u64,
    /// The sum of the loss over them, of the model as it began.
    pub loss: f64,
    /// Rows that the model as it began got right.
    pub correct: u64,
}

impl Update {
    /// The same as FedNova has it: over the number of its steps, which follows in units.
    #[must_use]
    pub fn over(mut self, steps: u64, unit: f32) -> Self {
        let each = 1.0 / steps.max(1) as f32;
        self.delta.iter_mut().for_each(|d| *d *= each);
        self.delta.push(steps as f32 * unit);
        self
    }
}

/// Updates do not print.
impl std::fmt::Debug for Update {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Update({} parameters)", self.delta.len())
    }
}

/// Why there is no update.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// The native trainer's.
    #[error("training failed: {0}")]
    Fit(#[from] FitError),
    /// Another program's.
    #[error("the trainer failed: {0}")]
    Outside(String),
    /// What it gave is no update of this model.
    #[error("the trainer's update cannot be used: {0}")]
    Unfit(String),
    /// What was to be sent cannot be written down before, and so is not sent.
    #[error("nothing is sent: {0}")]
    Unkept(DiskError),
    /// Taking part would give away more of these rows than their owner allows.
    #[error("nothing is sent: {0}")]
    Spent(String),
}

impl TrainError {
    /// Whether there is no room left on this party's disk.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        matches!(self, Self::Unkept(why) if why.is_full())
    }
}

/// Trains a model on rows that only it sees.
pub trait Trainer: Send {
    /// One round, from this model. `round` counts from 0.
    ///
    /// # Errors
    /// [`TrainError`]: the provider declines this round.
    fn train(&mut self, round: u32, model: &[f32]) -> Result<Update, TrainError>;

    /// Hears before each round which was the last whose average its update is in; under rules alone that have it keep something
    /// from round to round.
    ///
    /// # Errors
    /// [`TrainError`]: what it keeps does not fit that, and it declines the round.
    fn taken(&mut self, _last: Option<u32>) -> Result<(), TrainError> {
        Ok(())
    }

    /// Hears why a round goes on without its update: for its own operator; the others see that it declined, or with noise
    /// not even that.
    fn declined(&mut self, _round: u32, _why: &TrainError) {}

    /// The sum of all rows' gradients at this model, each scaled down to a norm of `clip` and rounded by itself, in the integers of
    /// the encoding: what is asked for instead of an update where single rows are hidden.
    ///
    /// # Errors
    /// [`TrainError`]; of a trainer that does not know the gradients of single rows, always.
    fn gradients(
        &mut self,
        _round: u32,
        _model: &[f32],
        (_clip, _encoding): (f64, &Encoding),
    ) -> Result<Vec<u64>, TrainError> {
        Err(TrainError::Unfit("this trainer does not give the gradients of single rows".to_owned()))
    }

    /// What is counted of the rows besides, under the model that was handed out: asked for after [`Self::train`], where a training
    /// has it.
    ///
    /// # Errors
    /// [`TrainError`]: the update is sent without; of a trainer that does not know what its model says of rows, always.
    fn tally(
        &mut self,
        _round: u32,
        _model: &[f32],
        _tally: &Tally,
    ) -> Result<Vec<u64>, TrainError> {
        Err(TrainError::Unfit("this trainer does not tell what its model says of rows".to_owned()))
    }

    /// Hears why an update goes on its way without counts of its rows: for its own operator; the others see how many counted.
    fn uncounted(&mut self, _round: u32, _why: &TrainError) {}

    /// What the model is solved for from: asked for instead of an update under [`Rule::Exact`].
    ///
    /// # Errors
    /// [`TrainError`]; of a trainer that adds nothing up, always.
    fn sums(&mut self, _round: u32, _model: &[f32], _exact: &Exact) -> Result<Sums, TrainError> {
        Err(TrainError::Unfit("this trainer does not add up products of features".to_owned()))
    }
}

/// The trainer of [`crate::model`].
pub struct Native {
    network: Network,
    rows: Rows,
    fit: Fit,
    seed: [u8; 32],
    method: Method,
}

/// What an update is besides the difference of two models.
enum Method {
    Difference,
    /// SCAFFOLD's correction.
    Scaffold(Correction),
    /// FedNova's unit of a step.
    Nova {
        unit: f32,
    },
}

impl Native {
    /// A trainer on these rows. The order in which they are seen follows from `seed` and the round, so that a round that is
    /// run again gives the same update.
    #[must_use]
    pub fn new(network: Network, rows: Rows, fit: Fit, seed: [u8; 32]) -> Self {
        Self { network, rows, fit, seed, method: Method::Difference }
    }

    /// The same for a rule that asks for more than differences.
    #[must_use]
    pub fn by(self, rule: Rule) -> Self {
        let method = match rule {
            Rule::Scaffold { .. } => Method::Scaffold(Correction::new(self.network.parameters())),
            Rule::Nova { unit, .. } => Method::Nova { unit },
            _ => Method::Difference,
        };
        Self { method, ..self }
    }

    /// Keeps what it has from round to round in this folder, under the name of the training, so that the training goes on after a
    /// crash; takes up what is there if it does.
    ///
    /// # Errors
    /// The system's, and what is there if it is of another training.
    pub fn keeping(
        mut self,
        (path, training): (&Path, [u8; 32]),
        resumed: bool,
    ) -> io::Result<Self> {
        if let Method::Scaffold(correction) = &mut self.method {
            correction.keep(path, training, resumed)?;
        }
        Ok(self)
    }
}

impl Trainer for Native {
    fn train(&mut self, round: u32, handed: &[f32]) -> Result<Update, TrainError> {
        let (model, shared) = handed.split_at(self.network.parameters().min(handed.len()));
        let shared = Control::resume(shared.to_vec());
        if let Method::Scaffold(correction) = &self.method {
            self.fit.drift = correction.now(&shared);
        }
        let (before, _) = evaluate(&self.network, model, &self.rows);
        let mut hasher = blake3::Hasher::new_keyed(&self.seed);
        hasher.update(b"order").update(&round.to_le_bytes());
        let mut seed = [0; 16];
        hasher.finalize_xof().fill(&mut seed);
        let mut trained = model.to_vec();
        let rng = &mut Prg::new(&seed);
        let steps = fit(&self.network, &mut trained, &self.rows, &self.fit, rng)?.steps;
        let mut delta: Vec<f32> =
            trained.iter().zip(model).map(|(after, before)| after - before).collect();
        match &mut self.method {
            Method::Difference | Method::Nova { .. } => {}
            Method::Scaffold(correction) => {
                let went = (&delta[..], steps, self.fit.rate);
                let change = correction.change((round, &shared), went)?;
                delta.extend_from_slice(&change);
            }
        }
        let weight = self.rows.len() as u64;
        let update = Update { delta, weight, loss: before.loss, correct: before.correct };
        Ok(match self.method {
            Method::Nova { unit } => update.over(steps, unit),
            _ => update,
        })
    }

    fn gradients(
        &mut self,
        _round: u32,
        model: &[f32],
        (clip, encoding): (f64, &Encoding),
    ) -> Result<Vec<u64>, TrainError> {
        let scale = f64::from(encoding.bits()).exp2();
        Ok(clipped_sum(&self.network, model, &self.rows, clip, scale))
    }

    fn tally(
        &mut self,
        _round: u32,
        handed: &[f32],
        tally: &Tally,
    ) -> Result<Vec<u64>, TrainError> {
        let (model, _) = handed.split_at(self.network.parameters().min(handed.len()));
        let (_, outputs) = evaluate(&self.network, model, &self.rows);
        Ok(tally.of_rows(&outputs, &self.rows))
    }

    fn sums(&mut self, _round: u32, model: &[f32], exact: &Exact) -> Result<Sums, TrainError> {
        total::of_rows(exact, (&self.network, model), &self.rows)
    }

    fn taken(&mut self, last: Option<u32>) -> Result<(), TrainError> {
        match &mut self.method {
            Method::Scaffold(correction) => correction.settle(last),
            _ => Ok(()),
        }
    }
}

/// Rows do not print.
impl std::fmt::Debug for Native {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Native({:?}, {} rows)", self.network, self.rows.len())
    }
}
