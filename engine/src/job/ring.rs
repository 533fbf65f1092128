//! In what words updates travel and add up.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::train::TrainSpec;

/// Bits of the words in which updates are shared and added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum RingSpec {
    /// 64: averages are exact but for the rounding of numbers to some 34 bits behind the point.
    #[default]
    Wide,
    /// 32: half of the bytes, for large models. Weights have 12 bits, and numbers are rounded at random, without bias.
    Narrow,
}

impl RingSpec {
    /// Whether it is what is left out.
    #[must_use]
    pub fn is_wide(&self) -> bool {
        *self == Self::Wide
    }

    /// What 32 bits go with.
    ///
    /// # Errors
    /// The first field that stands in the way, and why.
    pub(super) fn check(self, train: &TrainSpec) -> Result<(), (&'static str, &'static str)> {
        let field = |holds: bool, why| {
            if holds || self.is_wide() { Ok(()) } else { Err(("train.ring", why)) }
        };
        field(
            train.model.trees().is_none(),
            "is 64 for trees: what they are grown from are exact sums, which have no updates",
        )?;
        field(train.gate.is_none(), "is 64 with `gate`, which computes on shares of 64 bits")?;
        field(
            train.privacy.is_none(),
            "is 64 with `privacy`, whose noise and sensitivity are those of sums in 64 bits",
        )?;
        field(
            train.contribution.is_none(),
            "is 64 with `contribution`, which computes on shares of 64 bits",
        )?;
        field(
            train.strategy.is_plain(),
            "is 64 with scaffold, nova, ridge and newton: what is sent besides or instead of updates is to be exact",
        )
    }
}

impl fmt::Display for RingSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", u8::from(*self))
    }
}

/// Other numbers of bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("train.ring is 64 or 32")]
pub struct NoRing;

impl TryFrom<u8> for RingSpec {
    type Error = NoRing;

    fn try_from(bits: u8) -> Result<Self, NoRing> {
        match bits {
            64 => Ok(Self::Wide),
            32 => Ok(Self::Narrow),
            _ => Err(NoRing),
        }
    }
}

impl From<RingSpec> for u8 {
    fn from(ring: RingSpec) -> Self {
        match ring {
            RingSpec::Wide => 64,
            RingSpec::Narrow => 32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(more: &str) -> Result<TrainSpec, serde_json::Error> {
        let json = format!(
            r#"{{"datasets": ["a.x", "b.x", "c.x"], "features": ["age"], "label": "rich", {more}}}"#
        );
        serde_json::from_str(&json)
    }

    #[test]
    fn thirty_two_or_sixty_four() {
        let plain = r#""model": {"kind": "logistic"}"#;
        let usual = spec(plain).unwrap();
        assert_eq!((usual.ring, usual.check()), (RingSpec::Wide, Ok(())));
        assert_eq!(spec(&format!(r#"{plain}, "ring": 64"#)).unwrap(), usual);
        assert!(!serde_json::to_string(&usual).unwrap().contains("ring"));
        let half = spec(&format!(r#"{plain}, "ring": 32"#)).unwrap();
        assert_eq!((half.ring, half.check()), (RingSpec::Narrow, Ok(())));
        assert!(serde_json::to_string(&half).unwrap().contains(r#""ring":32"#));
        assert!(half.to_string().contains("32 bits") && !usual.to_string().contains("32 bits"));
        let error = spec(&format!(r#"{plain}, "ring": 16"#)).unwrap_err().to_string();
        assert!(error.contains("64 or 32"), "{error}");
    }

    #[test]
    fn what_does_not_go_together_is_named() {
        for more in [
            r#""model": {"kind": "trees"}"#,
            r#""model": {"kind": "logistic"}, "gate": {"kind": "norm", "largest_norm": 1}"#,
            r#""model": {"kind": "logistic"}, "privacy": {"unit": "client", "clip": 1, "noise": 1}"#,
            r#""model": {"kind": "logistic"}, "contribution": {"validation": "d.x"}"#,
            r#""model": {"kind": "logistic"}, "strategy": {"kind": "scaffold"}"#,
            r#""model": {"kind": "logistic"}, "strategy": {"kind": "nova"}"#,
        ] {
            let half = spec(&format!(r#"{more}, "ring": 32"#)).unwrap();
            let (field, _) = RingSpec::Narrow.check(&half).unwrap_err();
            assert_eq!(field, "train.ring", "{more}");
            assert!(half.check().is_err(), "{more}");
            assert_eq!(RingSpec::Wide.check(&half), Ok(()), "{more}");
        }
        for kind in ["momentum", "adagrad", "adam", "yogi"] {
            let more =
                format!(r#""model": {{"kind": "softmax"}}, "strategy": {{"kind": "{kind}"}}"#);
            assert_eq!(spec(&format!(r#"{more}, "ring": 32"#)).unwrap().check(), Ok(()), "{kind}");
        }
    }
}
