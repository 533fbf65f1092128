//! What a scoring asks for: which rows, by whose model.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Rows of one or several providers, scored by a linear model of another (or of one of them): who has the rows does not see the
/// model, who has the model does not see the rows, and the buyer alone sees the scores.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoreSpec {
    /// The tables and how their rows belong together, as SQL has it behind FROM.
    pub from: String,
    /// What is shown beside each score: columns, or expressions in SQL.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// What the model takes of a row, as it did in training.
    pub features: Vec<String>,
    /// Which rows are scored: a condition in SQL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// Whose weights.
    pub model: WeightsSpec,
}

/// A model as a table: a row for each number of each feature, in order, and the last for the intercept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightsSpec {
    /// `party.dataset`; its bound on rows is the number of weights.
    pub dataset: String,
    /// The column of weights: a decimal with a declared range.
    pub weight: String,
    /// A unique column that puts them in order.
    pub position: String,
}

/// Most expressions of a row.
const MAX_FEATURES: usize = 4096;

impl ScoreSpec {
    /// What can be checked without tables.
    ///
    /// # Errors
    /// The first field that has a value it cannot have, and why.
    pub fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let field = |holds: bool, field, why| if holds { Ok(()) } else { Err((field, why)) };
        field(!self.from.trim().is_empty(), "score.from", "names tables and their keys")?;
        let features = (1..=MAX_FEATURES).contains(&self.features.len());
        field(features, "score.features", "has 1 to 4096 expressions")?;
        let dataset = self.model.dataset.split_once('.').is_some();
        field(dataset, "score.model.dataset", "names party.dataset")
    }
}

/// The question in words, for people who approve it.
impl fmt::Display for ScoreSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "score by {} of {}", self.model.weight, self.model.dataset)?;
        writeln!(f, "  rows of {}", self.from)?;
        writeln!(f, "  from {}", self.features.join(", "))?;
        if let Some(filter) = &self.filter {
            writeln!(f, "  where {filter}")?;
        }
        write!(f, "  the scores to the buyer")?;
        if self.columns.is_empty() {
            Ok(())
        } else {
            write!(f, ", with {}", self.columns.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_is_named() {
        let json = r#"{"from": "a.people p", "features": ["p.age"],
                       "model": {"dataset": "b.model", "weight": "weight", "position": "position"}}"#;
        let spec: ScoreSpec = serde_json::from_str(json).unwrap();
        assert_eq!(spec.check(), Ok(()));
        assert!(spec.to_string().contains("score by weight of b.model"));
        let fault = |change: &dyn Fn(&mut ScoreSpec)| {
            let mut spec = spec.clone();
            change(&mut spec);
            spec.check().unwrap_err().0
        };
        assert_eq!(fault(&|spec| spec.from.clear()), "score.from");
        assert_eq!(fault(&|spec| spec.features.clear()), "score.features");
        assert_eq!(fault(&|spec| spec.model.dataset = "model".into()), "score.model.dataset");
    }
}
