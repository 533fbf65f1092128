//! What a training's buyer wants to know of each provider's updates: what they were worth, and what it pays for them.

use serde::{Deserialize, Serialize};

use super::micro::Micro;

/// Updates are weighed by rows that nobody trains on; what they were worth in all stands in the receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContributionSpec {
    /// `party.dataset` of a party that does not train: its rows are shown to the three compute parties.
    pub validation: String,
    /// What is shared out among the providers, in the smallest unit of its currency; nothing if left out.
    #[serde(default)]
    pub price: u32,
    /// The part of the price that goes by published rows, whatever they were worth.
    #[serde(default = "fifth")]
    pub for_rows: Micro,
    /// How many rows datasets have in common, as an intersection counted them: what two have counts half for each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub common: Vec<CommonRows>,
}

/// What two datasets have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommonRows {
    /// Two of the training's datasets.
    pub datasets: [String; 2],
    /// How many rows both have.
    pub rows: u32,
}

impl ContributionSpec {
    /// What can be checked without tables, of a training on these datasets.
    ///
    /// # Errors
    /// The first field that has a value it cannot have, and why.
    pub fn check(&self, datasets: &[String]) -> Result<(), (&'static str, &'static str)> {
        let owner = |name: &str| name.split_once('.').map(|(owner, _)| owner.to_owned());
        let own = owner(&self.validation);
        if own.is_none() || datasets.iter().any(|name| owner(name) == own) {
            let why =
                "names party.dataset of a party that does not train: who does would weigh itself";
            return Err(("train.contribution.validation", why));
        }
        if self.for_rows > Micro::ONE {
            return Err(("train.contribution.for_rows", "is a part of the price: 0 to 1"));
        }
        for CommonRows { datasets: [a, b], .. } in &self.common {
            if a == b || !datasets.contains(a) || !datasets.contains(b) {
                return Err(("train.contribution.common", "names two of the training's datasets"));
            }
        }
        Ok(())
    }
}

const fn fifth() -> Micro {
    Micro(200_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_trains_does_not_weigh() {
        let datasets = ["north.people", "south.people"].map(str::to_owned);
        let fault = |json: &str| {
            let spec: ContributionSpec = serde_json::from_str(json).unwrap();
            spec.check(&datasets).map_err(|(field, _)| field)
        };
        assert_eq!(fault(r#"{"validation": "west.held_out"}"#), Ok(()));
        let validation = Err("train.contribution.validation");
        assert_eq!(fault(r#"{"validation": "north.held_out"}"#), validation);
        assert_eq!(fault(r#"{"validation": "held_out"}"#), validation);
        let for_rows = fault(r#"{"validation": "west.held_out", "for_rows": 1.1}"#);
        assert_eq!(for_rows, Err("train.contribution.for_rows"));
        for pair in [["north.people", "west.people"], ["south.people", "south.people"]] {
            let common = serde_json::json!([{"datasets": pair, "rows": 3}]);
            let spec = serde_json::json!({"validation": "west.held_out", "common": common});
            assert_eq!(fault(&spec.to_string()), Err("train.contribution.common"));
        }
    }
}
