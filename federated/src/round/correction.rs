//! SCAFFOLD at a provider: its own correction, and the change to it that is under way, in memory and on disk.
//!
//! ```text
//! asked for round r, told the last of its rounds that is in an average ─▶ the change of that one is taken over, any other is dropped
//! trained ─▶ correction and change of round r on disk ─▶ update sent
//! ```
//!
//! Whether an update is in an average is known to its provider only when it is asked again. So the change of the last one is kept
//! beside the correction as it was before, and both are on disk before the update is sent: whatever is killed then, and whichever
//! rounds are run anew, the correction is the sum of the changes that are in what all share.

use std::{fmt, io, path::Path};

use super::trainer::TrainError;
use crate::{
    shelf::{Reader, Shelf, Writer, broken},
    strategy::{Control, Drift},
};

const CORRECTION: &str = "correction";

/// A provider's correction, through all rounds.
pub(super) struct Correction {
    drift: Drift,
    /// The last round whose change is in it.
    last: Option<u32>,
    /// The change that the last update brought, and the round it was for.
    under_way: Option<(u32, Vec<f32>)>,
    shelf: Option<Shelf>,
}

impl Correction {
    /// None yet, and kept in memory alone.
    pub(super) fn new(parameters: usize) -> Self {
        Self { drift: Drift::new(parameters), last: None, under_way: None, shelf: None }
    }

    /// The same, kept in this folder; as it is there, if it goes on.
    pub(super) fn keep(
        &mut self,
        path: &Path,
        training: [u8; 32],
        resumed: bool,
    ) -> io::Result<()> {
        let shelf = Shelf::open_patiently(path, training)?;
        if resumed && let Some(file) = shelf.read(CORRECTION)? {
            self.read(file)?;
        }
        self.write(&shelf)?;
        self.shelf = Some(shelf);
        Ok(())
    }

    /// What is added to every gradient of a round.
    pub(super) fn now(&self, shared: &Control) -> Vec<f32> {
        self.drift.correction(shared)
    }

    /// Hears which of its rounds is the last that is in an average.
    pub(super) fn settle(&mut self, last: Option<u32>) -> Result<(), TrainError> {
        if last == self.last {
            self.under_way = None;
            return Ok(());
        }
        match self.under_way.take_if(|(round, _)| Some(*round) == last) {
            Some((_, change)) => {
                self.drift.renew(&change);
                self.last = last;
                Ok(())
            }
            None => Err(TrainError::Outside(
                "what is kept here of its correction is not of the rounds that its updates are in; run the job without `resumes`"
                    .to_owned(),
            )),
        }
    }

    /// After a round that moved the model by `update` in `steps` steps: the change that goes with the update, once it is kept.
    pub(super) fn change(
        &mut self,
        (round, shared): (u32, &Control),
        (update, steps, rate): (&[f32], u64, f32),
    ) -> Result<Vec<f32>, TrainError> {
        let change = self.drift.change(shared, update, steps, rate);
        self.under_way = Some((round, change.clone()));
        if let Some(shelf) = &self.shelf {
            let failed = |error: io::Error| TrainError::Unkept(shelf.failed(&error));
            self.write(shelf).map_err(failed)?;
        }
        Ok(change)
    }

    fn write(&self, shelf: &Shelf) -> io::Result<()> {
        let after = |round: Option<u32>| round.map_or(0, |round| u64::from(round) + 1);
        let put = |out: &mut Writer| {
            out.word(after(self.last))?;
            out.floats(self.drift.own())?;
            out.word(after(self.under_way.as_ref().map(|(round, _)| *round)))?;
            out.floats(self.under_way.as_ref().map_or(&[], |(_, change)| &change[..]))
        };
        shelf.write(CORRECTION, put).map(drop)
    }

    fn read(&mut self, mut file: Reader) -> io::Result<()> {
        let last = file.small()?.checked_sub(1);
        let own = file.floats()?;
        let (round, change) = (file.small()?.checked_sub(1), file.floats()?);
        file.end()?;
        let parameters = self.drift.own().len();
        if own.len() != parameters || (round.is_some() && change.len() != parameters) {
            return Err(broken("it is of another model"));
        }
        *self = Self {
            drift: Drift::resume(own),
            last,
            under_way: round.map(|round| (round, change)),
            shelf: None,
        };
        Ok(())
    }
}

/// A correction is a provider's own.
impl fmt::Debug for Correction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Correction(of round {:?})", self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trained(of: &mut Correction, round: u32, by: f32) {
        of.change((round, &Control::new(2)), (&[-by, -2.0 * by], 1, 1.0)).unwrap();
    }

    #[test]
    fn a_change_counts_if_its_round_is_in_an_average_whoever_is_killed_when() {
        let dir = tempfile::tempdir().unwrap();
        let kept = |resumed| {
            let mut of = Correction::new(2);
            of.keep(dir.path(), [1; 32], resumed).unwrap();
            of
        };
        let own = |of: &Correction| of.drift.own().to_vec();
        let mut of = kept(false);
        trained(&mut of, 0, 1.0);
        // Killed after its update was sent; the round is run anew, over this one too or not.
        for last in [None, Some(0)] {
            drop(of);
            of = kept(true);
            of.settle(last).unwrap();
            assert_eq!(own(&of), if last.is_some() { [1.0, 2.0] } else { [0.0; 2] });
            trained(&mut of, if last.is_some() { 1 } else { 0 }, 1.0);
        }
        // Round 1 is not taken, round 2 is.
        of.settle(Some(0)).unwrap();
        trained(&mut of, 2, 4.0);
        drop(of);
        let mut of = kept(true);
        of.settle(Some(2)).unwrap();
        assert_eq!(own(&of), [5.0, 10.0]);
        // Told the same once more.
        of.settle(Some(2)).unwrap();
        assert_eq!(own(&of), [5.0, 10.0]);
        // What is there is of other rounds: nothing is trained by it.
        assert!(matches!(of.settle(Some(1)), Err(TrainError::Outside(_))));
        drop(of);
        assert!(Correction::new(3).keep(dir.path(), [1; 32], true).is_err(), "another model");
        assert!(Correction::new(2).keep(dir.path(), [2; 32], true).is_err(), "another training");
        let mut of = kept(false);
        assert!(of.settle(Some(0)).is_err(), "a training that is begun anew has nothing of it");
        assert_eq!(of.settle(None), Ok(()));
    }
}
