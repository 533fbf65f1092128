//! What a plan says of a scoring: of which columns, by which weights.

use federated::vertical::{Output, Scoring, Table};
use protocols::mpc::fixed::Fixed;
use serde::{Deserialize, Serialize};

use super::{
    explain::{table, thousands},
    ir::{Kind, Plan, Shape},
    refs::Ref,
    train::Feature,
    vertical::{UNIT_BITS, kinds},
};

/// Scores of shared rows by shared weights. Output: for each row the sum of its numbers by the weights and the intercept (Z64), exact,
/// in the weights' digits and with [`UNIT_BITS`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Score {
    /// What a row is described by.
    pub features: Vec<Feature>,
    /// A column for each number of each feature, as a training on joined rows has them.
    pub columns: Vec<Ref>,
    /// How many rows they have.
    pub rows: u64,
    /// The weights, the intercept's last (Z64).
    pub weights: Ref,
    /// The smallest weight, without its point.
    pub min: i64,
    /// The largest.
    pub max: i64,
}

impl Score {
    /// The scoring with its bounds.
    ///
    /// # Errors
    /// What does not fit.
    pub fn setting(&self) -> Result<Scoring, String> {
        let rows = usize::try_from(self.rows).map_err(|_| format!("{} rows", self.rows))?;
        let features = Fixed::new(UNIT_BITS.into(), -1.0, 1.0).map_err(|e| e.to_string())?;
        let weights = Fixed::of_words(0, self.min, self.max).map_err(|e| e.to_string())?;
        let table = Table { rows, columns: self.columns.len(), features };
        Scoring::new(table, weights, Output::Sums, 0).map_err(|e| e.to_string())
    }

    /// How many weights there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.columns.len() as u64 + 1
    }

    /// The shapes that it gives, if all that it reads is there in the shape that is due.
    pub(super) fn typed(
        &self,
        of: impl Fn(Ref) -> Result<Shape, String>,
    ) -> Result<Vec<Shape>, String> {
        let due = |at: Ref, due: Shape| match of(at)? {
            found if found == due => Ok(()),
            found => Err(format!("scores by {found:?}, {due:?} is due")),
        };
        let kinds = kinds(&self.features);
        if kinds.len() != self.columns.len() {
            return Err(format!("has {} columns for {} numbers", self.columns.len(), kinds.len()));
        }
        let rows = self.rows;
        let columns = self.columns.iter().zip(kinds);
        columns.into_iter().try_for_each(|(at, kind)| due(*at, Shape { kind, rows }))?;
        due(self.weights, Shape { kind: Kind::Z64, rows: self.count() })?;
        self.setting().map(|_| vec![Shape { kind: Kind::Z64, rows }])
    }

    /// All that it reads.
    pub(super) fn refs_mut(&mut self) -> Vec<&mut Ref> {
        self.columns.iter_mut().chain([&mut self.weights]).collect()
    }

    /// In a line.
    pub(super) fn told(&self) -> String {
        let Ref(node, output) = self.weights;
        format!("score by the {} weights n{node}.{output}", thousands(self.count()))
    }

    /// What it shows, and to whom.
    pub(super) fn shows(&self, plan: &Plan) -> Vec<String> {
        let model = plan.inputs.get(self.weights.0 as usize).map(table).unwrap_or_default();
        vec![
            format!(
                "{}: a score for each released row, exact; whoever knows the numbers of {} rows and gets their scores can work out \
                 the weights of {model}; whoever knows the weights learns a sum of each row's numbers, and whoever chose the weights \
                 may have chosen them so that a score spells out every number",
                plan.buyer,
                thousands(self.count())
            ),
            "compute parties and providers: nothing of the rows, the weights or the scores"
                .to_owned(),
        ]
    }
}
