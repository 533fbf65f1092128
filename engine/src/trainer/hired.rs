//! A provider's own program in the place of a native trainer.

use std::{
    fmt,
    time::{Duration, Instant},
};

use federated::{
    model::{FitError, Rows, Tally},
    round::{TrainError, Trainer, Update},
};
use tokio::runtime::{Builder, Runtime};

use super::child::Child;
use crate::{
    plan::{Place, Program, Training, TrainingRows},
    wire::{TrainedModel, TrainerCalls, TrainerScores, TrainerSession, TrainerSetting, Unscored},
};

/// A child that does not listen yet is called again after so long.
const AGAIN: Duration = Duration::from_millis(20);
/// And one that is ending is looked at so often.
const LOOKS: u32 = 10;
/// Of a round's time a program has one part of so many to evaluate in, or is not to blame for being late.
const FAIR: u32 = 4;
/// Beyond this a sum of losses cannot be added up with those of the others.
const MOST_LOSS: f64 = (1_u64 << 34) as f64;

/// A program that trains on these rows: engaged with the first round, and anew after a round that failed.
pub struct Hired {
    runtime: Runtime,
    office: Office,
    pub(super) limit: Duration,
    /// When the round that it trains in is nearly over.
    pub(super) until: Instant,
}

struct Office {
    program: Program,
    setting: TrainerSetting,
    rows: Rows,
    engaged: Option<Engaged>,
    /// The unit of a number of steps and the largest one, where they are asked for.
    steps: Option<(f32, u64)>,
    /// It does not evaluate, or took too long over it, and is not asked again in this run.
    mute: bool,
}

/// The sessions end before their child.
struct Engaged {
    session: TrainerSession,
    scores: Option<TrainerScores>,
    calls: TrainerCalls,
    child: Option<Child>,
}

impl Hired {
    /// Hands rows over to a program when the first round comes. With the unit of a number of steps and the largest one, its updates are over
    /// their steps, whose number follows.
    ///
    /// # Errors
    /// Why this process cannot call it.
    pub fn new(
        program: Program,
        of: &Training,
        held: &TrainingRows,
        steps: Option<(f32, u64)>,
    ) -> Result<Self, String> {
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
        let office = Office { program, setting, rows, engaged: None, steps, mute: false };
        Ok(Self { runtime, office, limit, until: Instant::now() })
    }
}

/// What comes of this, unless the run ends before, or it takes longer than it may; then this is said too.
async fn in_time<T>(
    program: &Program,
    (limit, late): (Duration, &str),
    work: impl Future<Output = T>,
) -> Result<T, String> {
    let mut ended = program.ended.clone();
    tokio::select! {
        biased;
        // Whoever could say that it ended may be gone: then it has.
        _ = ended.wait_for(|ended| *ended) => Err("the run has ended".to_owned()),
        came = tokio::time::timeout(limit, work) => came.map_err(|_| {
            format!("nothing within {} seconds; {late}", limit.as_secs_f32())
        }),
    }
}

impl Trainer for Hired {
    fn train(&mut self, round: u32, model: &[f32]) -> Result<Update, TrainError> {
        let Self { runtime, office, limit, until } = self;
        *until = Instant::now() + *limit;
        if office.rows.is_empty() {
            return Err(TrainError::Fit(FitError::Empty));
        }
        let program = office.program.clone();
        let limit = (*limit, "it was ended");
        let came = runtime.block_on(in_time(&program, limit, office.insist(round, model)));
        let came = came.and_then(|came| came);
        let came = came.inspect_err(|_| office.engaged = None).and_then(|came| came);
        let trained = came.map_err(TrainError::Outside)?;
        office.update(trained, model).map_err(TrainError::Outside)
    }

    fn tally(&mut self, round: u32, model: &[f32], tally: &Tally) -> Result<Vec<u64>, TrainError> {
        let Self { runtime, office, limit, until } = self;
        if office.mute {
            let why = "it does not evaluate, or took too long over it once".to_owned();
            return Err(TrainError::Outside(why));
        }
        let program = office.program.clone();
        let left = until.saturating_duration_since(Instant::now());
        let fair = left >= *limit / FAIR;
        let late = if fair {
            "it is not asked to evaluate again in this run"
        } else {
            "training had left it no more of this round to evaluate in, and the next one asks again"
        };
        let came = runtime.block_on(in_time(&program, (left, late), office.scores(round, model)));
        let scores = office.evaluated(came, fair).map_err(TrainError::Outside)?;
        let garbage = || "what it gave are no probabilities, or the job asks for none".to_owned();
        tally
            .of_probabilities(&scores, &office.rows)
            .ok_or_else(garbage)
            .map_err(TrainError::Outside)
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
        Ok(Engaged { session, scores: None, calls, child })
    }

    /// What its model says of each row.
    async fn scores(&mut self, round: u32, model: &[f32]) -> Result<Vec<f32>, Unscored> {
        let Some(engaged) = &mut self.engaged else {
            return Err(Unscored::because("it was not engaged"));
        };
        let mut scores = match engaged.scores.take() {
            Some(scores) => scores,
            None => engaged.calls.evaluate(&self.setting, &self.rows).await?,
        };
        let came = scores.round(round, model).await;
        // After anything else it is of no use.
        if came.as_ref().map_or_else(|unscored| unscored.declined, |_| true) {
            engaged.scores = Some(scores);
        }
        came
    }

    /// What became of asking for that. A program that does not know the call, or hangs in it though it had a fair time, is not asked again: its
    /// updates are not to be late for that in every round. One that died is started anew with the next round.
    fn evaluated(
        &mut self,
        came: Result<Result<Vec<f32>, Unscored>, String>,
        fair: bool,
    ) -> Result<Vec<f32>, String> {
        let failed = match came {
            Ok(Ok(scores)) => return Ok(scores),
            Ok(Err(Unscored { why, never, .. })) => {
                self.mute |= never;
                why
            }
            Err(why) => {
                self.mute |= fair;
                why
            }
        };
        let ended = self.engaged.as_mut().and_then(|engaged| engaged.child.as_mut()?.ended());
        let Some(how) = ended else { return Err(failed) };
        self.engaged = None;
        Err(format!("{how}: {failed}"))
    }

    /// What came, as an update: the difference of two models, and figures that can be true.
    fn update(&self, trained: TrainedModel, before: &[f32]) -> Result<Update, String> {
        let TrainedModel { model, rows, loss, correct, steps } = trained;
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
        let update = Update { delta, weight: rows, loss, correct };
        match self.steps {
            None => Ok(update),
            Some((unit, most)) if (1..=most).contains(&steps) => Ok(update.over(steps, unit)),
            Some((_, most)) => Err(format!(
                "it says that it took {steps} steps; 1 to {most} are possible: passes over the rows of the largest provider"
            )),
        }
    }
}

/// Rows do not print.
impl fmt::Debug for Hired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hired({:?}, {} rows)", self.office.program.place, self.office.rows.len())
    }
}
