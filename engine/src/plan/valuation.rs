//! What a plan says of how the updates of a training are weighed.

use serde::{Deserialize, Serialize};

use super::{
    explain::table,
    ir::{LocalInput, Plan},
    train::Training,
};
use crate::job::{Micro, StrategySpec};

/// How it is told what each provider's updates were worth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Valuation {
    /// The input whose rows they are weighed by.
    pub validation: u32,
    /// What is shared out among the providers.
    pub price: u32,
    /// The part of it that goes by rows.
    pub for_rows: Micro,
    /// Rows that providers have in common.
    pub common: Vec<Overlap>,
}

/// What two providers' rows have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overlap {
    /// Their places in [`Training::inputs`].
    pub of: [u32; 2],
    /// How many rows.
    pub rows: u32,
}

impl Valuation {
    /// The input whose rows updates are weighed by.
    #[must_use]
    pub fn input<'p>(&self, plan: &'p Plan) -> Option<&'p LocalInput> {
        plan.inputs.get(self.validation as usize)
    }

    /// The part of a provider's rows that are its own.
    #[must_use]
    pub fn unique(&self, number: usize, rows: u64) -> Micro {
        let mine = |overlap: &&Overlap| overlap.of.iter().any(|of| *of as usize == number);
        let common: Vec<u64> =
            self.common.iter().filter(mine).map(|overlap| overlap.rows.into()).collect();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and a million"
        )]
        let micro = (federated::contribution::uniqueness(rows, &common) * 1e6) as u64;
        Micro(micro)
    }
}

impl Training {
    /// What keeps updates from being weighed, if they are to be and anything does.
    ///
    /// # Errors
    /// What it is.
    pub(super) fn valuation_fault(&self, plan: &Plan) -> Result<(), String> {
        let Some(of) = &self.valuation else { return Ok(()) };
        let unfit = |what: &str| Err(format!("tells what updates were worth, and {what}"));
        let Some(input) = of.input(plan).filter(|input| input.trains) else {
            return unfit("weighs them by an input that is shared, or that there is not");
        };
        if self.owners(plan).any(|owner| owner.party == input.party) {
            return unfit("has a provider weigh itself");
        }
        if self.gate.is_none() {
            return unfit(
                "has no `gate`: what an update is worth that nothing bounds says nothing",
            );
        }
        if !matches!(self.strategy, StrategySpec::Average { .. }) {
            return unfit(
                "has a strategy that is no plain average: only of that each has its part",
            );
        }
        if let Err(why) = self.network() {
            return unfit(&why);
        }
        let known =
            |overlap: &Overlap| overlap.of.iter().all(|k| (*k as usize) < self.inputs.len());
        if !of.common.iter().all(known) || of.for_rows > Micro::ONE {
            return unfit("shares out a price by numbers that there are not");
        }
        Ok(())
    }

    /// What weighing shows.
    pub(super) fn valuation_shows(&self, plan: &Plan) -> Vec<String> {
        let Some(input) = self.valuation.as_ref().and_then(|of| of.input(plan)) else {
            return Vec::new();
        };
        let validation = table(input);
        vec![
            format!(
                "compute parties: the rows of {validation} that updates are weighed by, column by column"
            ),
            format!(
                "everyone with the receipt: what the updates of each provider were worth over all rounds, by {validation}, and \
                 how sure that is: two numbers a provider, each a sum of products with its updates"
            ),
        ]
    }
}
