//! Whether a column's values keep what is declared of them.

use std::fmt;

use datafusion::arrow::{
    array::{Array, ArrayRef, AsArray, StringArray},
    compute::cast,
    datatypes::{DataType, Decimal128Type, Int64Type},
};

use super::{
    descriptor::{ColumnSpec, ColumnType},
    error::Broken,
};

/// Most bytes that may be declared of a text.
const MAX_TEXT_BYTES: u32 = 4096;

/// A column's values, NULL as `None`.
pub enum ColumnValues {
    /// Integers underneath.
    Integers(Vec<Option<i128>>),
    /// Text.
    Texts(Vec<Option<String>>),
}

impl fmt::Debug for ColumnValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integers(all) => write!(f, "{} integers", all.len()),
            Self::Texts(all) => write!(f, "{} texts", all.len()),
        }
    }
}

/// The values of a column of a shared type; none for a type that is not one.
#[must_use]
pub fn column_values(array: &ArrayRef) -> Option<ColumnValues> {
    let text = |a: &ArrayRef| {
        let strings = a.as_string_opt::<i32>()?;
        Some(ColumnValues::Texts(strings.iter().map(|t| t.map(str::to_owned)).collect()))
    };
    match array.data_type() {
        DataType::Utf8 => text(array),
        DataType::LargeUtf8 | DataType::Utf8View => text(&cast(array, &DataType::Utf8).ok()?),
        DataType::Boolean => {
            let bits = array.as_boolean().iter().map(|b| b.map(i128::from));
            Some(ColumnValues::Integers(bits.collect()))
        }
        DataType::Decimal128(..) => {
            Some(ColumnValues::Integers(array.as_primitive::<Decimal128Type>().iter().collect()))
        }
        DataType::Date32 => column_values(&cast(array, &DataType::Int32).ok()?),
        DataType::Int64 => {
            let words = array.as_primitive::<Int64Type>().iter();
            Some(ColumnValues::Integers(words.map(|v| v.map(i128::from)).collect()))
        }
        other if other.is_integer() || matches!(other, DataType::Timestamp(..)) => {
            let wide = cast(array, &DataType::Int64).ok()?;
            // A value beyond 64 bits becomes NULL in a cast.
            (wide.null_count() == array.null_count()).then(|| column_values(&wide)).flatten()
        }
        _ => None,
    }
}

/// The values of one batch of a column, NULL as `None`.
pub(super) enum Values<'a> {
    Integers(Vec<Option<i128>>),
    Texts(&'a StringArray),
}

impl<'a> Values<'a> {
    /// None for an array of a type that is not shared.
    pub(super) fn of(array: &'a ArrayRef) -> Option<Self> {
        if let Some(texts) = array.as_string_opt::<i32>() {
            return Some(Self::Texts(texts));
        }
        match column_values(array)? {
            ColumnValues::Integers(values) => Some(Self::Integers(values)),
            ColumnValues::Texts(_) => None,
        }
    }
}

/// The first row of a batch (from 0) that breaks a promise which a row keeps or breaks alone, and which.
pub(super) fn first_broken(
    values: &Values<'_>,
    spec: &ColumnSpec,
    unique: bool,
) -> Option<(usize, Broken)> {
    let null_at = match values {
        Values::Integers(v) => v.iter().position(Option::is_none),
        Values::Texts(v) => v.iter().position(|t| t.is_none()),
    };
    if let Some(row) = null_at.filter(|_| unique || !spec.nullable) {
        return Some((row, if unique { Broken::NullKey } else { Broken::Null }));
    }
    match values {
        Values::Integers(v) => {
            let (min, max) = spec.bounds().unwrap_or((i128::MIN, i128::MAX));
            let outside = v.iter().position(|v| v.is_some_and(|v| !(min..=max).contains(&v)));
            outside.map(|row| (row, Broken::Range))
        }
        Values::Texts(v) => {
            let unlisted = spec.domain.as_ref().and_then(|domain| {
                let missing = |t: &str| domain.binary_search_by(|d| d.as_str().cmp(t)).is_err();
                v.iter().position(|t| t.is_some_and(missing)).map(|row| (row, Broken::Domain))
            });
            unlisted.or_else(|| {
                let most = spec.max_bytes? as usize;
                let long = v.iter().position(|t| t.is_some_and(|t| t.len() > most));
                long.map(|row| (row, Broken::Length))
            })
        }
    }
}

/// What contradicts itself in a column's type, range and list, if anything does.
pub(super) fn contradiction(spec: &ColumnSpec) -> Option<String> {
    if let ColumnType::Decimal { precision, scale } = spec.ty
        && (precision == 0 || precision > 38 || scale > precision)
    {
        return Some(format!(
            "DECIMAL({precision}, {scale}): 1 to 38 digits, no more of them behind the point"
        ));
    }
    if spec.domain.is_some() && spec.ty != ColumnType::String {
        return Some("only string columns have a domain".into());
    }
    if spec.domain.as_ref().is_some_and(|d| d.windows(2).any(|pair| pair[0] >= pair[1])) {
        return Some("its domain is not ascending, or lists a value twice".into());
    }
    if spec.max_bytes.is_some() && spec.ty != ColumnType::String {
        return Some("only string columns have `max_bytes`".into());
    }
    if spec.max_bytes.is_some_and(|most| !(1..=MAX_TEXT_BYTES).contains(&most)) {
        return Some(format!("`max_bytes` is 1 to {MAX_TEXT_BYTES}"));
    }
    let range = spec.range?;
    let Some((min, max)) = spec.ty.bounds() else {
        return Some("a string has a domain, no range".into());
    };
    if range.min > range.max || range.min < min || range.max > max {
        return Some(format!(
            "the range {} to {} is empty or beyond the type",
            range.min, range.max
        ));
    }
    None
}
