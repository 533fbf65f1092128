//! What a training is to tell of its model beside loss and accuracy.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::train::TrainSpec;

/// Precision, recall and the area under the curve of a model of two classes, R² of a linear one: on the rows that are trained on, of
/// the model with which each round began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricsSpec {
    /// Of two classes: in how many steps the model's probabilities are told apart, an even number. The area under the curve counts rows
    /// of one step as ties; no count of a step is opened.
    #[serde(default = "twenty")]
    pub bins: u32,
    /// Nothing is told where fewer rows are of a class, or are called so.
    #[serde(default = "twenty")]
    pub least_rows: u32,
}

impl fmt::Display for MetricsSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bins, least_rows } = self;
        write!(
            f,
            "with precision, recall and the area under the curve of {bins} steps, or R², of {least_rows} rows of a class at least"
        )
    }
}

/// Most bins.
const MOST_BINS: u32 = 200;

const fn twenty() -> u32 {
    20
}

impl TrainSpec {
    /// What metrics can be with.
    ///
    /// # Errors
    /// The first field that stands in their way, and why.
    pub(super) fn check_metrics(&self) -> Result<(), (&'static str, &'static str)> {
        let field = |holds: bool, field, why| if holds { Ok(()) } else { Err((field, why)) };
        let Some(MetricsSpec { bins, least_rows }) = self.metrics else { return Ok(()) };
        let fits = bins.is_multiple_of(2) && (2..=MOST_BINS).contains(&bins);
        field(fits, "train.metrics.bins", "is an even number from 2 to 200")?;
        field(least_rows > 0, "train.metrics.least_rows", "is 1 at least")?;
        let why = "are for models that are trained by averages: leave them out for trees";
        field(self.model.trees().is_none(), "train.metrics", why)?;
        let shares =
            "is not by masks with `metrics`: they are worked out by three parties on shares";
        field(self.averaging.is_shares(), "train.averaging", shares)?;
        let why =
            "does not see whether counts are true, on which `metrics` rest: leave one of them out";
        field(self.gate.is_none(), "train.gate", why)?;
        let why = "opens nothing exact, and `metrics` are: leave them out";
        field(self.privacy.is_none(), "train.privacy", why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_metrics_cannot_be_with_is_named() {
        let fault = |more: &str| {
            let json = format!(
                r#"{{"datasets": ["a.x", "b.x", "c.x"], "features": ["age"], "label": "rich", {more}}}"#
            );
            let spec: TrainSpec = serde_json::from_str(&json).unwrap();
            spec.check().err().map(|(field, _)| field)
        };
        let with = |metrics: &str, more: &str| {
            fault(&format!(r#""model": {{"kind": "logistic"}}, "metrics": {metrics}{more}"#))
        };
        assert_eq!(with("{}", ""), None);
        for bins in [0, 1, 3, 202] {
            let metrics = format!(r#"{{"bins": {bins}}}"#);
            assert_eq!(with(&metrics, ""), Some("train.metrics.bins"));
        }
        assert_eq!(with(r#"{"least_rows": 0}"#, ""), Some("train.metrics.least_rows"));
        let norm = r#", "gate": {"kind": "norm", "largest_norm": 1}"#;
        assert_eq!(with("{}", norm), Some("train.gate"));
        let noise = r#", "privacy": {"unit": "client", "clip": 1, "noise": 1}"#;
        assert_eq!(with("{}", noise), Some("train.privacy"));
        assert_eq!(with("{}", r#", "averaging": {"kind": "masks"}"#), Some("train.averaging"));
        assert_eq!(with("{}", r#", "ring": 32, "largest_update": 0.5"#), None);
        let plugin =
            r#""model": {"kind": "plugin", "name": "numpy", "parameters": 2}, "metrics": {}"#;
        assert_eq!(fault(plugin), None);
        assert_eq!(fault(r#""model": {"kind": "trees"}, "metrics": {}"#), Some("train.metrics"));
    }
}
