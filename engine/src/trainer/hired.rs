//! A provider's own program in the place of a native trainer.

use std::{fmt, time::Duration};

use federated::{
    model::{FitError, Rows},
    round::{TrainError, Trainer, Update},
};
use tokio::runtime::{Builder, Runtime};

use super::child::Child;
use crate::{
    plan::{Place, Program, Training, TrainingRows},
    wire::{TrainedModel, TrainerCalls, TrainerSession, TrainerSetting},
};

/// A child that does not listen yet is called again after so long.
const AGAIN: Duration = Duration::from_millis(20);
/// And one that is ending is looked at so often.
const LOOKS: u32 = 10;
/// Beyond this a sum of losses cannot be added up with those of the others.
const MOST_LOSS: f64 = (1_u64 << 34) as f64;

/// A program that trains on these rows: engaged with the first round, and anew after a round that failed.
pub struct Hired {
    runtime: Runtime,
    office: Office,
    limit: Duration,
}

struct Office {
    program: Program,
    setting: TrainerSetting,
    rows: Rows,
    engaged: Option<Engaged>,
}

/// The session ends before its child.
struct Engaged {
    session: TrainerSession,
    child: Option<Child>,
}

impl Hired {
    /// Hands rows over to a program when the first round comes.
    ///
    /// # Errors
    /// Why this process cannot call it.
    pub fn new(program: Program, of: &Training, held: &TrainingRows) -> Result<Self, String> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        let rows = held.rows.clone();
        let mut seed = [0; 8];
        let mut hasher = blake3::Hasher::new_keyed(&held.order);
        hasher.update(b"trainer").finalize_xof().fill(&mut seed);
        let seed = u64::from_le_bytes(seed);
        let setting = TrainerSetting::new(of, &program.job, rows.len(), seed)?;
        // The rest of a round is the update's, on its way.
        let limit = Duration::from_secs(of.round_seconds.into()) * 9 / 10;
        Ok(Self { runtime, office: Office { program, setting, rows, engaged: None }, limit })
    }
}

impl Trainer for Hired {
    fn train(&mut self, round: u32, model: &[f32]) -> Result<Update, TrainError> {
        let Self { runtime, office, limit } = self;
        if office.rows.is_empty() {
            return Err(TrainError::Fit(FitError::Empty));
        }
        let mut ended = office.program.ended.clone();
        let came = runtime.block_on(async {
            tokio::select! {
                biased;
                // Whoever could say that it ended may be gone: then it has.
                _ = ended.wait_for(|ended| *ended) => Err("the run has ended".to_owned()),
                came = tokio::time::timeout(*limit, office.insist(round, model)) => came.unwrap_or_else(|_| {
                    Err(format!("no model within {} seconds; it was ended", limit.as_secs_f32()))
                }),
            }
        });
        let came = came.inspect_err(|_| office.engaged = None).and_then(|came| came);
        let trained = came.map_err(TrainError::Outside)?;
        office.update(trained, model).map_err(TrainError::Outside)
    }
}

impl Office {
    /// One round; once more, with another child, where the child was ended in it: from the same model, with the same seed.
    async fn insist(
        &mut self,
        round: u32,
        model: &[f32],
    ) -> Result<Result<TrainedModel, String>, String> {
        let came = self.round(round, model).await;
        let Err(why) = &came else { return came };
        if !self.was_ended().await {
            return came;
        }
        tracing::warn!(round = round + 1, %why, "the trainer was ended; another one trains this round");
        self.engaged = None;
        self.round(round, model).await
    }

    /// Whether the child of a session is there no more: its line ends a moment before it does.
    async fn was_ended(&mut self) -> bool {
        let child = self.engaged.as_mut().and_then(|engaged| engaged.child.as_mut());
        let Some(child) = child else { return false };
        for _ in 0..LOOKS {
            if child.ended().is_some() {
                return true;
            }
            tokio::time::sleep(AGAIN).await;
        }
        false
    }

    /// One round; the outer error leaves a session that is of no use.
    async fn round(
        &mut self,
        round: u32,
        model: &[f32],
    ) -> Result<Result<TrainedModel, String>, String> {
        if self.engaged.is_none() {
            self.engaged = Some(self.engage().await?);
        }
        let Some(engaged) = &mut self.engaged else { return Err("it was not engaged".into()) };
        let came = engaged.session.round(round, model).await;
        // A child's end says more than the end of its line.
        came.map_err(|why| match engaged.child.as_mut().and_then(Child::ended) {
            Some(how) => format!("{how}: {why}"),
            None => why,
        })
    }

    async fn engage(&self) -> Result<Engaged, String> {
        let (mut child, address) = match &self.program.place {
            Place::Child { command, folder } => {
                let child = Child::start(command, folder)?;
                let address = child.address();
                (Some(child), address)
            }
            Place::At(address) => (None, address.clone()),
        };
        let mut calls = loop {
            match (TrainerCalls::connect(&address).await, &mut child) {
                (Ok(calls), _) => break calls,
                (Err(why), None) => return Err(format!("{address}: {why}")),
                (Err(_), Some(child)) => {
                    if let Some(how) = child.ended() {
                        return Err(format!("{how} before it listened"));
                    }
                    tokio::time::sleep(AGAIN).await;
                }
            }
        };
        calls.describe(&self.setting).await?;
        let session = calls.begin(&self.setting, &self.rows).await?;
        Ok(Engaged { session, child })
    }

    /// What came, as an update: the difference of two models, and figures that can be true.
    fn update(&self, trained: TrainedModel, before: &[f32]) -> Result<Update, String> {
        let TrainedModel { model, rows, loss, correct, steps: _ } = trained;
        if let Some(at) = model.iter().position(|x| !x.is_finite()) {
            return Err(format!("number {at} of its model is none"));
        }
        let handed = self.rows.len();
        if rows == 0 || usize::try_from(rows).map_or(true, |rows| rows > handed) {
            return Err(format!("it says that it trained on {rows} rows, of {handed}"));
        }
        if correct > rows {
            return Err(format!("it says that {correct} of {rows} rows were right"));
        }
        if loss.is_nan() || loss.abs() > MOST_LOSS {
            return Err("its loss is no number, or too large to be added up".into());
        }
        let delta = model.iter().zip(before).map(|(after, before)| after - before).collect();
        Ok(Update { delta, weight: rows, loss, correct })
    }
}

/// Rows do not print.
impl fmt::Debug for Hired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hired({:?}, {} rows)", self.office.program.place, self.office.rows.len())
    }
}
