//! Values to the integers that are shared: padded to the public bound, sorted where the plan says so, and checked against
//! what was declared.

use std::collections::HashSet;

use datafusion::arrow::array::{Array, ArrayRef, RecordBatch};

use super::keys::{as_written, key_ids};
use crate::{
    catalog::{ColumnValues, column_values},
    plan::{
        EncodedColumn, EncodedInput, Encoding, HomeSet, InputColumn, LocalInput, SetKey, SetUse,
    },
};

/// Why a local result cannot be shared. Names the column, never the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// More rows than the public bound.
    #[error("{party}: the local part gives more rows than the published bound of {bound}")]
    Rows {
        /// Whose.
        party: String,
        /// The bound.
        bound: u64,
    },
    /// A value outside the declared range or list.
    #[error(
        "{party}: `{column}` has a value outside its declared {promise}; correct the table or publish what holds"
    )]
    Outside {
        /// Whose.
        party: String,
        /// The column or expression.
        column: String,
        /// `range` or `domain`.
        promise: &'static str,
    },
    /// The local result has another type than the plan says.
    #[error("{party}: `{column}` has type {found}, which does not fit the plan")]
    Type {
        /// Whose.
        party: String,
        /// The column or expression.
        column: String,
        /// The type found.
        found: String,
    },
}

/// Encodes the result of a local sub-plan.
///
/// # Errors
/// [`EncodeError`], for the provider alone.
pub fn encode(
    input: &LocalInput,
    rows: &RecordBatch,
    hash_key: &[u8; 32],
) -> Result<EncodedInput, EncodeError> {
    let party = input.party.to_string();
    let too_many = || EncodeError::Rows { party: party.clone(), bound: input.rows };
    let bound = usize::try_from(input.rows).map_err(|_| too_many())?;
    if rows.num_rows() > bound {
        return Err(too_many());
    }
    let ids = input.key.as_ref().map(|key| ids(input, key, rows, hash_key)).transpose()?;
    let mut columns = Vec::with_capacity(input.columns.len());
    for column in &input.columns {
        if let Some(words) = ids.as_ref().and_then(|ids| of_key(ids, &column.encoding)) {
            columns.push(words);
            continue;
        }
        columns.push(column_of(input, column, rows, hash_key)?);
    }
    let enters = input.key.as_ref().map(|key| key.enters);
    if enters == Some(SetUse::Lookup) {
        // Its ids are hashed under the salt of a publication, which the run tells.
        return Ok(EncodedInput::default());
    }
    let context = blake3::derive_key("unseen.psi-salt/v1", hash_key);
    let kept = match (&ids, &input.key) {
        (Some(ids), Some(key)) => first_of_each(ids, key.keep_absent),
        _ => (0..rows.num_rows()).collect(),
    };
    let order = order(input, &columns, kept);
    let live = (0..bound).map(|i| i < order.len()).collect();
    let columns = columns.into_iter().map(|column| placed(column, &order, bound)).collect();
    let home = match (enters, &ids) {
        (Some(SetUse::Circuit), Some(ids)) => {
            let own = |row: &usize| ids[*row].unwrap_or_else(|| unmatched(hash_key, *row as u64));
            Some(HomeSet { ids: order.iter().map(own).map(Some).collect(), context })
        }
        _ => None,
    };
    Ok(EncodedInput { live, columns, home, ..EncodedInput::default() })
}

/// One column in the table's order.
pub(super) fn column_of(
    input: &LocalInput,
    column: &InputColumn,
    rows: &RecordBatch,
    hash_key: &[u8; 32],
) -> Result<EncodedColumn, EncodeError> {
    let party = || input.party.to_string();
    let wrong =
        |found: String| EncodeError::Type { party: party(), column: column.name.clone(), found };
    let array = rows.columns().get(column.source as usize);
    let array = array.ok_or_else(|| wrong("none".into()))?;
    encoded(array, &column.encoding, hash_key).map_err(|why| match why {
        Why::Type => wrong(array.data_type().to_string()),
        Why::Outside(promise) => {
            EncodeError::Outside { party: party(), column: column.name.clone(), promise }
        }
    })
}

/// The id of each row's key under a salt; none where a part of it is NULL.
///
/// # Errors
/// [`EncodeError::Type`] if a column can be no key.
pub fn key_ids_of(
    input: &LocalInput,
    rows: &RecordBatch,
    salt: &[u8; 32],
) -> Result<Vec<Option<u128>>, EncodeError> {
    input.key.as_ref().map_or_else(|| Ok(Vec::new()), |key| ids(input, key, rows, salt))
}

