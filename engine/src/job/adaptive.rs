//! A clip that follows the updates of a training, as a job asks for it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    micro::Micro,
    privacy::{PrivacySpec, PrivacyUnit},
};

/// How the norm that updates are scaled down to follows them, from round to round, at no more ε: the noise is shared out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdaptiveSpec {
    /// The part of the updates that are to be within the norm.
    #[serde(default = "half")]
    pub quantile: Micro,
    /// How fast the norm moves.
    #[serde(default = "fifth")]
    pub rate: Micro,
    /// The standard deviation of the noise on the number of updates within the norm: a 20th of the providers where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count_noise: Option<Micro>,
    /// The norm never gets beyond this, nor below a 65536th of it: 1024 times `clip` where it is left out, 2^20 at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub largest: Option<Micro>,
}

/// A field, and why it cannot be as it is.
type Fault = (&'static str, &'static str);

impl AdaptiveSpec {
    /// The noise on the count, of so many providers in all.
    #[must_use]
    pub fn count_noise(&self, providers: usize) -> Micro {
        let all = u64::try_from(providers).unwrap_or(u64::MAX);
        self.count_noise.unwrap_or_else(|| Micro(all.saturating_mul(Micro::ONE.0 / 20)))
    }

    /// The largest norm, of one that begins here.
    #[must_use]
    pub fn largest(&self, clip: Micro) -> Micro {
        let usual = clip.0.saturating_mul(1024).min(PrivacySpec::MOST_CLIP * Micro::ONE.0);
        self.largest.unwrap_or(Micro(usual))
    }

    /// What can be checked without tables, beside this noise, with so many providers.
    pub(super) fn check(&self, beside: &PrivacySpec, providers: usize) -> Result<(), Fault> {
        let field = |holds: bool, field, why| if holds { Ok(()) } else { Err((field, why)) };
        let (one, count) = (Micro::ONE.0, self.count_noise(providers).0);
        field(
            beside.unit == PrivacyUnit::Client,
            "train.privacy.adaptive",
            "goes with `unit = \"client\"`: it follows the norms of updates, and how many rows are clipped is not counted",
        )?;
        field(
            (1..one).contains(&self.quantile.0),
            "train.privacy.adaptive.quantile",
            "is more than 0 and less than 1",
        )?;
        field(
            (1..=one).contains(&self.rate.0),
            "train.privacy.adaptive.rate",
            "is more than 0, and 1 at most",
        )?;
        field(
            count <= 1_000_000 * one && 2 * count > beside.noise.0,
            "train.privacy.adaptive.count_noise",
            "is more than half of `noise`, and 1000000 at most; left out, it is a 20th of the providers. The two share what `noise` gives \
             away: raise it, or lower `noise`",
        )?;
        let largest = self.largest(beside.clip).0;
        field(
            (beside.clip.0..=PrivacySpec::MOST_CLIP * one).contains(&largest)
                && beside.clip.0.saturating_mul(1 << 16) >= largest,
            "train.privacy.adaptive.largest",
            "is `clip` at least, 65536 times that at most, and 2^20 at most",
        )
    }
}

/// In a line, for people who approve it.
impl fmt::Display for AdaptiveSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { quantile, rate, .. } = self;
        write!(f, "a norm that follows {quantile} of the updates at a rate of {rate}")
    }
}

const fn half() -> Micro {
    Micro(Micro::ONE.0 / 2)
}

const fn fifth() -> Micro {
    Micro(Micro::ONE.0 / 5)
}

#[cfg(test)]
mod tests {
    use crate::job::TrainSpec;

    fn spec(privacy: &str) -> TrainSpec {
        let json = format!(
            r#"{{"datasets": ["a.x", "b.x", "c.x"], "features": ["age"], "label": "rich",
                 "model": {{"kind": "logistic"}}, "privacy": {privacy}}}"#
        );
        serde_json::from_str(&json).unwrap()
    }

    fn fault(adaptive: &str, noise: &str) -> Option<&'static str> {
        let privacy =
            format!(r#"{{"unit": "client", "clip": 1, "noise": {noise}, "adaptive": {adaptive}}}"#);
        spec(&privacy).check().err().map(|(field, _)| field)
    }

    #[test]
    fn what_cannot_follow_updates_is_named() {
        assert_eq!(fault(r#"{"count_noise": 1}"#, "1"), None);
        assert_eq!(fault("{}", "0.2"), None, "3/20 of noise are more than half of 0.2");
        for (adaptive, noise, field) in [
            ("{}", "0.3", "count_noise"),
            ("{}", "1", "count_noise"),
            (r#"{"count_noise": 0.5}"#, "1", "count_noise"),
            (r#"{"count_noise": 1000001}"#, "1", "count_noise"),
            (r#"{"count_noise": 0}"#, "1", "count_noise"),
            (r#"{"count_noise": 1, "quantile": 0}"#, "1", "quantile"),
            (r#"{"count_noise": 1, "quantile": 1}"#, "1", "quantile"),
            (r#"{"count_noise": 1, "rate": 0}"#, "1", "rate"),
            (r#"{"count_noise": 1, "rate": 1.5}"#, "1", "rate"),
            (r#"{"count_noise": 1, "largest": 0.5}"#, "1", "largest"),
            (r#"{"count_noise": 1, "largest": 65537}"#, "1", "largest"),
        ] {
            let field = format!("train.privacy.adaptive.{field}");
            assert_eq!(fault(adaptive, noise), Some(&*field), "{adaptive}, {noise}");
        }
        let rows = r#"{"unit": "record", "clip": 1, "noise": 1, "adaptive": {"count_noise": 1}}"#;
        assert_eq!(spec(rows).check().unwrap_err().0, "train.privacy.adaptive");
        let wide = r#"{"unit": "client", "clip": 100, "noise": 1, "adaptive": {"count_noise": 1, "largest": 1048577}}"#;
        assert_eq!(spec(wide).check().unwrap_err().0, "train.privacy.adaptive.largest");
    }

    #[test]
    fn people_read_what_it_follows() {
        let asked = r#"{"unit": "client", "clip": 1, "noise": 1, "adaptive": {"count_noise": 1}}"#;
        let told = spec(asked).to_string();
        assert!(told.contains("follows 0.5 of the updates at a rate of 0.2"), "{told}");
    }
}
