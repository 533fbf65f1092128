//! What all know of a training's sums beforehand.

use std::sync::Arc;

use ed25519_dalek::VerifyingKey;

use crate::{
    round::{course::Course, error::RoundError},
    secagg::{Name, SecAggError, Setting, Threshold},
};

/// Whose sums they are, and when masks come off.
#[derive(Clone, Debug)]
pub struct Masks {
    /// What names this run of this job, and no other.
    pub run: [u8; 32],
    /// The registered keys of the providers, by number.
    pub keys: Vec<VerifyingKey>,
    /// Neighbours, and how many restore a secret.
    pub threshold: Threshold,
}

impl Masks {
    /// The sum of a round, from 0, of updates to the model of this hash: of another one it is another sum.
    pub(super) fn setting(
        &self,
        course: &Course,
        (round, model): (u32, [u8; 32]),
    ) -> Result<Arc<Setting>, RoundError> {
        let name = Name { job: self.run, round, attempt: 1, from: model };
        let terms = (self.threshold, self.least(course));
        // All are neighbours of all where jobs use this, and the coin says nothing.
        let setting = Setting::new(name, self.keys.clone(), course.words(), terms, &self.run);
        setting.map(Arc::new).map_err(|_| {
            let (what, got) = ("are there to mask each other's updates", self.keys.len());
            let source = SecAggError::Few { what, got, least: 3 };
            RoundError::Masks { round: round.saturating_add(1), source }
        })
    }

    /// The fewest providers of whom a sum is told: those whom the course asks for, and enough to take masks off.
    pub(super) fn least(&self, course: &Course) -> usize {
        course.pace.least.max(self.threshold.shares as usize + 1)
    }
}
