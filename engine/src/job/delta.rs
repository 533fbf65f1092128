//! The δ of differential privacy.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::micro::{Number, decimal, write_decimal};

/// Digits behind the point.
const DIGITS: usize = 12;

/// A probability below 1 of at most twelve digits behind the point, in 10^-12. Written as text: `"0.00001"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Delta(u64);

impl Delta {
    /// 10^-5.
    pub const USUAL: Self = Self(10_000_000);

    /// As a number to compute with.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
    pub fn value(self) -> f64 {
        self.0 as f64 / 1e12
    }

    fn parse(text: &str) -> Option<Self> {
        let units = decimal(text, DIGITS)?;
        (1..1_000_000_000_000).contains(&units).then_some(Self(units))
    }
}

impl fmt::Display for Delta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_decimal(f, self.0, DIGITS)
    }
}

impl Serialize for Delta {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Delta {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(Number {
            parse: Self::parse,
            expecting: "a probability between 0 and 1 with at most twelve digits behind the point",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_are_read_as_they_are_written() {
        for (json, text) in [("1e-5", "0.00001"), ("\"0.5\"", "0.5"), ("1e-12", "0.000000000001")] {
            let delta: Delta = serde_json::from_str(json).unwrap();
            assert_eq!(delta.to_string(), text);
            assert_eq!(serde_json::to_string(&delta).unwrap(), format!("\"{text}\""));
        }
        assert!((Delta::USUAL.value() - 1e-5).abs() < 1e-20);
        for json in ["0", "1", "\"1.5\"", "1e-13", "-0.1", "\"\""] {
            assert!(serde_json::from_str::<Delta>(json).is_err(), "{json}");
        }
    }
}
