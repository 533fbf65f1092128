//! A party's own trainer, as rounds see it: accounted for, and heard by its operator.

use std::fmt;

use federated::{
    average::Encoding,
    model::Tally,
    round::{Sums, TrainError, Trainer, Update},
    sums::Exact,
};

use crate::{
    identity::PartyName,
    job::{Failure, Reason, Stage},
    plan::Spend,
};

/// This party's own trainer, of this program or another: it says why it has no update, to its own operator. The others see that it
/// declined, or with noise not even that.
///
/// With noise each round is written down before anything is trained in it, so before anything of it is sent; a round that is not
/// written down is not taken part in.
pub(super) struct Own {
    pub(super) trainer: Box<dyn Trainer>,
    pub(super) spend: Option<Spend>,
    pub(super) party: PartyName,
}

impl Own {
    fn spend(&self, round: u32) -> Result<(), TrainError> {
        let Some(spend) = &self.spend else { return Ok(()) };
        spend(round).map_err(TrainError::Unkept)?.map_err(TrainError::Spent)
    }

    /// What its operator hears: of a disk that is full, what to do.
    fn words(&self, why: &TrainError) -> String {
        if !why.is_disk_full() {
            return why.to_string();
        }
        Failure::new(Reason::DiskFull, Stage::Run, why.to_string()).at(&self.party).to_string()
    }
}

impl Trainer for Own {
    fn train(&mut self, round: u32, model: &[f32]) -> Result<Update, TrainError> {
        self.spend(round)?;
        self.trainer.train(round, model)
    }

    fn taken(&mut self, last: Option<u32>) -> Result<(), TrainError> {
        self.trainer.taken(last)
    }

    fn declined(&mut self, round: u32, why: &TrainError) {
        let words = self.words(why);
        match (&self.spend, why) {
            (None, _) | (_, TrainError::Spent(_) | TrainError::Unkept(_)) => {
                tracing::warn!(round = round + 1, why = %words, "declined a round of training");
            }
            _ => {
                tracing::warn!(round = round + 1, why = %words, "sent zeros in a round of training");
            }
        }
    }

    fn gradients(
        &mut self,
        round: u32,
        model: &[f32],
        of: (f64, &Encoding),
    ) -> Result<Vec<u64>, TrainError> {
        self.spend(round)?;
        self.trainer.gradients(round, model, of)
    }

    fn sums(&mut self, round: u32, model: &[f32], exact: &Exact) -> Result<Sums, TrainError> {
        self.spend(round)?;
        self.trainer.sums(round, model, exact)
    }

    fn tally(&mut self, round: u32, model: &[f32], tally: &Tally) -> Result<Vec<u64>, TrainError> {
        self.trainer.tally(round, model, tally)
    }

    fn uncounted(&mut self, round: u32, why: &TrainError) {
        tracing::warn!(round = round + 1, %why, "its rows are not counted for the metrics of a round of training");
    }
}

impl fmt::Debug for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Own(accounted for: {})", self.spend.is_some())
    }
}
