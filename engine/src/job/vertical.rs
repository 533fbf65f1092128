//! What a training on joined rows asks for: which tables, joined how, what of a row, and how weights are found.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{id::JobId, micro::Micro};

/// A logistic regression on rows of which several providers know a part each. They are joined and trained on as shares; the
/// model alone comes out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerticalSpec {
    /// The tables and how their rows belong together, as SQL has it behind FROM: `a.people p JOIN b.jobs j ON p.id = j.id`.
    pub from: String,
    /// What a row is described by: columns, or expressions in SQL on columns of one provider; conditions may be on several's.
    /// Numbers are brought to −1 to 1 by their declared ranges; a text column becomes a number of 0 or 1 for each value of its
    /// public list.
    pub features: Vec<String>,
    /// What is learned: a condition, or a column of two values.
    pub label: String,
    /// Which rows are trained on: a condition in SQL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// Passes over the rows.
    #[serde(default = "ten")]
    pub epochs: u32,
    /// Rows a step, a power of two: of the public bound, those included that turn out to have no counterpart.
    #[serde(default = "kilo")]
    pub batch: u32,
    /// The length of a step, a power of two from 2^-6 to 16.
    #[serde(default = "half")]
    pub rate: Micro,
    /// λ of the penalty λ/2·‖w‖², which spares the intercept.
    #[serde(default)]
    pub penalty: Micro,
    /// What stands for the logistic function in a step.
    #[serde(default)]
    pub curve: CurveSpec,
    /// The job that began this training and was interrupted: it goes on from the last pass that its compute parties have all kept.
    /// All else is as in that job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resumes: Option<JobId>,
}

/// What stands for the logistic function while weights are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CurveSpec {
    /// 1/2 + z/8 between −4 and 4, 0 below and 1 above: right wherever a model gets.
    #[default]
    Segments,
    /// A cubic: less to send, but worth nothing once a row's `z` leaves −5 to 5.
    Cubic,
}

/// Most expressions of a row.
const MAX_FEATURES: usize = 4096;
/// Most passes.
const MAX_EPOCHS: u32 = 10_000;

impl VerticalSpec {
    /// What can be checked without tables.
    ///
    /// # Errors
    /// The first field that has a value it cannot have, and why.
    pub fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let field = |holds: bool, field, why| if holds { Ok(()) } else { Err((field, why)) };
        field(!self.from.trim().is_empty(), "train_vertical.from", "names tables and their keys")?;
        let features = (1..=MAX_FEATURES).contains(&self.features.len());
        field(features, "train_vertical.features", "has 1 to 4096 expressions")?;
        let epochs = (1..=MAX_EPOCHS).contains(&self.epochs);
        field(epochs, "train_vertical.epochs", "is 1 to 10000")?;
        let batch = self.batch.is_power_of_two();
        field(batch, "train_vertical.batch", "is a power of two, so that nothing is divided")?;
        let rate = (-6..=4).any(|exponent: i32| self.rate.value() == f64::from(exponent).exp2());
        field(rate, "train_vertical.rate", "is a power of two from 0.015625 to 16")
    }
}

/// The question in words, for people who approve it.
impl fmt::Display for VerticalSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "train_vertical (logistic, {} epochs)", self.epochs)?;
        writeln!(f, "  on {}", self.from)?;
        writeln!(f, "  {} from {}", self.label, self.features.join(", "))?;
        if let Some(filter) = &self.filter {
            writeln!(f, "  where {filter}")?;
        }
        if let Some(job) = &self.resumes {
            writeln!(f, "  going on where {job} was interrupted")?;
        }
        write!(f, "  rows joined and trained on as shares; the model to the buyer")
    }
}

const fn ten() -> u32 {
    10
}

const fn kilo() -> u32 {
    1024
}

const fn half() -> Micro {
    Micro(500_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_has_defaults_and_what_cannot_be_is_named() {
        let json = r#"{"from": "a.people p JOIN b.jobs j ON p.id = j.id", "features": ["age"], "label": "rich"}"#;
        let spec: VerticalSpec = serde_json::from_str(json).unwrap();
        assert_eq!(spec.check(), Ok(()));
        assert_eq!((spec.epochs, spec.batch, spec.curve), (10, 1024, CurveSpec::Segments));
        assert!(spec.to_string().contains("rich from age"));
        let fault = |change: &dyn Fn(&mut VerticalSpec)| {
            let mut spec = spec.clone();
            change(&mut spec);
            spec.check().unwrap_err().0
        };
        assert_eq!(fault(&|spec| spec.from.clear()), "train_vertical.from");
        assert_eq!(fault(&|spec| spec.features.clear()), "train_vertical.features");
        assert_eq!(fault(&|spec| spec.epochs = 0), "train_vertical.epochs");
        assert_eq!(fault(&|spec| spec.batch = 1000), "train_vertical.batch");
        for rate in [0, 300_000, 32_000_000] {
            assert_eq!(fault(&|spec| spec.rate = Micro(rate)), "train_vertical.rate");
        }
    }
}
