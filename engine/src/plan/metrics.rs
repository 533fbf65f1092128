//! What a plan says of what is counted beside loss and accuracy.

use federated::{
    model::{Spread, Tally},
    round::Counting,
};

use super::{
    ir::Plan,
    train::{Feature, Training},
};
use crate::job::{MetricsSpec, ModelSpec};

/// More rows than are counted.
const ROWS: u64 = 1 << 31;

impl Training {
    /// What is counted of rows besides, if anything is.
    ///
    /// # Errors
    /// A model of which nothing more can be told.
    pub fn tally(&self) -> Result<Option<Tally>, String> {
        let Some(MetricsSpec { bins, .. }) = self.metrics else { return Ok(None) };
        let two = match (&self.model, &self.label) {
            (ModelSpec::Linear, _) => {
                let (min, max) = self.label_bounds();
                return Ok(Some(Tally::Moments(Spread::between(min, max))));
            }
            (ModelSpec::Logistic, _) => true,
            (
                ModelSpec::Softmax | ModelSpec::Network { .. } | ModelSpec::Plugin(_),
                Feature::OneOf { domain, .. },
            ) => domain.len() == 2,
            (ModelSpec::Plugin(_), Feature::Number { min, max, digits, .. }) => {
                (*min, *max, *digits) == (0, 1, 0)
            }
            (ModelSpec::Softmax | ModelSpec::Network { .. } | ModelSpec::Plugin(_), _) => true,
            (ModelSpec::Trees(_), _) => false,
        };
        let plain = self.gate.is_none() && self.privacy.is_none() && self.averaging.is_shares();
        if !two || !plain {
            return Err(
                "has metrics, which are of two classes or of a linear model, on shares without gate and noise".into()
            );
        }
        Ok(Some(Tally::Bins(usize::try_from(bins).unwrap_or(usize::MAX))))
    }

    /// How it is counted, given the plan's row bounds.
    ///
    /// # Errors
    /// What cannot be counted.
    pub fn counting(&self, plan: &Plan) -> Result<Option<Counting>, String> {
        let rows = self.owners(plan).try_fold(0_u64, |sum, input| sum.checked_add(input.rows));
        self.counting_of(rows.unwrap_or(u64::MAX))
    }

    fn counting_of(&self, rows: u64) -> Result<Option<Counting>, String> {
        let Some((tally, MetricsSpec { least_rows, .. })) = self.tally()?.zip(self.metrics) else {
            return Ok(None);
        };
        let counting = Counting::new(tally, least_rows.into(), rows);
        counting.map(Some).map_err(|error| format!("has metrics that cannot be: {error}"))
    }

    /// Words that the result has of each round for what is counted besides.
    pub(super) fn tally_words(&self) -> usize {
        self.counting_of(ROWS).ok().flatten().map_or(0, |counting| counting.told())
    }

    /// What is shown of it.
    pub(super) fn tally_shows(&self) -> Option<String> {
        let (tally, MetricsSpec { least_rows, .. }) = self.tally().ok()?.zip(self.metrics)?;
        let when = "compute parties, and the buyer: for each round how many providers' rows are counted, and of rounds in which that is \
                    all of them";
        let beside =
            "beside those of another training with one provider less they tell that provider's";
        let told = match tally {
            Tally::Bins(bins) => format!(
                "{when} how many rows are of each class, and the area under the curve of {bins} steps, if {least_rows} rows and more are \
                 of each; how many of either class the model calls positive, if of each it calls {least_rows} and more so, and as many not; else \
                 bits that say what is of fewer"
            ),
            Tally::Moments(_) => format!(
                "{when}, with {least_rows} rows and more, the mean of the label and of its square over all rows together"
            ),
        };
        Some(format!("{told}; {beside}"))
    }
}
