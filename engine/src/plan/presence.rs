//! Being in a run, and coming back into it.

use super::ir::Plan;
use crate::identity::{Hash32, PartyName};

/// In which run a provider takes part, and whether it was killed in it and is back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Presence {
    /// The run.
    pub run: Hash32,
    /// Its links were made anew, and it goes on where it was.
    pub again: bool,
}

impl Plan {
    /// Whether a party that is killed in a run of this plan comes back into it: one that trains in rounds on rows of its own, does not
    /// compute and brings nothing else.
    #[must_use]
    pub fn comes_back(&self, party: &PartyName) -> bool {
        let mut own = self.inputs.iter().filter(|input| input.party == *party).peekable();
        let outside = !self.compute.contains(party);
        outside && self.goes_on_without() && own.peek().is_some() && own.all(|input| input.trains)
    }
}
