//! What a plan says of averaging by masks.

use federated::secagg::Threshold;

use super::{
    explain::{table, thousands},
    ir::Plan,
    train::Training,
};
use crate::identity::PartyName;

impl Plan {
    /// The one party that adds up, of a training by masks.
    #[must_use]
    pub fn adds_up(&self) -> Option<&PartyName> {
        self.compute.single()
    }
}

impl Training {
    /// How updates mask each other, if they do.
    #[must_use]
    pub fn threshold(&self) -> Option<Threshold> {
        self.averaging.threshold(self.inputs.len())
    }

    /// What keeps the way of averaging from being one of this plan, if anything does.
    pub(super) fn averaging_fault(&self, plan: &Plan) -> Result<(), String> {
        let alone = plan.adds_up();
        if self.averaging.is_shares() {
            return if alone.is_none() {
                Ok(())
            } else {
                Err("is averaged on shares, and one party computes".into())
            };
        }
        let alone = alone.ok_or("is averaged by masks, and three parties compute")?;
        if self.owners(plan).any(|input| input.party == *alone) {
            return Err("is added up by a party that trains".into());
        }
        let threshold = self.threshold().ok_or("has masks that withstand no so many")?;
        if self.least <= threshold.shares {
            return Err("opens averages of fewer providers than take masks off".into());
        }
        let plain = self.gate.is_none()
            && self.privacy.is_none()
            && self.valuation.is_none()
            && self.ring.is_wide()
            && self.strategy.is_plain()
            && self.model.trees().is_none();
        if plain {
            Ok(())
        } else {
            Err("has something that does not go with averaging by masks".into())
        }
    }

    /// In a line, what is assumed of whom.
    pub(super) fn averaging_told(&self) -> String {
        self.threshold().map_or_else(String::new, |threshold| {
            format!(
                ", averaged by masks that come off with {} of {} others",
                threshold.shares, threshold.neighbours
            )
        })
    }

    /// What a training by masks shows, and to whom; nothing of another one.
    pub(super) fn masks_shows(&self, plan: &Plan, parameters: usize) -> Option<Vec<String>> {
        let (threshold, alone) = self.threshold().zip(plan.adds_up())?;
        let Threshold { neighbours, shares } = threshold;
        let tables: Vec<_> = self.owners(plan).map(table).collect();
        // Two stories take shares from every honest one once and from those in league twice.
        let colluding = (2 * shares).saturating_sub(neighbours + 1);
        let mut shows = vec![
            format!(
                "{alone}, which adds up alone, and providers: the model after each of {} rounds, {} numbers, so the average of the \
                 updates of at least {} providers by their rows; no update of one alone",
                self.rounds,
                thousands(parameters as u64),
                self.least
            ),
            format!(
                "{alone}, and the buyer: for each round whose updates were in it and whose were absent, the number of rows, the loss \
                 and the rows that were right of all of them together"
            ),
            format!(
                "assumed: at most {colluding} of {} providers are in league with {alone}, which may deviate; masks come off with \
                 shares of {shares} of the {neighbours} others, who have signed whose updates are in the sum: up to {} may be lost \
                 in a round",
                tables.len(),
                (tables.len() as u64).saturating_sub(u64::from(self.least))
            ),
            format!(
                "{alone} is trusted to hand out the model that the averages give: of one that it makes up, or hands out twice, \
                 sums can say more of an update; all providers of a sum were handed the same one"
            ),
            format!(
                "a model remembers: what it says can depend on single rows of {}, and no noise is added to it",
                tables.join(", ")
            ),
        ];
        shows.extend(self.rounds_show(plan));
        shows.extend(self.program_shows());
        Some(shows)
    }
}
