//! What a compute party keeps of a training while it goes on, so that another run can go on from there.

use std::fmt;

use super::{
    course::{RoundReport, State},
    set::Set,
};

/// A round whose updates are all there and whose sum is not open yet.
#[derive(Clone, PartialEq)]
pub struct Closed {
    /// Which round, from 0.
    pub(super) round: u32,
    /// Whose updates are in it.
    pub(super) providers: Set,
    /// Whose came and were not taken.
    pub(super) refused: Vec<usize>,
    /// This party's share of their sum.
    pub(super) sum: Vec<u64>,
}

/// Shares do not print.
impl fmt::Debug for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Closed(round {}, {} words)", self.round, self.sum.len())
    }
}

/// Where a training stands at a compute party.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// After the rounds that are over.
    pub state: State,
    /// Those rounds.
    pub reports: Vec<RoundReport>,
    /// The last round that was closed, if one was.
    pub closed: Option<Closed>,
}

impl Standing {
    /// Before the first round.
    #[must_use]
    pub fn new(state: State) -> Self {
        Self { state, reports: Vec::new(), closed: None }
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
    fn closed(&mut self, closed: &Closed) -> Result<(), String>;

    /// Called where not all have closed the round that this party has, before it is run anew: another run's shares of it are not to
    /// meet those of this one.
    ///
    /// # Errors
    /// See the trait.
    fn reopened(&mut self) -> Result<(), String>;

    /// Called after each round, before the next, with all rounds so far. The round that was closed last is still needed: another
    /// party may not have got so far.
    ///
    /// # Errors
    /// See the trait.
    fn opened(&mut self, state: &State, reports: &[RoundReport]) -> Result<(), String>;
}

/// Keeps nothing: if it is interrupted, the training begins anew.
#[derive(Clone, Copy, Debug)]
pub struct NotKept;

impl Keeper for NotKept {
    fn closed(&mut self, _: &Closed) -> Result<(), String> {
        Ok(())
    }

    fn reopened(&mut self) -> Result<(), String> {
        Ok(())
    }

    fn opened(&mut self, _: &State, _: &[RoundReport]) -> Result<(), String> {
        Ok(())
    }
}
