//! What a compute party says of its run while it goes on: how far it is, and what rounds of a training came to, sealed to the buyer.

use std::{cell::RefCell, sync::Arc};

use crate::{
    identity::Hash32,
    provider::RunStart,
    seal::{Sealer, seal_round},
    wire::{self, Progress, SealedRound},
};

/// How its progress is told.
type Tell = Arc<dyn Fn(Progress) + Send + Sync>;

/// One party's voice in one run.
pub(super) struct Aloud<'a> {
    tell: Tell,
    /// What is counted.
    what: &'static str,
    /// Who seals, and the run; nobody where another party does.
    sealer: Option<(Sealer<'a>, Hash32)>,
    /// What the last round came to, until it is told.
    round: RefCell<Option<SealedRound>>,
}

impl<'a> Aloud<'a> {
    pub(super) fn new(start: &RunStart, what: &'static str, sealer: Option<Sealer<'a>>) -> Self {
        let sealer = sealer.map(|sealer| (sealer, start.run));
        Self { tell: Arc::clone(&start.progress), what, sealer, round: RefCell::default() }
    }

    /// So far it has come.
    pub(super) fn at(&self, at: usize, of: usize) {
        let percent = u32::try_from(at * 100 / of.max(1)).unwrap_or(100);
        let step = format!("{} {at} of {of}", self.what);
        (self.tell)(Progress { percent, step, round: self.round.take() });
    }

    /// A round of a training came to this: the buyer hears of it, with the next word on how far it has come.
    pub(super) fn figures(&self, round: u32, words: &[u64]) {
        let Some((sealer, run)) = &self.sealer else { return };
        match seal_round(words, (*run, round), sealer) {
            Ok(sealed) => {
                let manifest = wire::write(&sealed.manifest);
                let ciphertext = sealed.ciphertext;
                self.round.replace(Some(SealedRound { round, manifest, ciphertext }));
            }
            // The buyer hears of it with the result.
            Err(error) => tracing::warn!(round, %error, "the figures of a round are not told"),
        }
    }
}
