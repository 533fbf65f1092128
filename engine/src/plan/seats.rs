//! Who has which number in a run.

use protocols::party::{PartyId, Role};

use super::ir::{Op, Plan};
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

    /// Those who do not compute and whose sets an operation behind this one shows rows of: they have to hear of a least number of common
    /// keys. Ascending.
    #[must_use]
    pub fn hearers(&self, at: usize) -> Vec<PartyId> {
        let inputs = self.nodes.iter().skip(at + 1).flat_map(|op| match op {
            Op::Match(of) => vec![of.sender, of.receiver],
            Op::Many(of) => of.inputs.clone(),
            _ => Vec::new(),
        });
        let owners = inputs.filter_map(|input| self.inputs.get(input as usize));
        let seats = owners.filter_map(|input| self.seat_of(&input.party));
        let mut outside: Vec<_> = seats.filter(|seat| seat.role().is_none()).collect();
        outside.sort_unstable();
        outside.dedup();
        outside
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
