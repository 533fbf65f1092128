//! Labels of a published table: typed values as bytes of a fixed length, and back.

use std::sync::Arc;

use datafusion::arrow::{
    array::{ArrayRef, Decimal128Array, RecordBatch, StringArray},
    array::{
        BooleanArray, Date32Array, Int8Array, Int16Array, Int32Array, Int64Array,
        TimestampMicrosecondArray,
    },
};

use super::encode::EncodeError;
use crate::{
    catalog::{ColumnType, ColumnValues, column_values},
    plan::{Label, LocalInput, Lookup},
};

/// One column's part of every row's label.
enum Values {
    Integers(Vec<Option<i128>>),
    Texts(Vec<Option<String>>),
}

/// The labels of these rows, one behind the other.
///
/// # Errors
/// [`EncodeError`] if a text is longer than its column declares, or a column has another type than the plan says.
pub fn label_rows(
    input: &LocalInput,
    of: &Lookup,
    rows: &RecordBatch,
    chosen: &[u32],
) -> Result<Vec<u8>, EncodeError> {
    let (party, width) = (input.party.to_string(), of.label_bytes() as usize);
    let mut bytes = vec![0; width * chosen.len()];
    let mut from = 0;
    for label in &of.labels {
        let column = label.name.clone();
        let wrong = |found: String| EncodeError::Type {
            party: party.clone(),
            column: column.clone(),
            found,
        };
        let array =
            rows.columns().get(label.source as usize).ok_or_else(|| wrong("none".into()))?;
        let values = match (label.ty, column_values(array)) {
            (ColumnType::String, Some(ColumnValues::Texts(all))) => Values::Texts(all),
            (ColumnType::String, _) | (_, None | Some(ColumnValues::Texts(_))) => {
                return Err(wrong(array.data_type().to_string()));
            }
            (_, Some(ColumnValues::Integers(all))) => Values::Integers(all),
        };
        let own = label.stored_bytes() as usize;
        for (place, row) in bytes.chunks_exact_mut(width.max(1)).zip(chosen) {
            let part = &mut place[from..from + own];
            write(part, &values, *row as usize).ok_or_else(|| EncodeError::Outside {
                party: party.clone(),
                column: column.clone(),
                promise: "length",
            })?;
        }
        from += own;
    }
    Ok(bytes)
}

/// One value: whether it is there, for a text how long it is, and the value; nothing if it does not fit.
fn write(part: &mut [u8], values: &Values, row: usize) -> Option<()> {
    let (there, value) = part.split_first_mut()?;
    match values {
        Values::Integers(all) => {
            let Some(integer) = all.get(row)? else { return Some(()) };
            *there = 1;
            let (low, high) = (integer.to_le_bytes(), value.len());
            value.copy_from_slice(&low[..high]);
            (integer_of(value) == *integer).then_some(())
        }
        Values::Texts(all) => {
            let Some(text) = all.get(row)? else { return Some(()) };
            *there = 1;
            let (length, value) = value.split_first_chunk_mut::<2>()?;
            *length = u16::try_from(text.len()).ok()?.to_le_bytes();
            value.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
            Some(())
        }
    }
}

/// Two's complement of as many bytes as there are; a single byte of a boolean is one as well.
fn integer_of(bytes: &[u8]) -> i128 {
    let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
    let mut all = if negative { [0xff; 16] } else { [0; 16] };
    all.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    i128::from_le_bytes(all)
}

/// The columns of these rows' labels, NULL where a row has none. Nothing if a label is none, which its provider published all
/// the same.
#[must_use]
pub fn label_columns(of: &Lookup, rows: &[Option<&[u8]>]) -> Option<Vec<ArrayRef>> {
    let mut from = 0;
    let mut columns = Vec::with_capacity(of.labels.len());
    for label in &of.labels {
        let to = from + label.stored_bytes() as usize;
        let parts =
            rows.iter().map(|row| row.map_or(Some(None), |row| row.get(from..to).map(Some)));
        columns.push(column(label, parts.collect::<Option<Vec<_>>>()?)?);
        from = to;
    }
    Some(columns)
}

fn column(label: &Label, parts: Vec<Option<&[u8]>>) -> Option<ArrayRef> {
    // A value that is there, behind the byte that says so.
    let there = |part: Option<&[u8]>| match part.and_then(<[u8]>::split_first) {
        Some((1, value)) => Some(value.to_vec()),
        _ => None,
    };
    let values: Vec<Option<Vec<u8>>> = parts.into_iter().map(there).collect();
    if label.ty == ColumnType::String {
        let text = |value: &Option<Vec<u8>>| match value {
            None => Some(None),
            Some(value) => {
                let (length, text) = value.split_first_chunk::<2>()?;
                let text = text.get(..usize::from(u16::from_le_bytes(*length)))?;
                Some(Some(String::from_utf8(text.to_vec()).ok()?))
            }
        };
        let texts: Option<Vec<Option<String>>> = values.iter().map(text).collect();
        return Some(Arc::new(StringArray::from(texts?)));
    }
    let integers: Vec<Option<i128>> =
        values.iter().map(|value| value.as_deref().map(integer_of)).collect();
    integer_column(label.ty, &integers)
}

/// The integers as a column of their type.
fn integer_column(ty: ColumnType, all: &[Option<i128>]) -> Option<ArrayRef> {
    fn narrow<T: TryFrom<i128>>(all: &[Option<i128>]) -> Option<Vec<Option<T>>> {
        all.iter().map(|v| v.map_or(Some(None), |v| T::try_from(v).ok().map(Some))).collect()
    }
    Some(match ty {
        ColumnType::Bool => {
            Arc::new(all.iter().map(|v| v.map(|v| v != 0)).collect::<BooleanArray>())
        }
        ColumnType::Int8 => Arc::new(Int8Array::from(narrow(all)?)),
        ColumnType::Int16 => Arc::new(Int16Array::from(narrow(all)?)),
        ColumnType::Int32 => Arc::new(Int32Array::from(narrow(all)?)),
        ColumnType::Int64 => Arc::new(Int64Array::from(narrow(all)?)),
        ColumnType::Date => Arc::new(Date32Array::from(narrow(all)?)),
        ColumnType::Timestamp => Arc::new(TimestampMicrosecondArray::from(narrow(all)?)),
        ColumnType::Decimal { precision, scale } => {
            let decimals = Decimal128Array::from(all.to_vec());
            Arc::new(decimals.with_precision_and_scale(precision, scale.cast_signed()).ok()?)
        }
        ColumnType::String => return None,
    })
}
