//! What does not go with strategies whose updates are more than differences of models.

use super::{
    micro::Micro,
    train::{StrategySpec, TrainSpec},
};

impl StrategySpec {
    /// Whether providers send more than the difference of two models, or keep something of it from round to round.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        !matches!(self, Self::Scaffold { .. } | Self::Nova { .. }) && !self.solves()
    }
}

impl TrainSpec {
    /// What a strategy can be with.
    ///
    /// # Errors
    /// The first field that stands in its way, and why.
    pub(super) fn check_strategy(&self) -> Result<(), (&'static str, &'static str)> {
        let field = |holds: bool, field, why| if holds { Ok(()) } else { Err((field, why)) };
        if self.strategy.is_plain() || self.strategy.solves() {
            return Ok(());
        }
        field(
            self.model.plugin().is_none() || matches!(self.strategy, StrategySpec::Nova { .. }),
            "train.strategy",
            "is not scaffold where another program trains: it would have to correct each of its steps; nova needs their number alone",
        )?;
        field(
            self.gate.is_none(),
            "train.gate",
            "goes with neither scaffold nor nova: it bounds the norm of a difference, and there is more in an update then",
        )?;
        field(
            self.privacy.is_none(),
            "train.privacy",
            "goes with neither scaffold nor nova: what is sent besides differences has no noise",
        )?;
        field(
            self.proximal == Micro(0),
            "train.proximal",
            "is 0 with scaffold and nova: the pull back would count as a gradient",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_go_together_is_named() {
        let fault = |kind: &str, more: &str| {
            let json = format!(
                r#"{{"datasets": ["a.x", "b.x", "c.x"], "features": ["age"], "label": "rich",
                     "strategy": {{"kind": "{kind}"}}, {more}}}"#
            );
            let spec: TrainSpec = serde_json::from_str(&json).unwrap();
            spec.check().err().map(|(field, _)| field)
        };
        let logistic = r#""model": {"kind": "logistic"}"#;
        let plugin = r#""model": {"kind": "plugin", "name": "numpy", "parameters": 2}"#;
        let norm = r#""gate": {"kind": "norm", "largest_norm": 1}"#;
        let noise = r#""privacy": {"unit": "client", "clip": 1, "noise": 1}"#;
        for kind in ["scaffold", "nova"] {
            assert_eq!(fault(kind, logistic), None);
            assert_eq!(fault(kind, &format!("{logistic}, {norm}")), Some("train.gate"));
            assert_eq!(fault(kind, &format!("{logistic}, {noise}")), Some("train.privacy"));
            let pulled = format!(r#"{logistic}, "proximal": 0.1"#);
            assert_eq!(fault(kind, &pulled), Some("train.proximal"));
        }
        assert_eq!(fault("scaffold", plugin), Some("train.strategy"));
        assert_eq!(fault("nova", plugin), None);
        assert_eq!(fault("average", &format!(r#"{logistic}, "proximal": 0.1"#)), None);
    }
}
