//! What the buyer hears of a training while it goes on.

use datafusion::arrow::array::RecordBatch;

use super::{
    opening::{Opener, compilation},
    trained::round_of,
};
use crate::{
    identity::{Hash32, Signed},
    job::{Failure, JobId, Reason, Stage},
    plan::{Plan, Training},
    seal::{ExpectedRound, RoundManifest, SealedFigures, open_round},
    wire::{self, Datasets, SealedRound},
};

/// Opens the figures of a training's rounds for its buyer.
///
/// # Security
/// They are signed by the first compute party, and sealed to this buyer for this job, plan and round. All rounds are of the run of the
/// first one that is opened. The coordinator may hold rounds back, or tell them late; what counts is the table in the result, which
/// all three compute parties have sealed.
#[derive(Debug)]
pub struct Rounds<'a> {
    opener: Opener<'a>,
    job: JobId,
    plan: Plan,
    hash: Hash32,
    run: Option<(Hash32, u32)>,
}

impl<'a> Rounds<'a> {
    /// Compiles the job again, from what it was compiled from.
    ///
    /// # Errors
    /// [`Failure`] if the documents are not those of this job, or it is no training of which the buyer hears.
    pub fn new(opener: Opener<'a>, job: JobId, documents: &Datasets) -> Result<Self, Failure> {
        let compilation = compilation(opener, job, documents)?;
        let rounds = Self {
            opener,
            job,
            plan: compilation.compiled.plan,
            hash: compilation.hash,
            run: None,
        };
        rounds.training().map(|_| ())?;
        Ok(rounds)
    }

    /// How many rounds the training has.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.training().map_or(0, |training| training.rounds)
    }

    /// A round's row, as the table of rounds in the result has it.
    ///
    /// # Errors
    /// [`Reason::Inconsistent`] if it is not from the first compute party, or of another job, plan, run, round or recipient.
    pub fn open(&mut self, round: &SealedRound) -> Result<RecordBatch, Failure> {
        let manifest: Signed<RoundManifest> =
            wire::parse("sealed round", Stage::Run, &round.manifest)?;
        let training = self.training()?;
        let party = self.plan.compute.first().ok_or_else(untold)?;
        let expected = ExpectedRound {
            job: self.job.hash(),
            plan: self.hash,
            run: self.run,
            round: round.round,
            party,
            words: training.round_words(),
            pins: self.opener.pins,
        };
        let fail = |words: String| Failure::new(Reason::Inconsistent, Stage::Run, words).at(party);
        let sealed = SealedFigures { manifest, ciphertext: round.ciphertext.clone() };
        let (binding, words) = open_round(&sealed, self.opener.key, &expected)
            .map_err(|error| fail(error.to_string()))?;
        let owners: Vec<_> = training.owners(&self.plan).map(|input| &input.party).collect();
        let row = round_of(training, &owners, (round.round, &words));
        let row = row.ok_or_else(|| fail("its figures are of no round of this job".to_owned()))?;
        self.run = Some((binding.run, binding.attempt));
        Ok(row)
    }

    fn training(&self) -> Result<&Training, Failure> {
        let training = self.plan.training().map(|(_, training)| training);
        training.filter(|training| training.tells_rounds()).ok_or_else(untold)
    }
}

fn untold() -> Failure {
    let words = "nothing is told of this job's rounds while it goes on";
    Failure::new(Reason::Inconsistent, Stage::Run, words)
}
