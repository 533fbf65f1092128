//! One CSV cell to the integer representation of its type. Exact: digits that a decimal has no room for are an error.

use datafusion::{arrow::datatypes::DataType, common::ScalarValue};

use super::descriptor::ColumnType;

/// The kind of value that a text is, for messages.
pub(super) fn class(text: &str) -> &'static str {
    let text = text.trim();
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    if text.is_empty() {
        "an empty cell"
    } else if digits(unsigned) {
        "an integer out of range"
    } else if unsigned
        .split_once('.')
        .is_some_and(|(a, b)| (digits(a) || a.is_empty()) && digits(b))
    {
        "a number with digits behind the point"
    } else if unsigned.parse::<f64>().is_ok() {
        "a floating-point number"
    } else {
        "text"
    }
}

/// What a type asks for, for messages.
pub(super) fn due(ty: ColumnType) -> String {
    match ty {
        ColumnType::Bool => "true or false".into(),
        ColumnType::Int8 => "an integer of 8 bits".into(),
        ColumnType::Int16 => "an integer of 16 bits".into(),
        ColumnType::Int32 => "an integer of 32 bits".into(),
        ColumnType::Int64 => "an integer of 64 bits".into(),
        ColumnType::Decimal { precision, scale } => {
            format!("a decimal of {precision} digits, {scale} behind the point,")
        }
        ColumnType::Date => "a date (YYYY-MM-DD)".into(),
        ColumnType::Timestamp => "a timestamp (YYYY-MM-DDTHH:MM:SS, to the microsecond)".into(),
        ColumnType::String => "text".into(),
    }
}

/// The integer representation of a cell; none if it is no value of the type (and for strings).
pub(super) fn integer(text: &str, ty: ColumnType) -> Option<i128> {
    let text = text.trim();
    let value = match ty {
        ColumnType::Bool => match text.to_ascii_lowercase().as_str() {
            "true" | "t" | "1" => 1,
            "false" | "f" | "0" => 0,
            _ => return None,
        },
        ColumnType::Int8 | ColumnType::Int16 | ColumnType::Int32 | ColumnType::Int64 => {
            text.parse().ok()?
        }
        ColumnType::Decimal { scale, .. } => decimal(text, scale)?,
        ColumnType::Date => {
            match ScalarValue::try_from_string(text.to_owned(), &DataType::Date32) {
                Ok(ScalarValue::Date32(Some(days))) => days.into(),
                _ => return None,
            }
        }
        ColumnType::Timestamp => match ScalarValue::try_from_string(text.to_owned(), &ty.arrow()) {
            Ok(ScalarValue::TimestampMicrosecond(Some(micros), _)) => micros.into(),
            _ => return None,
        },
        ColumnType::String => return None,
    };
    let (min, max) = ty.bounds()?;
    (min..=max).contains(&value).then_some(value)
}

/// A decimal times 10^scale, if it has no more digits behind the point.
fn decimal(text: &str, scale: u8) -> Option<i128> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let fraction = fraction.trim_end_matches('0');
    let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty() && !unsigned.contains('0'))
        || !digits(whole)
        || !digits(fraction)
        || fraction.len() > scale.into()
    {
        return None;
    }
    let padded = format!("0{whole}{fraction:0<width$}", width = usize::from(scale));
    let value: i128 = padded.parse().ok()?;
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_read_exactly_or_not_at_all() {
        let ty = ColumnType::Decimal { precision: 5, scale: 2 };
        let good = [
            ("1", 100),
            ("-1.5", -150),
            ("+0.05", 5),
            (".5", 50),
            ("999.99", 99999),
            ("1.500", 150),
            ("0", 0),
        ];
        for (text, value) in good {
            assert_eq!(integer(text, ty), Some(value), "{text}");
        }
        for bad in ["", ".", "-", "1.005", "1000", "1e3", "1,5", "--1", "1.2.3"] {
            assert_eq!(integer(bad, ty), None, "{bad}");
        }
        let (wide, whole) = (ColumnType::Decimal { precision: 38, scale: 10 }, "9".repeat(28));
        let most = 10_i128.pow(38) - 1;
        assert_eq!(integer(&format!("{whole}.9999999999"), wide), Some(most));
        assert_eq!(integer(&format!("-{whole}.9999999999"), wide), Some(-most));
        assert_eq!(integer(&format!("1{whole}"), wide), None);
        assert_eq!(integer(&"9".repeat(400), wide), None);
    }

    #[test]
    fn integers_keep_to_their_width() {
        assert_eq!(integer("127", ColumnType::Int8), Some(127));
        assert_eq!(integer("128", ColumnType::Int8), None);
        assert_eq!(integer("-9223372036854775808", ColumnType::Int64), Some(i64::MIN.into()));
        assert_eq!(integer("1970-01-02", ColumnType::Date), Some(1));
        assert_eq!(integer("1970-01-01T00:00:01.000002", ColumnType::Timestamp), Some(1_000_002));
    }

    #[test]
    fn a_class_says_what_stands_there_without_repeating_it() {
        let cases = [
            ("", "an empty cell"),
            ("12", "an integer out of range"),
            ("1.5", "a number with digits behind the point"),
            ("1e5", "a floating-point number"),
            ("abc", "text"),
        ];
        for (text, want) in cases {
            assert_eq!(class(text), want);
        }
    }
}
