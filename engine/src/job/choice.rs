//! Choices by `kind` as they are read: a choice without settings of its own takes none, where a plain variant would skip them.

use serde::Deserialize;

use super::{averaging::AveragingSpec, plugin::PluginSpec, train::ModelSpec, trees::TreesSpec};

/// A [`ModelSpec`] as it is read.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum ModelChoice {
    Linear {},
    Logistic {},
    Softmax {},
    Network { hidden: Vec<u32> },
    Trees(TreesSpec),
    Plugin(PluginSpec),
}

/// An [`AveragingSpec`] as it is read.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum AveragingChoice {
    Shares {},
    Masks {
        #[serde(default = "one")]
        colluding: u8,
        #[serde(default)]
        lost: u8,
    },
}

impl From<ModelChoice> for ModelSpec {
    fn from(choice: ModelChoice) -> Self {
        match choice {
            ModelChoice::Linear {} => Self::Linear,
            ModelChoice::Logistic {} => Self::Logistic,
            ModelChoice::Softmax {} => Self::Softmax,
            ModelChoice::Network { hidden } => Self::Network { hidden },
            ModelChoice::Trees(trees) => Self::Trees(trees),
            ModelChoice::Plugin(plugin) => Self::Plugin(plugin),
        }
    }
}

impl From<AveragingChoice> for AveragingSpec {
    fn from(choice: AveragingChoice) -> Self {
        match choice {
            AveragingChoice::Shares {} => Self::Shares,
            AveragingChoice::Masks { colluding, lost } => Self::Masks { colluding, lost },
        }
    }
}

const fn one() -> u8 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_takes_the_settings_that_it_has_and_no_others() {
        for (text, whole) in [
            (r#"{"kind": "logistic"}"#, true),
            (r#"{"kind": "logistic", "hidden": [4]}"#, false),
            (r#"{"kind": "network", "hidden": [4]}"#, true),
            (r#"{"kind": "trees", "depht": 4}"#, false),
        ] {
            assert_eq!(serde_json::from_str::<ModelSpec>(text).is_ok(), whole, "{text}");
        }
        let read = |text: &str| serde_json::from_str::<AveragingSpec>(text).ok();
        assert_eq!(read(r#"{"kind": "shares"}"#), Some(AveragingSpec::Shares));
        assert_eq!(read(r#"{"kind": "shares", "colluding": 2}"#), None);
        assert_eq!(
            read(r#"{"kind": "masks"}"#),
            Some(AveragingSpec::Masks { colluding: 1, lost: 0 })
        );
    }
}
