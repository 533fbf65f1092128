//! Numbers of a job with a point in them: as millionths, so that every party reads and hashes the same.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Visitor};

/// Digits behind the point.
const DIGITS: usize = 6;

/// A number of at most six digits behind the point, in millionths. Written as text: `"0.1"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Micro(pub u64);

impl Micro {
    /// 1.
    pub const ONE: Self = Self(1_000_000);

    /// As a number to compute with.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "rates, fractions and bounds")]
    pub fn value(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// The same in single precision.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "training is single precision")]
    pub fn single(self) -> f32 {
        self.value() as f32
    }

    fn parse(text: &str) -> Option<Self> {
        decimal(text, DIGITS).map(Self)
    }
}

/// A number of at most so many digits behind the point, in units of the last one.
pub(super) fn decimal(text: &str, most: usize) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || part.len() > most || !digits(whole) || !digits(part) {
        return None;
    }
    format!("{whole}{part:0<most$}").parse().ok()
}

/// Writes such a number, without zeros at its end.
pub(super) fn write_decimal(f: &mut fmt::Formatter<'_>, units: u64, digits: usize) -> fmt::Result {
    let all = format!("{units:0>width$}", width = digits + 1);
    let (whole, part) = all.split_at(all.len() - digits);
    match part.trim_end_matches('0') {
        "" => f.write_str(whole),
        part => write!(f, "{whole}.{part}"),
    }
}

impl fmt::Display for Micro {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_decimal(f, self.0, DIGITS)
    }
}

impl Serialize for Micro {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Micro {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(Number {
            parse: Self::parse,
            expecting: "a number from 0 on with at most six digits behind the point",
        })
    }
}

/// Reads a number from text or, as job files have it, from a number.
pub(super) struct Number<T> {
    pub(super) parse: fn(&str) -> Option<T>,
    pub(super) expecting: &'static str,
}

impl<T> Visitor<'_> for Number<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expecting)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        (self.parse)(text).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self))
    }

    // Job files write numbers; what is signed and hashed has text.
    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_are_written() {
        for (text, micro) in
            [("0", 0), ("1", 1_000_000), ("0.1", 100_000), ("12.000345", 12_000_345)]
        {
            assert_eq!(Micro::parse(text), Some(Micro(micro)), "{text}");
            assert_eq!(Micro(micro).to_string(), text);
            let json = format!("\"{text}\"");
            assert_eq!(serde_json::from_str::<Micro>(&json).unwrap(), Micro(micro));
            assert_eq!(serde_json::to_string(&Micro(micro)).unwrap(), json);
        }
        assert_eq!(serde_json::from_str::<Micro>("0.25").unwrap(), Micro(250_000));
        for text in ["", ".5", "-1", "1e3", "0.1234567", "nan", "1.2.3", "99999999999999999999"] {
            assert_eq!(Micro::parse(text), None, "{text}");
        }
        assert!(serde_json::from_str::<Micro>("-0.5").is_err());
    }
}
