//! Who has which number in a run.

use protocols::party::{PartyId, Role};

use super::ir::Plan;
use crate::identity::PartyName;

/// The number of the first participant that does not compute.
const OUTSIDE: u16 = 3;

impl Plan {
    /// Providers of inputs that are no compute party, in name order; in a run they are parties 3, 4, ….
    #[must_use]
    pub fn outside(&self) -> Vec<PartyName> {
        let parties = self.inputs.iter().map(|input| &input.party);
        let mut names: Vec<_> =
            parties.filter(|party| !self.compute.contains(party)).cloned().collect();
        names.sort();
        names.dedup();
        names
    }

    /// The number of a participant: those who compute are 0, 1 and 2. Nothing for whoever is none.
    #[must_use]
    pub fn seat_of(&self, party: &PartyName) -> Option<PartyId> {
        let role = Role::ALL.into_iter().zip(&self.compute).find(|(_, name)| *name == party);
        role.map(|(role, _)| role.id()).or_else(|| {
            let mut outside = (OUTSIDE..).map(PartyId).zip(self.outside());
            outside.find(|(_, name)| name == party).map(|(seat, _)| seat)
        })
    }
}