/// The id of each row's key.
fn ids(
    input: &LocalInput,
    key: &SetKey,
    rows: &RecordBatch,
    salt: &[u8; 32],
) -> Result<Vec<Option<u128>>, EncodeError> {
    let source = |at: &u32| rows.columns().get(*at as usize);
    let columns: Option<Vec<&ArrayRef>> = key.sources.iter().map(source).collect();
    let ids = columns.and_then(|columns| {
        if !key.as_written {
            return key_ids(&columns, key.text, salt);
        }
        let written: Vec<ArrayRef> = columns.into_iter().map(as_written).collect();
        key_ids(&written.iter().collect::<Vec<_>>(), key.text, salt)
    });
    ids.ok_or_else(|| EncodeError::Type {
        party: input.party.to_string(),
        column: input.datasets.join(", "),
        found: "of no key".into(),
    })
}

/// An id that no key has: of a row without one, in the set whose such rows stay.
fn unmatched(salt: &[u8; 32], row: u64) -> u128 {
    let key = blake3::derive_key("unseen.psi-absent/v1", salt);
    let mut id = [0; 16];
    blake3::Hasher::new_keyed(&key).update(&row.to_le_bytes()).finalize_xof().fill(&mut id);
    u128::from_le_bytes(id)
}

/// The id of a row without a key, in a set whose such rows stay; none in others.
#[must_use]
pub fn absent_id(input: &LocalInput, hash_key: &[u8; 32], row: u64) -> Option<u128> {
    let stays = input.key.as_ref().is_some_and(|key| key.keep_absent);
    stays.then(|| unmatched(hash_key, row))
}

/// The rows that stand for their key: the first of each, and where they stay those without one.
fn first_of_each(ids: &[Option<u128>], keep_absent: bool) -> Vec<usize> {
    let mut seen = HashSet::with_capacity(ids.len());
    let stands = |id: Option<u128>| id.map_or(keep_absent, |id| seen.insert(id));
    ids.iter().copied().map(stands).enumerate().filter_map(|(i, yes)| yes.then_some(i)).collect()
}

/// What is shared of the keys; nothing for the encoding of a column.
fn of_key(ids: &[Option<u128>], encoding: &Encoding) -> Option<EncodedColumn> {
    let of = |id: Option<u128>| match (encoding, id) {
        (_, None) => 0,
        (Encoding::KeyId { from, width }, Some(id)) => {
            #[expect(clippy::cast_possible_truncation, reason = "the 64 bits from there on")]
            let word = (id >> from) as u64;
            if *width >= 64 { word } else { word & ((1 << width) - 1) }
        }
        (_, Some(_)) => 1,
    };
    let width = match encoding {
        Encoding::KeyId { width, .. } => *width,
        Encoding::KeyPresent => 1,
        _ => return None,
    };
    Some(EncodedColumn::Bits { width, rows: ids.iter().copied().map(of).collect() })
}

/// The column's rows in this order, then zeros up to the bound.
fn placed(column: EncodedColumn, order: &[usize], bound: usize) -> EncodedColumn {
    fn moved<T: Copy + Default>(words: &[T], order: &[usize], bound: usize) -> Vec<T> {
        let mut rows: Vec<T> = order.iter().map(|i| words[*i]).collect();
        rows.resize(bound, T::default());
        rows
    }
    match column {
        EncodedColumn::Bits { width, rows } => {
            EncodedColumn::Bits { width, rows: moved(&rows, order, bound) }
        }
        EncodedColumn::WideBits { width, rows } => {
            EncodedColumn::WideBits { width, rows: moved(&rows, order, bound) }
        }
        EncodedColumn::Words(rows) => EncodedColumn::Words(moved(&rows, order, bound)),
        EncodedColumn::Wide(rows) => EncodedColumn::Wide(moved(&rows, order, bound)),
    }
}

/// The rows in the order they are shared in.
fn order(input: &LocalInput, columns: &[EncodedColumn], mut order: Vec<usize>) -> Vec<usize> {
    let by: Vec<&EncodedColumn> =
        input.sorted_by.iter().filter_map(|c| columns.get(*c as usize)).collect();
    if !by.is_empty() {
        let key = |i: usize| by.iter().map(move |c| bits_of(c, i));
        order.sort_by(|a, b| key(*a).cmp(key(*b)));
    }
    order
}

fn bits_of(column: &EncodedColumn, row: usize) -> u128 {
    match column {
        EncodedColumn::Bits { rows, .. } | EncodedColumn::Words(rows) => rows[row].into(),
        EncodedColumn::WideBits { rows, .. } | EncodedColumn::Wide(rows) => rows[row],
    }
}

