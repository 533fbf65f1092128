//! Models that are solved for from sums over all rows: their precision, and what is opened for them.

use federated::sums::{Exact, Method, Ridge};

use super::{
    explain::{table, thousands},
    ir::Plan,
    train::{Feature, Training},
};
use crate::job::StrategySpec;

/// Most parameters: sums are half of their square.
const MOST_PARAMETERS: usize = 1000;

impl Training {
    /// How the model is solved for, given the plan's row bounds; nothing where it is trained.
    ///
    /// # Errors
    /// Sums that could overflow, or more of them than a plan may have.
    pub fn exact(&self, plan: &Plan) -> Result<Option<Exact>, String> {
        let (method, penalty) = match &self.strategy {
            StrategySpec::Ridge { penalty } => (Method::Ridge, penalty.value()),
            StrategySpec::Newton { penalty } => (Method::Newton, penalty.value()),
            _ => return Ok(None),
        };
        let parameters = self.parameters()?;
        if parameters > MOST_PARAMETERS {
            return Err(format!(
                "has {parameters} parameters, and sums over half of their square; {MOST_PARAMETERS} are the most"
            ));
        }
        let providers = u32::try_from(self.inputs.len()).map_err(|_| "too many providers")?;
        let rows = self.owners(plan).map(|input| input.rows).max().unwrap_or(0);
        let exact = Exact::new(method, penalty, (providers, rows)).map_err(|e| e.to_string())?;
        Ok(Some(exact.with_unit(self.largest_label())))
    }

    /// The largest label in magnitude.
    pub(super) fn largest_label(&self) -> f64 {
        let (min, max) = self.label_bounds();
        min.abs().max(max.abs())
    }

    /// The smallest label and the largest, as providers declare them.
    #[expect(clippy::cast_precision_loss, reason = "as near as doubles come")]
    pub(super) fn label_bounds(&self) -> (f64, f64) {
        match &self.label {
            Feature::Number { min, max, digits, .. } => {
                let unit = 10_f64.powi(i32::from(*digits));
                (*min as f64 / unit, *max as f64 / unit)
            }
            _ => (0.0, 1.0),
        }
    }

    /// In a line, if the model is solved for.
    pub(super) fn solved_told(&self) -> Option<String> {
        let (family, rounds) = (self.model.family(), self.rounds);
        match &self.strategy {
            StrategySpec::Ridge { penalty } => Some(format!(
                "have a {family} model solved for by ridge regression, penalty {penalty}, from one opened total of sums"
            )),
            StrategySpec::Newton { penalty } => Some(format!(
                "have a {family} model solved for by Newton's method, penalty {penalty}, from {rounds} opened totals of sums"
            )),
            _ => None,
        }
    }

    /// What solving shows, and to whom.
    pub(super) fn solved_shows(&self, plan: &Plan) -> Option<Vec<String>> {
        let exact = self.exact(plan).ok()??;
        let parameters = self.parameters().unwrap_or(0);
        let tables: Vec<_> = self.owners(plan).map(table).collect();
        let (sums, least) = (thousands(exact.sums(parameters) as u64), self.least);
        let what = match exact.method() {
            Method::Ridge => format!(
                "compute parties: {sums} exact sums over all rows of at least {least} providers together: of the products of any two \
                 features, of each feature, and of each with the label"
            ),
            Method::Newton => format!(
                "compute parties: in each of {} rounds {sums} exact sums over all rows of at least {least} providers together: of the \
                 products of any two features, and of each feature with what the label differs from the model's guess, weighed by how \
                 sure the model is; in the first round all rows weigh alike",
                self.rounds
            ),
        };
        let few = Ridge::LEAST_ROWS * parameters as u64;
        let mut shows = vec![
            what,
            "these sums tell much more than a model: how features vary and go together, and of two conditions or values of lists in how \
             many rows both hold, down to a single row; no noise is added"
                .to_owned(),
            format!(
                "sums of one provider alone are not shown, nor totals of fewer than {} rows, as the providers count them",
                thousands(few)
            ),
        ];
        shows.extend((exact.method() == Method::Newton).then(|| {
            "providers: the model after each round but the last; compute parties, and the buyer: for each round whose sums were in it and \
             whose were absent, the number of rows, the loss and the rows that were right of all of them together"
                .to_owned()
        }));
        shows.extend((exact.method() == Method::Ridge).then(|| {
            "compute parties, and the buyer: whose sums were in it and whose were absent, the number of rows, and the mean squared error of \
             the model on all of them together"
                .to_owned()
        }));
        shows.extend(self.rounds_show(plan));
        shows.extend(self.tally_shows());
        shows.push(format!(
            "a model remembers: what it says can depend on single rows of {}",
            tables.join(", ")
        ));
        shows.push(self.league_shows("sums", "total"));
        Some(shows)
    }
}
