//! What a plan says of updates in words of 32 bits.

use federated::average::{Bounds, Encoding};

use super::{explain::thousands, ir::Plan, train::Training};

impl Training {
    /// How updates become integers where nothing else has a say in it.
    ///
    /// # Errors
    /// Sums that could overflow.
    pub(super) fn words(&self, plan: &Plan) -> Result<Encoding, String> {
        let rows = || self.owners(plan).map(|input| input.rows);
        let total = rows().try_fold(0_u64, u64::checked_add);
        let total_weight = total.ok_or("more rows than can be counted")?;
        let bounds = Bounds { total_weight, coordinate: self.largest_update.single() };
        let encoding = if self.ring.is_wide() {
            Encoding::new(bounds)
        } else {
            Encoding::narrow(bounds, (rows().max().unwrap_or(0), self.inputs.len()))
        };
        encoding.map_err(|error| error.to_string())
    }

    /// What keeps 32 bits from being those of a plan, if anything does.
    pub(super) fn ring_fault(&self) -> Result<(), String> {
        let wide = self.gate.is_none() && self.privacy.is_none() && self.valuation.is_none();
        let plain = self.strategy.is_plain() && self.model.trees().is_none();
        if self.ring.is_wide() || wide && plain {
            return Ok(());
        }
        Err("has updates in words of 32 bits beside what computes with words of 64".into())
    }

    /// What 32 bits come to.
    pub(super) fn ring_shows(&self, plan: &Plan) -> Option<String> {
        let encoding = self.words(plan).ok().filter(Encoding::is_narrow)?;
        Some(format!(
            "updates in words of 32 bits: rows count in steps of {}, and each number of an average is off by less than {:.1e} besides, \
             up or down at random; rows, loss and accuracy are exact, and compute parties see the sum of the steps beside that of the \
             rows",
            thousands(encoding.weight_step()),
            encoding.rounding()
        ))
    }
}