enum Why {
    Type,
    Outside(&'static str),
}

/// The column in the table's order.
fn encoded(array: &ArrayRef, encoding: &Encoding, key: &[u8; 32]) -> Result<EncodedColumn, Why> {
    let width = encoding.width();
    let wide = |min: i128, max: i128, from: i128| {
        let Some(ColumnValues::Integers(all)) = column_values(array) else {
            return Err(Why::Type);
        };
        each(all, |v| within(v, min, max).map(|v| v.wrapping_sub(from).cast_unsigned()))
    };
    Ok(match encoding {
        Encoding::Wide { min, max } => EncodedColumn::Wide(wide(*min, *max, 0)?),
        Encoding::Offset { min, max, .. } if width > 64 => {
            EncodedColumn::WideBits { width, rows: wide(*min, *max, *min)? }
        }
        Encoding::Word { .. } | Encoding::Unit { .. } => {
            EncodedColumn::Words(words(array, encoding, key)?)
        }
        _ => EncodedColumn::Bits { width, rows: words(array, encoding, key)? },
    })
}

fn within(v: i128, min: i128, max: i128) -> Result<i128, Why> {
    (min..=max).contains(&v).then_some(v).ok_or(Why::Outside("range"))
}

/// A value within these bounds, brought to −1 to 1, with this many fraction bits; 0 if there is but one value.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "rounded to few bits"
)]
fn unit(value: i128, (min, max): (i128, i128), frac: u16) -> u64 {
    let (value, low, high) = (value as f64, min as f64, max as f64);
    let place = if high > low { (2.0 * (value - low)) / (high - low) - 1.0 } else { 0.0 };
    ((place * f64::from(frac).exp2()).round_ties_even() as i64).cast_unsigned()
}

/// The low 64 bits: values within the bounds of an encoding of as many have no others that say anything.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "see above")]
fn low(v: i128) -> u64 {
    v as u64
}

/// One word of 64 bits for each value.
fn words(array: &ArrayRef, encoding: &Encoding, key: &[u8; 32]) -> Result<Vec<u64>, Why> {
    if *encoding == Encoding::Present {
        return Ok((0..array.len()).map(|i| u64::from(array.is_valid(i))).collect());
    }
    let values = column_values(array).ok_or(Why::Type)?;
    match (encoding, values) {
        (Encoding::Offset { min, max, .. }, ColumnValues::Integers(all)) => {
            each(all, |v| within(v, *min, *max).map(|v| low(v.wrapping_sub(*min))))
        }
        (Encoding::Word { min, max }, ColumnValues::Integers(all)) => {
            each(all, |v| within(v, *min, *max).map(low))
        }
        (Encoding::Unit { min, max, frac }, ColumnValues::Integers(all)) => {
            each(all, |v| within(v, *min, *max).map(|v| unit(v, (*min, *max), *frac)))
        }
        (Encoding::Flag, ColumnValues::Integers(all)) => each(all, |v| within(v, 0, 1).map(low)),
        (Encoding::Code { domain, .. }, ColumnValues::Texts(all)) => each(all, |text| {
            let index = domain.binary_search(&text).map_err(|_| Why::Outside("domain"))?;
            Ok(index as u64)
        }),
        (Encoding::KeyedHash { from, width }, ColumnValues::Texts(all)) => {
            each(all, |text| Ok(hashed(key, text.as_bytes(), *from, *width)))
        }
        (Encoding::KeyedHash { from, width }, ColumnValues::Integers(all)) => {
            each(all, |v| Ok(hashed(key, &v.to_le_bytes(), *from, *width)))
        }
        _ => Err(Why::Type),
    }
}

fn each<T, W: Default>(
    all: Vec<Option<T>>,
    mut one: impl FnMut(T) -> Result<W, Why>,
) -> Result<Vec<W>, Why> {
    all.into_iter().map(|v| v.map_or_else(|| Ok(W::default()), &mut one)).collect()
}

/// `width` bits from bit `from` (a multiple of 64) on of BLAKE3 under the run's key.
fn hashed(key: &[u8; 32], value: &[u8], from: u16, width: u16) -> u64 {
    let mut bytes = [0; 8];
    let mut reader = blake3::Hasher::new_keyed(key).update(value).finalize_xof();
    reader.set_position(u64::from(from / 8));
    reader.fill(&mut bytes);
    let word = u64::from_le_bytes(bytes);
    if width >= 64 { word } else { word & ((1 << width) - 1) }
}
