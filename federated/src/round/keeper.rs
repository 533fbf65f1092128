//! What a compute party keeps of a training while it goes on, so that another run can go on from there.

use std::{collections::BTreeSet, fmt};

use super::{
    course::{Course, RoundReport, State},
    set::Set,
    worth::{Totals, Weighing},
};
use crate::disk::DiskError;

/// A round whose updates are all there and whose sum is not open yet.
pub struct Closed {
    /// Which round, from 0.
    pub(super) round: u32,
    /// Whose updates are in it.
    pub(super) providers: Set,
    /// Whose came and were not taken.
    pub(super) refused: Vec<usize>,
    /// This party's share of their sum.
    pub(super) sum: Vec<u64>,
    /// What it takes to weigh the updates, if they are weighed.
    pub(super) weighing: Option<Weighing>,
}

impl Closed {
    /// A round over these providers' masked updates, of which no share is kept.
    pub(super) fn masked(course: &Course, round: u32, providers: &BTreeSet<usize>) -> Self {
        let providers = Set::of(course, |number| providers.contains(&number));
        Self { round, providers, refused: Vec::new(), sum: Vec::new(), weighing: None }
    }

    /// Whether it is over providers that there are.
    pub(super) fn is_of(&self, course: &Course) -> bool {
        self.providers.numbers().all(|number| number < course.providers.len())
    }
}

/// Shares do not print.
impl fmt::Debug for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Closed(round {}, {} words)", self.round, self.sum.len())
    }
}

/// Where a training stands at a compute party.
#[derive(Debug)]
pub struct Standing {
    /// After the rounds that are over.
    pub state: State,
    /// Those rounds.
    pub reports: Vec<RoundReport>,
    /// What updates were worth in them, if they are weighed.
    pub totals: Option<Totals>,
    /// The last round that was closed, if one was.
    pub closed: Option<Closed>,
}

impl Standing {
    /// Before the first round.
    #[must_use]
    pub fn new(state: State) -> Self {
        Self { state, reports: Vec::new(), totals: None, closed: None }
    }
}

/// Keeps where a training stands. What it says it has kept must be there after the power fails.
///
/// # Errors
/// Why it could not: the training ends.
pub trait Keeper {
    /// Called before the first word of a sum is said.
    ///
    /// # Errors
    /// See the trait.
    fn closed(&mut self, closed: &Closed) -> Result<(), DiskError>;

    /// Called where the round that was closed last is not opened any more: not all have closed it, and it is run anew, so that another
    /// run's shares of it are not to meet those of this one; or all rounds are over.
    ///
    /// # Errors
    /// See the trait.
    fn reopened(&mut self) -> Result<(), DiskError>;

    /// Called after each round, before the next, with all rounds so far. The round that was closed last is still needed: another
    /// party may not have got so far.
    ///
    /// # Errors
    /// See the trait.
    fn opened(
        &mut self,
        state: &State,
        reports: &[RoundReport],
        totals: Option<&Totals>,
    ) -> Result<(), DiskError>;
}

/// Keeps nothing: if it is interrupted, the training begins anew.
#[derive(Clone, Copy, Debug)]
pub struct NotKept;

impl Keeper for NotKept {
    fn closed(&mut self, _: &Closed) -> Result<(), DiskError> {
        Ok(())
    }

    fn reopened(&mut self) -> Result<(), DiskError> {
        Ok(())
    }

    fn opened(
        &mut self,
        _: &State,
        _: &[RoundReport],
        _: Option<&Totals>,
    ) -> Result<(), DiskError> {
        Ok(())
    }
}
