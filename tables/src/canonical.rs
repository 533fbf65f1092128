//! Cells to canonical bytes: equal keys give equal bytes, keys of different kinds never do.

use arrow_array::{
    Array, ArrayRef, BooleanArray, Date32Array, Decimal128Array, Int64Array, StringArray,
    TimestampMicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray,
    TimestampSecondArray,
    cast::AsArray as _,
    types::{
        Date32Type, Decimal128Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType,
        TimestampNanosecondType, TimestampSecondType,
    },
};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{DataType, TimeUnit};

use super::{keys::KeyKind, normal::Normal};

/// One key column of one batch, ready to be read cell by cell.
pub(crate) enum Cells {
    Text(StringArray, Normal),
    Integer(Int64Array),
    /// With the number of digits behind the point.
    Decimal(Decimal128Array, u8),
    Bool(BooleanArray),
    Date(Date32Array),
    Seconds(TimestampSecondArray),
    Millis(TimestampMillisecondArray),
    Micros(TimestampMicrosecondArray),
    Nanos(TimestampNanosecondArray),
}

/// The kind of key that a column of this type holds; none if it cannot be a key.
pub(crate) fn kind_of(ty: &DataType) -> Option<KeyKind> {
    Some(match ty {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => KeyKind::Text,
        DataType::Dictionary(_, values) => kind_of(values)?,
        ty if ty.is_integer() => KeyKind::Number,
        DataType::Decimal128(_, scale) if *scale >= 0 => KeyKind::Number,
        DataType::Boolean => KeyKind::Bool,
        DataType::Date32 | DataType::Date64 => KeyKind::Date,
        DataType::Timestamp(..) => KeyKind::Time,
        _ => return None,
    })
}

impl Cells {
    /// Takes a column over; none if its type is no key, or a cell does not fit (an unsigned number of 64 bits does).
    pub(crate) fn of(column: &ArrayRef, normal: Normal) -> Option<Self> {
        let ty = plain(column.data_type());
        let cast = |to: DataType| {
            let options = CastOptions { safe: false, ..CastOptions::default() };
            cast_with_options(column, &to, &options).ok()
        };
        Some(match ty {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
                Self::Text(cast(DataType::Utf8)?.as_string::<i32>().clone(), normal)
            }
            DataType::UInt64 => {
                let wide = cast(DataType::Decimal128(20, 0))?;
                Self::Decimal(wide.as_primitive::<Decimal128Type>().clone(), 0)
            }
            ty if ty.is_integer() => {
                Self::Integer(cast(DataType::Int64)?.as_primitive::<Int64Type>().clone())
            }
            DataType::Decimal128(_, scale) => {
                let plain = cast(ty.clone())?;
                let scale = u8::try_from(*scale).ok()?;
                Self::Decimal(plain.as_primitive::<Decimal128Type>().clone(), scale)
            }
            DataType::Boolean => Self::Bool(cast(DataType::Boolean)?.as_boolean().clone()),
            DataType::Date32 | DataType::Date64 => {
                Self::Date(cast(DataType::Date32)?.as_primitive::<Date32Type>().clone())
            }
            DataType::Timestamp(unit, zone) => {
                let same = cast(DataType::Timestamp(*unit, zone.clone()))?;
                Self::times(&same, *unit)
            }
            _ => return None,
        })
    }

    fn times(column: &ArrayRef, unit: TimeUnit) -> Self {
        match unit {
            TimeUnit::Second => Self::Seconds(column.as_primitive::<TimestampSecondType>().clone()),
            TimeUnit::Millisecond => {
                Self::Millis(column.as_primitive::<TimestampMillisecondType>().clone())
            }
            TimeUnit::Microsecond => {
                Self::Micros(column.as_primitive::<TimestampMicrosecondType>().clone())
            }
            TimeUnit::Nanosecond => {
                Self::Nanos(column.as_primitive::<TimestampNanosecondType>().clone())
            }
        }
    }

    fn array(&self) -> &dyn Array {
        match self {
            Self::Text(cells, _) => cells,
            Self::Integer(cells) => cells,
            Self::Decimal(cells, _) => cells,
            Self::Bool(cells) => cells,
            Self::Date(cells) => cells,
            Self::Seconds(cells) => cells,
            Self::Millis(cells) => cells,
            Self::Micros(cells) => cells,
            Self::Nanos(cells) => cells,
        }
    }

    /// Appends the cell's kind, length and canonical bytes. Says `false`, with nothing of use appended, where there is no key:
    /// NULL, or a text with nothing in it.
    pub(crate) fn put(&self, row: usize, out: &mut Vec<u8>) -> bool {
        if self.array().is_null(row) {
            return false;
        }
        match self {
            Self::Text(cells, normal) => {
                let text = normal.apply(cells.value(row));
                piece(KeyKind::Text, text.as_bytes(), out);
                return !text.is_empty();
            }
            Self::Integer(cells) => number(cells.value(row).into(), 0, out),
            Self::Decimal(cells, scale) => number(cells.value(row), *scale, out),
            Self::Bool(cells) => piece(KeyKind::Bool, &[u8::from(cells.value(row))], out),
            Self::Date(cells) => piece(KeyKind::Date, &cells.value(row).to_le_bytes(), out),
            Self::Seconds(cells) => time(cells.value(row), 1_000_000_000, out),
            Self::Millis(cells) => time(cells.value(row), 1_000_000, out),
            Self::Micros(cells) => time(cells.value(row), 1_000, out),
            Self::Nanos(cells) => time(cells.value(row), 1, out),
        }
        true
    }
}

/// What a dictionary's cells are.
fn plain(ty: &DataType) -> &DataType {
    match ty {
        DataType::Dictionary(_, values) => plain(values),
        ty => ty,
    }
}

/// A number is its digits without trailing zeros behind the point: 7, 7.0 and 7.00 are one key.
fn number(mut digits: i128, mut scale: u8, out: &mut Vec<u8>) {
    while scale > 0 && digits % 10 == 0 {
        digits /= 10;
        scale -= 1;
    }
    let mut bytes = [0; 17];
    bytes[..16].copy_from_slice(&digits.to_le_bytes());
    bytes[16] = scale;
    piece(KeyKind::Number, &bytes, out);
}

/// A point in time is its nanoseconds since 1970 in UTC: no unit overflows 128 bits.
fn time(count: i64, nanos: i128, out: &mut Vec<u8>) {
    piece(KeyKind::Time, &(i128::from(count) * nanos).to_le_bytes(), out);
}

fn piece(kind: KeyKind, bytes: &[u8], out: &mut Vec<u8>) {
    // Arrow's own text offsets have 32 bits.
    let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    out.push(kind as u8);
    out.extend_from_slice(&len.to_le_bytes());
    out.extend_from_slice(bytes);
}
