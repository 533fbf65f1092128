//! What a training asks for in boosted trees.

use serde::{Deserialize, Serialize};

use super::{
    micro::Micro,
    train::{StrategySpec, TrainSpec},
};

/// Gradient-boosted trees: as many as the training has rounds, each counting its `rate`. All providers are in all of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TreesSpec {
    /// Levels of cuts, 1 to 8.
    #[serde(default = "four")]
    pub depth: u32,
    /// Bins of each number, 2 to 256: about as many rows in each.
    #[serde(default = "sixteen")]
    pub bins: u32,
    /// Rows on each side of a cut, at least.
    #[serde(default = "twenty")]
    pub least_rows: u32,
    /// λ: what pulls values of leaves to 0.
    #[serde(default = "whole")]
    pub lambda: Micro,
    /// γ: what a cut must gain.
    #[serde(default)]
    pub gamma: Micro,
}

/// Most trees.
const MAX_TREES: u32 = 10_000;

impl TreesSpec {
    /// What can be checked without tables, and what of a training has no meaning for trees.
    ///
    /// # Errors
    /// The first field that has a value it cannot have, and why.
    pub fn check(&self, train: &TrainSpec) -> Result<(), (&'static str, &'static str)> {
        let field = |holds: bool, field, why| if holds { Ok(()) } else { Err((field, why)) };
        field((1..=8).contains(&self.depth), "train.model.depth", "is 1 to 8 levels")?;
        field((2..=256).contains(&self.bins), "train.model.bins", "is 2 to 256")?;
        field(self.least_rows > 0, "train.model.least_rows", "is 1 at least")?;
        field(self.lambda >= Micro(1_000), "train.model.lambda", "is 0.001 at least")?;
        field(train.rounds <= MAX_TREES, "train.rounds", "is 10000 trees at most")?;
        let plain = train.strategy == StrategySpec::default() && train.proximal == Micro(0);
        field(plain, "train.strategy", "has no meaning for trees: leave it and `proximal` out")?;
        let passes = (train.epochs, train.batch) == (1, 32);
        let why = "have no meaning for trees, whose sums are over all rows: leave them out";
        field(passes, "train.epochs and train.batch", why)?;
        let why = "holds updates back, and trees have none: leave it out";
        field(train.gate.is_none(), "train.gate", why)?;
        let why =
            "adds noise to averages, and trees have none: leave it out, or train another model";
        field(train.privacy.is_none(), "train.privacy", why)?;
        let why = "weighs updates, and trees have none: leave it out";
        field(train.contribution.is_none(), "train.contribution", why)?;
        let all = train.least() as usize == train.datasets.len();
        field(all, "train.min_providers", "is all of them for trees: leave it out")
    }
}

const fn four() -> u32 {
    4
}

const fn sixteen() -> u32 {
    16
}

const fn twenty() -> u32 {
    20
}

const fn whole() -> Micro {
    Micro::ONE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_meaning_for_trees_is_refused_by_name() {
        let json = r#"{"datasets": ["north.people", "south.people", "west.people"], "features": ["age"],
                       "label": "income = 'high'", "model": {"kind": "trees", "depth": 3}, "rounds": 5, "rate": 0.5}"#;
        let spec: TrainSpec = serde_json::from_str(json).unwrap();
        assert_eq!(spec.check(), Ok(()));
        assert_eq!(spec.least(), 3, "all of them");
        assert_eq!((spec.model.trees().unwrap().depth, spec.model.trees().unwrap().bins), (3, 16));
        let fault = |change: &dyn Fn(&mut TrainSpec)| {
            let mut spec = spec.clone();
            change(&mut spec);
            spec.check().unwrap_err().0
        };
        assert_eq!(fault(&|spec| spec.epochs = 2), "train.epochs and train.batch");
        assert_eq!(fault(&|spec| spec.proximal = Micro(1)), "train.strategy");
        assert_eq!(fault(&|spec| spec.min_providers = Some(2)), "train.min_providers");
        assert_eq!(fault(&|spec| spec.rounds = 20_000), "train.rounds");
        let gate = r#"{"kind": "norm", "largest_norm": 20}"#;
        assert_eq!(fault(&|spec| spec.gate = serde_json::from_str(gate).ok()), "train.gate");
        let worth = r#"{"validation": "neutral.people"}"#;
        let asks = |spec: &mut TrainSpec| spec.contribution = serde_json::from_str(worth).ok();
        assert_eq!(fault(&asks), "train.contribution");
        let noise =
            r#"{"unit": "client", "clip": 1, "noise": 4, "delta": 0.00001, "max_epsilon": 9}"#;
        let hides = |spec: &mut TrainSpec| spec.privacy = serde_json::from_str(noise).ok();
        assert_eq!(fault(&hides), "train.privacy");
    }
}
