//! Differential privacy of a training, as a job asks for it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{adaptive::AdaptiveSpec, delta::Delta, micro::Micro, train::TrainSpec};

/// Noise on every average that a training opens. What it comes to over all rounds, as (ε, δ), is worked out when it is planned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrivacySpec {
    /// Whom it hides.
    pub unit: PrivacyUnit,
    /// What one unit adds to a sum is scaled down to this norm: of a provider its update, of a row its gradient. Where it follows the
    /// updates, to this one in the first round.
    pub clip: Micro,
    /// How it follows them: a norm that stays, where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adaptive: Option<AdaptiveSpec>,
    /// The noise multiplier: the standard deviation of the noise over the norm.
    pub noise: Micro,
    /// The δ that the ε is worked out for.
    #[serde(default = "usual")]
    pub delta: Delta,
    /// The job is refused where its ε comes to more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_epsilon: Option<Micro>,
    /// Of the providers of an average so many may put together what they know of their own noise, where each adds a part: 1 where
    /// it is left out. Where the compute parties add the noise, it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub colluding: Option<u32>,
}

/// Whom differential privacy hides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PrivacyUnit {
    /// All that one provider has.
    Client,
    /// One row of one provider.
    Record,
}

impl fmt::Display for PrivacyUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Client => "client",
            Self::Record => "record",
        })
    }
}

/// A field, and why it cannot be as it is.
type Fault = (&'static str, &'static str);

impl PrivacySpec {
    /// Largest norm, in whole units.
    pub(super) const MOST_CLIP: u64 = 1 << 20;

    /// How many providers may put their knowledge together.
    #[must_use]
    pub fn colluding(&self) -> u32 {
        match self.unit {
            PrivacyUnit::Client => 0,
            PrivacyUnit::Record => self.colluding.unwrap_or(1),
        }
    }

    /// What can be checked without tables, in this training.
    pub(super) fn check(&self, train: &TrainSpec) -> Result<(), Fault> {
        let field = |holds: bool, field, why| if holds { Ok(()) } else { Err((field, why)) };
        let one = Micro::ONE.0;
        field(
            (1..=Self::MOST_CLIP * one).contains(&self.clip.0),
            "train.privacy.clip",
            "is more than 0, and 2^20 at most",
        )?;
        field(
            (one / 10..=1_000_000 * one).contains(&self.noise.0),
            "train.privacy.noise",
            "is 0.1 to 1000000: below, no guarantee is worth its name",
        )?;
        field(
            train.gate.is_none(),
            "train.gate",
            "does not go with `train.privacy`: whose updates it refuses tells of their rows, and there is no noise on that",
        )?;
        field(self.max_epsilon != Some(Micro(0)), "train.privacy.max_epsilon", "is more than 0")?;
        if let Some(adaptive) = &self.adaptive {
            adaptive.check(self, train.datasets.len())?;
        }
        if self.unit == PrivacyUnit::Client {
            let why =
                "is said of rows only: the noise of providers is added by the compute parties";
            return field(self.colluding.is_none(), "train.privacy.colluding", why);
        }
        field(
            self.colluding() > 0,
            "train.privacy.colluding",
            "is 1 at least: every provider knows its own noise",
        )?;
        field(
            self.colluding() < train.least(),
            "train.privacy.colluding",
            "is below `min_providers`: somebody's noise must be left",
        )?;
        field(
            train.model.plugin().is_none(),
            "train.privacy.unit",
            "is `client` where another program trains: it gives no gradients of single rows",
        )?;
        field(
            train.epochs == 1 && train.proximal == Micro(0),
            "train.epochs and train.proximal",
            "are 1 and 0 where rows are hidden: a round is one step along the gradients of all rows",
        )
    }
}

/// In a line, for people who approve it.
impl fmt::Display for PrivacySpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { unit, clip, noise, .. } = self;
        if let Some(adaptive) = &self.adaptive {
            return write!(
                f,
                "with noise that counts as {noise} times {adaptive}, {clip} at first, on every average, for each {unit}"
            );
        }
        write!(f, "with noise of {noise} times {clip} on every average, for each {unit}")
    }
}

const fn usual() -> Delta {
    Delta::USUAL
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(privacy: &str) -> TrainSpec {
        let json = format!(
            r#"{{"datasets": ["a.x", "b.x", "c.x"], "features": ["age"], "label": "rich",
                 "model": {{"kind": "logistic"}}, "privacy": {privacy}}}"#
        );
        serde_json::from_str(&json).unwrap()
    }

    #[test]
    fn what_cannot_be_is_named() {
        let fault = |privacy: &str| spec(privacy).check().err().map(|(field, _)| field);
        assert_eq!(fault(r#"{"unit": "client", "clip": 1, "noise": 1.1}"#), None);
        assert_eq!(fault(r#"{"unit": "record", "clip": 1, "noise": 4, "delta": 1e-6}"#), None);
        for (privacy, field) in [
            (r#"{"unit": "client", "clip": 0, "noise": 1}"#, "train.privacy.clip"),
            (r#"{"unit": "client", "clip": 2000000, "noise": 1}"#, "train.privacy.clip"),
            (r#"{"unit": "client", "clip": 1, "noise": 0.05}"#, "train.privacy.noise"),
            (
                r#"{"unit": "client", "clip": 1, "noise": 1, "max_epsilon": 0}"#,
                "train.privacy.max_epsilon",
            ),
            (
                r#"{"unit": "client", "clip": 1, "noise": 1, "colluding": 1}"#,
                "train.privacy.colluding",
            ),
            (
                r#"{"unit": "record", "clip": 1, "noise": 1, "colluding": 3}"#,
                "train.privacy.colluding",
            ),
            // Every provider knows the noise that it adds itself.
            (
                r#"{"unit": "record", "clip": 1, "noise": 1, "colluding": 0}"#,
                "train.privacy.colluding",
            ),
        ] {
            assert_eq!(fault(privacy), Some(field), "{privacy}");
        }
        let mut twice = spec(r#"{"unit": "record", "clip": 1, "noise": 1}"#);
        twice.epochs = 2;
        assert_eq!(twice.check().unwrap_err().0, "train.epochs and train.proximal");
        let mut gated = spec(r#"{"unit": "client", "clip": 1, "noise": 1}"#);
        gated.gate = serde_json::from_str(r#"{"kind": "norm", "largest_norm": 1}"#).unwrap();
        assert_eq!(gated.check().unwrap_err().0, "train.gate");
        assert!(twice.to_string().contains("noise of 1 times 1 on every average, for each record"));
    }
}
