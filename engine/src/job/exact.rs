//! What does not go with models that are solved for from sums over all rows.

use super::{
    micro::Micro,
    train::{ModelSpec, StrategySpec, TrainSpec},
};

/// Most steps of Newton's method: it takes five to seven.
const MOST_STEPS: u32 = 50;

impl StrategySpec {
    /// Whether the model is solved for from sums of products over all rows, and no updates are averaged.
    #[must_use]
    pub fn solves(&self) -> bool {
        matches!(self, Self::Ridge { .. } | Self::Newton { .. })
    }
}

impl TrainSpec {
    /// What a model that is solved for can be with; of any other nothing is said.
    ///
    /// # Errors
    /// The first field that stands in its way, and why.
    pub(super) fn check_solved(&self) -> Result<(), (&'static str, &'static str)> {
        let field = |holds: bool, field, why| if holds { Ok(()) } else { Err((field, why)) };
        match self.strategy {
            StrategySpec::Ridge { .. } => {
                let linear = self.model == ModelSpec::Linear;
                field(linear, "train.strategy", "is ridge for a linear model alone")?;
                let why = "is 1 for ridge: the model of one round is exact";
                field(self.rounds == 1, "train.rounds", why)?;
            }
            StrategySpec::Newton { .. } => {
                let logistic = self.model == ModelSpec::Logistic;
                field(logistic, "train.strategy", "is newton for a logistic model alone")?;
                let why = "is at most 50 for newton: five to seven are enough";
                field(self.rounds <= MOST_STEPS, "train.rounds", why)?;
                // Of sums over all, and sums over all but one at the same model, the difference would be that one's.
                let all = self.least() as usize >= self.datasets.len();
                let why = "is all of them for newton, or totals of two rounds could tell one provider's sums: leave it out";
                field(all, "train.min_providers", why)?;
            }
            _ => return Ok(()),
        }
        let passes = (self.epochs, self.batch) == (1, 32);
        let why = "have no meaning where sums are over all rows: leave them out";
        field(passes, "train.epochs and train.batch", why)?;
        let steps = (self.rate, self.proximal) == (Micro(100_000), Micro(0));
        let why = "have no meaning where a model is solved for: leave them out";
        field(steps, "train.rate and train.proximal", why)?;
        let why = "bounds updates, and ridge and newton have none: leave it out";
        field(self.largest_update == Micro(8_000_000), "train.largest_update", why)?;
        let why = "holds updates back, and ridge and newton have none: leave it out";
        field(self.gate.is_none(), "train.gate", why)?;
        let why = "adds noise to averages, and ridge and newton open exact sums: leave it out, or take another strategy";
        field(self.privacy.is_none(), "train.privacy", why)?;
        let why = "weighs updates, and ridge and newton have none: leave it out";
        field(self.contribution.is_none(), "train.contribution", why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(strategy: &str, model: &str, more: &str) -> Option<&'static str> {
        let json = format!(
            r#"{{"datasets": ["a.x", "b.x", "c.x"], "features": ["age"], "label": "rich",
                 "strategy": {{"kind": {strategy}}}, "model": {{"kind": "{model}"}}{more}}}"#
        );
        let spec: TrainSpec = serde_json::from_str(&json).unwrap();
        spec.check().err().map(|(field, _)| field)
    }

    #[test]
    fn what_does_not_go_with_solving_is_named() {
        let (ridge, newton) = (r#""ridge", "penalty": 0.5"#, r#""newton", "penalty": "0.000001""#);
        assert_eq!(fault(ridge, "linear", r#", "rounds": 1"#), None);
        assert_eq!(fault(newton, "logistic", r#", "rounds": 6"#), None);
        assert_eq!(fault(r#""newton""#, "logistic", ""), None, "it has a penalty of its own");
        assert_eq!(fault(ridge, "linear", ""), Some("train.rounds"));
        assert_eq!(fault(ridge, "linear", r#", "rounds": 1, "min_providers": 2"#), None);
        assert_eq!(fault(newton, "logistic", r#", "rounds": 51"#), Some("train.rounds"));
        assert_eq!(fault(ridge, "logistic", r#", "rounds": 1"#), Some("train.strategy"));
        for other in ["linear", "softmax", "trees"] {
            assert_eq!(fault(newton, other, ""), Some("train.strategy"));
        }
        for (more, field) in [
            (r#", "epochs": 2"#, "train.epochs and train.batch"),
            (r#", "rate": 0.5"#, "train.rate and train.proximal"),
            (r#", "proximal": 0.5"#, "train.rate and train.proximal"),
            (r#", "largest_update": 1"#, "train.largest_update"),
            (r#", "min_providers": 2"#, "train.min_providers"),
            (r#", "gate": {"kind": "norm", "largest_norm": 1}"#, "train.gate"),
            (r#", "privacy": {"unit": "client", "clip": 1, "noise": 1}"#, "train.privacy"),
        ] {
            assert_eq!(fault(newton, "logistic", more), Some(field), "{more}");
        }
        // What updates were worth takes a gate, so that stands in the way first.
        let worth = r#", "contribution": {"validation": "d.x"}"#;
        assert!(fault(newton, "logistic", worth).is_some());
    }
}
