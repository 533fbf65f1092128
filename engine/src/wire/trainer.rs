//! Calls to a provider's own trainer: what the job says and the rows go in, trained models come out. Everything that comes is
//! measured against what is due before it is kept.

use federated::model::Rows;
use proto::trainer::{self, fit_request, fit_response, trainer_client::TrainerClient};
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{
    Status, Streaming,
    transport::{Channel, Endpoint},
};

use crate::plan::{Feature, Tensor, Training};

/// Longest piece of rows or of a model in one message, in bytes.
const PIECE_BYTES: usize = 1 << 20;
/// Pieces that may be under way before the trainer has taken them.
const AHEAD: usize = 4;
/// Longest words of a trainer that are taken into a log.
const WORDS: usize = 300;

/// What a job tells a trainer.
#[derive(Clone, Debug)]
pub struct TrainerSetting(trainer::Setting);

/// A line to a trainer.
#[derive(Clone, Debug)]
pub struct TrainerCalls(TrainerClient<Channel>);

/// One job at a trainer.
#[derive(Debug)]
pub struct TrainerSession {
    to: mpsc::Sender<trainer::FitRequest>,
    from: Answers,
}

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

/// A trainer may say nothing at all before its first answer, so that the call itself is awaited then.
#[derive(Debug)]
enum Answers {
    Due(JoinHandle<Result<Streaming<trainer::FitResponse>, Status>>),
    Here(Box<Streaming<trainer::FitResponse>>),
    Over,
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
        let (to, requests) = mpsc::channel(AHEAD);
        let mut client = self.0.clone();
        let call = async move { client.fit(ReceiverStream::new(requests)).await };
        let due = tokio::spawn(async { call.await.map(tonic::Response::into_inner) });
        let mut session = TrainerSession { to, from: Answers::Due(due) };
        session.send(fit_request::What::Setting(setting.0.clone())).await?;
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        for at in 0..rows.len() {
            for x in rows.row(at).iter().chain([&rows.label(at)]) {
                piece.extend(x.to_le_bytes());
                if piece.len() == PIECE_BYTES {
                    let full = std::mem::replace(&mut piece, Vec::with_capacity(PIECE_BYTES));
                    session.send(fit_request::What::Rows(full)).await?;
                }
            }
        }
        if !piece.is_empty() {
            session.send(fit_request::What::Rows(piece)).await?;
        }
        Ok(session)
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
        self.send(fit_request::What::Round(trainer::Round { number })).await?;
        for piece in model.chunks(PIECE_BYTES / 4) {
            let bytes = piece.iter().flat_map(|x| x.to_le_bytes()).collect();
            self.send(fit_request::What::Model(bytes)).await?;
        }
        let due = 4 * model.len();
        let mut bytes = Vec::with_capacity(due);
        let report = loop {
            match self.next().await? {
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

    async fn send(&mut self, what: fit_request::What) -> Result<(), String> {
        if self.to.send(trainer::FitRequest { what: Some(what) }).await.is_ok() {
            return Ok(());
        }
        // It listens no longer; why, it may have said.
        match self.next().await {
            Err(why) => Err(why),
            Ok(_) => Err("it answered before its turn and listens no longer".into()),
        }
    }

    async fn next(&mut self) -> Result<fit_response::What, String> {
        let over = || "it has ended the stream".to_owned();
        if let Answers::Due(due) = &mut self.from {
            let answered = due.await;
            // Awaited once: whatever comes of it.
            self.from = Answers::Over;
            let stream = answered.map_err(|_| over())?.map_err(|status| said(&status))?;
            self.from = Answers::Here(Box::new(stream));
        }
        let Answers::Here(stream) = &mut self.from else { return Err(over()) };
        let message = stream.message().await.map_err(|status| said(&status))?;
        message.ok_or_else(over)?.what.ok_or_else(|| "it sent an empty message".into())
    }
}

impl Drop for TrainerSession {
    fn drop(&mut self) {
        if let Answers::Due(due) = &self.from {
            due.abort();
        }
    }
}

/// What a trainer says of a call that failed.
fn said(status: &Status) -> String {
    format!("{:?}: {}", status.code(), words(status.message()))
}

/// A trainer's words as they may stand in a log.
fn words(text: &str) -> String {
    let plain = |letter: char| if letter.is_control() { ' ' } else { letter };
    text.chars().take(WORDS).map(plain).collect()
}
