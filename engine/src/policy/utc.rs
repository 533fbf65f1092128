//! Points in time as policies write them: RFC 3339 in UTC, whole seconds.

use std::fmt;

use serde::{Deserialize, Serialize};

const DAY_S: i64 = 86_400;

/// A point in time, written `2026-10-01T00:00:00Z`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UtcTime {
    seconds: i64,
}

/// A text that is no such time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no UTC time; write it like `2026-10-01T00:00:00Z` (RFC 3339, whole seconds, Z)")]
pub struct BadTime(String);

impl UtcTime {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn as_ms(self) -> i64 {
        self.seconds * 1_000
    }

    /// The time of so many milliseconds since 1970, cut to whole seconds; years 1970 to 9999.
    #[must_use]
    pub fn from_ms(ms: i64) -> Self {
        let last = days_from_civil(10_000, 1, 1) * DAY_S - 1;
        Self { seconds: ms.div_euclid(1_000).clamp(0, last) }
    }
}

/// Days since 1970-01-01 of a date of the Gregorian calendar (Hinnant, "chrono-compatible low-level date algorithms").
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The date of so many days since 1970-01-01.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let of_year = day_of_era - (365 * of_era + of_era / 4 - of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + of_era + i64::from(month <= 2);
    (year, month, of_year - (153 * shifted + 2) / 5 + 1)
}

/// Reads `YYYY-MM-DDTHH:MM:SSZ`; `None` where anything else stands.
fn seconds_of(text: &str) -> Option<i64> {
    let bytes: &[u8; 20] = text.as_bytes().try_into().ok()?;
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'Z')];
    if marks.iter().any(|(at, mark)| bytes[*at] != *mark) {
        return None;
    }
    let number = |from: usize, to: usize| {
        bytes[from..to].iter().try_fold(0_i64, |sum, digit| {
            digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0'))
        })
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let days = days_from_civil(year, month, day);
    // A day that is not in its month comes back as another date.
    let is_date = (1..=12).contains(&month) && civil_from_days(days) == (year, month, day);
    let is_time = hour < 24 && minute < 60 && second < 60;
    (year >= 1970 && is_date && is_time)
        .then_some(days * DAY_S + hour * 3_600 + minute * 60 + second)
}

impl TryFrom<String> for UtcTime {
    type Error = BadTime;

    fn try_from(text: String) -> Result<Self, BadTime> {
        seconds_of(&text)
            .map(|seconds| Self { seconds })
            .ok_or_else(|| BadTime(text.chars().take(40).collect()))
    }
}

impl From<UtcTime> for String {
    fn from(time: UtcTime) -> Self {
        time.to_string()
    }
}

impl fmt::Display for UtcTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_from_days(self.seconds.div_euclid(DAY_S));
        let second = self.seconds.rem_euclid(DAY_S);
        let (hour, minute) = (second / 3_600, second / 60 % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{:02}Z", second % 60)
    }
}

impl fmt::Debug for UtcTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Result<UtcTime, BadTime> {
        UtcTime::try_from(text.to_owned())
    }

    #[test]
    fn known_times_have_their_milliseconds_and_print_as_read() {
        // From `date -u -d TEXT +%s`.
        let known = [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T23:59:59Z", 951_868_799),
            ("2026-10-01T00:00:00Z", 1_790_812_800),
            ("2100-03-01T12:30:45Z", 4_107_587_445),
            ("9999-12-31T23:59:59Z", 253_402_300_799),
        ];
        for (text, seconds) in known {
            assert_eq!(time(text).unwrap().as_ms(), seconds * 1_000, "{text}");
            assert_eq!(UtcTime::from_ms(seconds * 1_000 + 999).to_string(), text);
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "2026-10-01",
            "2026-10-01 00:00:00Z",
            "2026-10-01T00:00:00+08:00",
            "2026-02-29T00:00:00Z",
            "2100-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-10-00T00:00:00Z",
            "2026-10-01T24:00:00Z",
            "2026-10-01T00:60:00Z",
            "2026-10-01T00:00:60Z",
            "1969-12-31T23:59:59Z",
            "2026-1é-01T00:00:0Z",
        ] {
            assert!(time(text).is_err(), "{text}");
        }
    }
}
