//! Calls to a provider's own trainer: what the job says and the rows go in, trained models come out. Everything that comes is
//! measured against what is due before it is kept.

use federated::model::Rows;
use proto::trainer::{self, fit_response, trainer_client::TrainerClient};
use tonic::transport::{Channel, Endpoint};

use super::{
    line::{Line, empty, said, words},
    scores::{TrainerScores, Unscored},
};
use crate::plan::{Feature, Tensor, Training};

/// What a job tells a trainer.
#[derive(Clone, Debug)]
pub struct TrainerSetting(pub(super) trainer::Setting);

/// A line to a trainer.
#[derive(Clone, Debug)]
pub struct TrainerCalls(TrainerClient<Channel>);

/// One job at a trainer.
#[derive(Debug)]
pub struct TrainerSession(Line<trainer::FitResponse>);

/// What a trainer makes of a round.
#[derive(Clone, PartialEq)]
pub struct TrainedModel {
    /// All numbers of the trained model.
    pub model: Vec<f32>,
    /// Rows that it says it was trained on.
    pub rows: u64,
    /// The sum of their losses before.
    pub loss: f64,
    /// Rows that were right before.
    pub correct: u64,
    /// Steps that were taken.
    pub steps: u64,
}

/// Models do not print.
impl std::fmt::Debug for TrainedModel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TrainedModel({} parameters)", self.model.len())
    }
}

impl TrainerSetting {
    /// What this training says, for `rows` rows and what the trainer leaves to chance.
    ///
    /// # Errors
    /// What does not fit.
    pub fn new(of: &Training, job: &str, rows: usize, seed: u64) -> Result<Self, String> {
        let fit = of.fit();
        let classes = match &of.label {
            Feature::OneOf { domain, .. } => domain.clone(),
            Feature::Number { .. } | Feature::Flag { .. } => Vec::new(),
        };
        Ok(Self(trainer::Setting {
            job: job.to_owned(),
            inputs: of.features.iter().flat_map(Feature::names).collect(),
            label: of.label.name().to_owned(),
            classes,
            tensors: of.tensors()?.into_iter().map(tensor).collect(),
            rows: rows as u64,
            rounds: of.rounds,
            epochs: of.epochs,
            batch: of.batch,
            rate: fit.rate,
            proximal: fit.proximal,
            seed,
        }))
    }
}

fn tensor(Tensor { name, shape }: Tensor) -> trainer::Tensor {
    let shape = shape.into_iter().map(|length| length as u64).collect();
    trainer::Tensor { name, shape, r#type: trainer::DataType::Float32.into() }
}

impl TrainerCalls {
    /// Connects to a trainer: `http://host:port` or `unix:/path`.
    ///
    /// # Errors
    /// Why it cannot be reached.
    pub async fn connect(address: &str) -> Result<Self, String> {
        let endpoint = Endpoint::from_shared(address.to_owned()).map_err(|e| e.to_string())?;
        let channel = endpoint.connect().await.map_err(|error| {
            let cause = std::error::Error::source(&error);
            cause.map_or_else(|| error.to_string(), ToString::to_string)
        })?;
        Ok(Self(TrainerClient::new(channel)))
    }

    /// Asks for the model that it trains, and sees that it is the job's.
    ///
    /// # Errors
    /// What is another, or what it says.
    pub async fn describe(&mut self, setting: &TrainerSetting) -> Result<(), String> {
        let answer = self.0.describe(setting.0.clone()).await.map_err(|status| said(&status))?;
        let (want, got) = (&setting.0.tensors, answer.into_inner().tensors);
        if got.len() != want.len() {
            let (got, want) = (got.len(), want.len());
            return Err(format!("its model has {got} tensors and the job's {want}"));
        }
        for (want, got) in want.iter().zip(&got) {
            if got.name != want.name {
                return Err(format!("it has another tensor where the job has `{}`", want.name));
            }
            if got.r#type != want.r#type {
                return Err(format!("its `{}` is not in single precision", want.name));
            }
            if got.shape != want.shape {
                // How much a program says of itself has no bound: only its beginning is repeated.
                let (name, first) = (&want.name, &got.shape[..got.shape.len().min(8)]);
                let (axes, want) = (got.shape.len(), &want.shape);
                return Err(format!(
                    "its `{name}` has {axes} axes, the first of {first:?}, and the job's are {want:?}"
                ));
            }
        }
        Ok(())
    }

    /// Begins a job: hands over the setting and the rows.
    ///
    /// # Errors
    /// What it says, if it takes none.
    pub async fn begin(
        &self,
        setting: &TrainerSetting,
        rows: &Rows,
    ) -> Result<TrainerSession, String> {
        let mut client = self.0.clone();
        let mut line = Line::call(|requests| async move { client.fit(requests).await });
        line.begin(setting, rows).await?;
        Ok(TrainerSession(line))
    }

    /// Begins to have a job's rows evaluated: hands over the setting and the rows once more.
    ///
    /// # Errors
    /// [`Unscored`].
    pub async fn evaluate(
        &self,
        setting: &TrainerSetting,
        rows: &Rows,
    ) -> Result<TrainerScores, Unscored> {
        let mut client = self.0.clone();
        let line = Line::call(|requests| async move { client.evaluate(requests).await });
        TrainerScores::begin(line, setting, rows).await
    }
}

impl TrainerSession {
    /// One round from this model.
    ///
    /// # Errors
    /// Whatever is no model of as many numbers with a report behind it: the session is then of no use, unless it declined.
    pub async fn round(
        &mut self,
        number: u32,
        model: &[f32],
    ) -> Result<Result<TrainedModel, String>, String> {
        self.0.ask(number, model).await?;
        let due = 4 * model.len();
        let mut bytes = Vec::with_capacity(due);
        let report = loop {
            match self.0.next().await?.what.ok_or_else(empty)? {
                fit_response::What::Model(piece) if piece.len() <= due - bytes.len() => {
                    bytes.extend_from_slice(&piece);
                }
                fit_response::What::Model(_) => {
                    return Err(format!("it sent a model of more than {due} bytes"));
                }
                fit_response::What::Report(report) => break report,
                fit_response::What::Declined(trainer::Declined { reason }) if bytes.is_empty() => {
                    return Ok(Err(words(&reason)));
                }
                fit_response::What::Declined(_) => {
                    return Err("it declined in the middle of a model".into());
                }
            }
        };
        if bytes.len() != due {
            return Err(format!("it sent a model of {} bytes where {due} are due", bytes.len()));
        }
        let model = bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        let trainer::Report { rows, loss, correct, steps } = report;
        Ok(Ok(TrainedModel { model, rows, loss, correct, steps }))
    }
}
