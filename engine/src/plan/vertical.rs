//! What a plan says of a training on joined rows: which columns, and how weights are found.

use federated::vertical::{Curve, Descent, Setting, Table};
use protocols::mpc::fixed::Fixed;
use serde::{Deserialize, Serialize};

use super::{
    explain::{table, thousands},
    ir::{Kind, Plan, Shape},
    model::Tensor,
    refs::Ref,
    train::Feature,
};
use crate::{
    identity::Hash32,
    job::{CurveSpec, Micro},
};

/// Fraction bits of a feature between −1 and 1.
pub const UNIT_BITS: u16 = 12;

/// Words that the result has behind the weights: the rows, and those of them that are right.
pub const TALLY_WORDS: usize = 2;

/// No model is released of fewer rows a weight.
const LEAST_ROWS: u64 = 10;

/// A logistic regression on shared rows. Outputs: the words of all weights, the intercept's last, and then [`TALLY_WORDS`] (Z64);
/// the number of rows again (Z64, one row).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vertical {
    /// What a row is described by.
    pub features: Vec<Feature>,
    /// A column for each number of each feature, in order: of a number a word with [`UNIT_BITS`] (Z64), else a bit.
    pub columns: Vec<Ref>,
    /// What is learned.
    pub label: Feature,
    /// The class of each row (Bits(1)).
    pub class: Ref,
    /// Which rows there are (Bits(1)).
    pub live: Ref,
    /// How many rows all columns have.
    pub rows: u64,
    /// Passes.
    pub epochs: u32,
    /// Rows a step.
    pub batch: u32,
    /// The length of a step.
    pub rate: Micro,
    /// λ.
    pub penalty: Micro,
    /// What stands for the logistic function.
    pub curve: CurveSpec,
    /// The job that began it, where it goes on after an interruption.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resumes: Option<Hash32>,
}

impl Vertical {
    /// The job that began it: this one, or the one it resumes.
    #[must_use]
    pub fn root(&self, plan: &Plan) -> Hash32 {
        self.resumes.unwrap_or(plan.job)
    }

    /// The training with its precisions.
    ///
    /// # Errors
    /// What does not fit.
    pub fn setting(&self) -> Result<Setting, String> {
        let number = |n: u64| usize::try_from(n).map_err(|_| format!("{n} rows"));
        let features = Fixed::new(UNIT_BITS.into(), -1.0, 1.0).map_err(|e| e.to_string())?;
        let table = Table { rows: number(self.rows)?, columns: self.columns.len(), features };
        let descent = Descent {
            epochs: number(self.epochs.into())?,
            batch: number(self.batch.into())?,
            rate: self.rate.value(),
            penalty: self.penalty.value(),
            curve: match self.curve {
                CurveSpec::Segments => Curve::Segments,
                CurveSpec::Cubic => Curve::Cubic,
            },
        };
        Setting::new(table, descent).map_err(|error| error.to_string())
    }

    /// What the model is made of, as a linear network's: the weights, and the intercept.
    #[must_use]
    pub fn tensors(&self) -> Vec<Tensor> {
        let of = |name: &str, shape| Tensor { name: name.to_owned(), shape };
        vec![of("layers.0.weight", vec![self.columns.len(), 1]), of("layers.0.bias", vec![1])]
    }

    /// How many weights there are.
    #[must_use]
    pub fn weights(&self) -> u64 {
        self.columns.len() as u64 + 1
    }

    /// No model is released of fewer rows, whatever policies say.
    #[must_use]
    pub fn least_rows(&self) -> u64 {
        self.weights().saturating_mul(LEAST_ROWS)
    }

    /// The shapes that it gives.
    #[must_use]
    pub fn outputs(&self) -> Vec<Shape> {
        let words = |rows| Shape { kind: Kind::Z64, rows };
        vec![words(self.weights() + TALLY_WORDS as u64), words(1)]
    }

    /// The same, if all that it reads is there in the shape that is due.
    pub(super) fn typed(
        &self,
        of: impl Fn(Ref) -> Result<Shape, String>,
    ) -> Result<Vec<Shape>, String> {
        let due = |at: Ref, kind: Kind| match of(at)? {
            found if found == (Shape { kind, rows: self.rows }) => Ok(()),
            found => Err(format!("trains on {found:?}, {kind:?} of {} rows is due", self.rows)),
        };
        let kinds = kinds(&self.features);
        if kinds.len() != self.columns.len() {
            return Err(format!("has {} columns for {} numbers", self.columns.len(), kinds.len()));
        }
        self.columns.iter().zip(kinds).try_for_each(|(column, kind)| due(*column, kind))?;
        due(self.class, Kind::Bits(1))?;
        due(self.live, Kind::Bits(1))?;
        self.setting().map(|_| self.outputs())
    }

    /// All that it reads.
    pub(super) fn refs_mut(&mut self) -> Vec<&mut Ref> {
        self.columns.iter_mut().chain([&mut self.class, &mut self.live]).collect()
    }

    /// In a line.
    pub(super) fn told(&self) -> String {
        let again = self.resumes.map_or_else(String::new, |job| format!(", going on with {job}"));
        format!(
            "train a logistic model of {} weights on rows where n{}.{}, {} epochs{again}",
            thousands(self.weights()),
            self.live.0,
            self.live.1,
            self.epochs
        )
    }

    /// What it shows, and to whom.
    pub(super) fn shows(&self, plan: &Plan) -> Vec<String> {
        let tables: Vec<_> = plan.inputs.iter().map(table).collect();
        vec![
            format!(
                "{}: a model of {} weights, how many rows it was trained on and of how many of them it is right, if they are at \
                 least {}; else that they are fewer",
                plan.buyer,
                thousands(self.weights()),
                thousands(plan.min_group_entities.into())
            ),
            "compute parties and providers: nothing of the rows, of which of them belong together, or of the model; no gradient \
             and no score is opened"
                .to_owned(),
            format!(
                "a model remembers: what it says can depend on single rows of {}, and no noise is added to it",
                tables.join(", ")
            ),
        ]
    }
}

/// What the columns of features hold, one for each number.
pub(super) fn kinds(features: &[Feature]) -> Vec<Kind> {
    let each = |feature: &Feature| {
        let number = matches!(feature, Feature::Number { .. });
        std::iter::repeat_n(if number { Kind::Z64 } else { Kind::Bits(1) }, feature.width())
    };
    features.iter().flat_map(each).collect()
}
