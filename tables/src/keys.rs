//! The keys of a table: one or several columns to one run of bytes a row.

use arrow_array::RecordBatch;
use arrow_schema::Schema;

use super::{
    broken::TableError,
    canonical::{Cells, kind_of},
    normal::Normal,
};

/// Most columns of a key.
const MAX_COLUMNS: usize = 16;

/// What a key column holds. Keys of different kinds are never equal, so both sides must have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum KeyKind {
    /// Text, in the column's normal form.
    Text = 1,
    /// Integers and decimals, by value.
    Number = 2,
    /// Truth values.
    Bool = 3,
    /// Days.
    Date = 4,
    /// Points in time, whatever their unit.
    Time = 5,
}

/// One column of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyColumn {
    /// Its name in the table.
    pub name: String,
    /// The form of its texts; nothing else is changed by it.
    pub normal: Normal,
}

/// Canonical keys of rows, back to back.
#[derive(Clone, Default)]
pub struct Keys {
    bytes: Vec<u8>,
    /// Where each key ends.
    ends: Vec<usize>,
    /// The row each key is of.
    rows: Vec<u64>,
    nulls: u64,
}

impl Keys {
    /// How many keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Rows without a key: NULL, or text with nothing in it, in one of the columns. They match nothing.
    #[must_use]
    pub fn nulls(&self) -> u64 {
        self.nulls
    }

    /// The rows the keys are of, in order, counted from 0.
    #[must_use]
    pub fn rows(&self) -> &[u64] {
        &self.rows
    }

    /// The keys, in the order of [`Keys::rows`].
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| &self.bytes[start..end])
    }

    /// Forgets the keys and keeps the memory; rows without a key stay counted.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.rows.clear();
    }
}

/// Keys are a provider's data: they do not print.
impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keys({})", self.len())
    }
}

/// Makes keys of the rows of one table.
#[derive(Clone, Debug)]
pub struct KeyEncoder {
    columns: Vec<KeyColumn>,
    kinds: Vec<KeyKind>,
}

impl KeyEncoder {
    /// The encoder of a table with this schema.
    ///
    /// # Errors
    /// A column that is missing or of a type that cannot be a key (floating-point numbers are none), or a number of columns
    /// that is not 1 to 16.
    pub fn new(columns: Vec<KeyColumn>, schema: &Schema) -> Result<Self, TableError> {
        let wrong =
            |column: &str, what: String| TableError::Column { column: column.to_owned(), what };
        if columns.is_empty() || columns.len() > MAX_COLUMNS {
            return Err(wrong("", format!("a key has 1 to {MAX_COLUMNS} columns")));
        }
        let kind = |column: &KeyColumn| {
            let field = schema.field_with_name(&column.name).map_err(|_| {
                let names: Vec<_> = schema.fields().iter().map(|f| f.name().as_str()).collect();
                wrong(&column.name, format!("there is none; there are: {}", names.join(", ")))
            })?;
            kind_of(field.data_type()).ok_or_else(|| {
                wrong(&column.name, format!("type {} cannot be a key", field.data_type()))
            })
        };
        let kinds = columns.iter().map(kind).collect::<Result<_, _>>()?;
        Ok(Self { columns, kinds })
    }

    /// What the columns hold, in order. Both sides of an intersection compare theirs.
    #[must_use]
    pub fn kinds(&self) -> &[KeyKind] {
        &self.kinds
    }

    /// The names of the columns, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }

    /// Appends the keys of a batch whose first row has the number `first`.
    ///
    /// Each key is the number of its columns, then for each its kind, its length and its canonical bytes, so that no two
    /// different keys have the same bytes.
    ///
    /// # Errors
    /// A column that is missing, or has values that do not fit their own type.
    pub fn push(&self, batch: &RecordBatch, first: u64, keys: &mut Keys) -> Result<(), TableError> {
        let cells = self.columns.iter().map(|column| {
            let found = batch.column_by_name(&column.name);
            let cells = found.and_then(|array| Cells::of(array, column.normal));
            cells.ok_or_else(|| TableError::Column {
                column: column.name.clone(),
                what: "is missing, or has values that are no key".to_owned(),
            })
        });
        let cells = cells.collect::<Result<Vec<_>, _>>()?;
        let count = u8::try_from(cells.len()).unwrap_or(u8::MAX);
        for (row, number) in (0..batch.num_rows()).zip(first..) {
            let start = keys.bytes.len();
            keys.bytes.push(count);
            if cells.iter().all(|cells| cells.put(row, &mut keys.bytes)) {
                keys.ends.push(keys.bytes.len());
                keys.rows.push(number);
            } else {
                keys.bytes.truncate(start);
                keys.nulls += 1;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{
        ArrayRef, Date32Array, Decimal128Array, Float64Array, Int8Array, Int64Array, StringArray,
        TimestampMillisecondArray, TimestampSecondArray, UInt64Array,
    };
    use proptest::prelude::*;

    use super::*;

    fn keys_of(columns: Vec<ArrayRef>, normal: Normal) -> Keys {
        let names: Vec<String> = (0..columns.len()).map(|i| format!("k{i}")).collect();
        let batch = RecordBatch::try_from_iter_with_nullable(
            names.iter().zip(columns).map(|(n, c)| (n, c, true)),
        )
        .unwrap();
        let columns = names.into_iter().map(|name| KeyColumn { name, normal }).collect();
        let encoder = KeyEncoder::new(columns, &batch.schema()).unwrap();
        let mut keys = Keys::default();
        encoder.push(&batch, 10, &mut keys).unwrap();
        keys
    }

    fn list(keys: &Keys) -> Vec<Vec<u8>> {
        keys.iter().map(<[u8]>::to_vec).collect()
    }

    #[test]
    fn a_number_is_one_key_in_every_type_that_can_hold_it() {
        let seven: [ArrayRef; 4] = [
            Arc::new(Int8Array::from(vec![7])),
            Arc::new(Int64Array::from(vec![7])),
            Arc::new(UInt64Array::from(vec![7])),
            Arc::new(Decimal128Array::from(vec![700]).with_precision_and_scale(10, 2).unwrap()),
        ];
        let keys = seven.map(|column| list(&keys_of(vec![column], Normal::EXACT)));
        assert!(keys.iter().all(|key| *key == keys[0]));
        let text: ArrayRef = Arc::new(StringArray::from(vec!["7"]));
        assert_ne!(list(&keys_of(vec![text], Normal::EXACT)), keys[0], "a text is no number");
        let seventy: ArrayRef = Arc::new(Int64Array::from(vec![70]));
        assert_ne!(list(&keys_of(vec![seventy], Normal::EXACT)), keys[0]);
    }

    #[test]
    fn a_point_in_time_is_one_key_in_every_unit_and_no_date() {
        let seconds: ArrayRef = Arc::new(TimestampSecondArray::from(vec![86_400]));
        let millis: ArrayRef = Arc::new(TimestampMillisecondArray::from(vec![86_400_000]));
        let date: ArrayRef = Arc::new(Date32Array::from(vec![1]));
        let [seconds, millis, date] =
            [seconds, millis, date].map(|column| list(&keys_of(vec![column], Normal::EXACT)));
        assert_eq!(seconds, millis);
        assert_ne!(seconds, date);
    }

    #[test]
    fn rows_without_a_key_are_counted_and_left_out() {
        let name: ArrayRef =
            Arc::new(StringArray::from(vec![Some("a"), None, Some("  "), Some("b")]));
        let code: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), Some(2), Some(3), None]));
        let keys = keys_of(vec![name, code], Normal::LOOSE);
        assert_eq!((keys.rows(), keys.nulls()), (&[10][..], 3));
        assert_eq!(format!("{keys:?}"), "Keys(1)");
    }

    #[test]
    fn no_two_keys_of_several_columns_run_together() {
        let text = |a: &str| Arc::new(StringArray::from(vec![a.to_owned()])) as ArrayRef;
        let one = keys_of(vec![text("ab"), text("c")], Normal::EXACT);
        let two = keys_of(vec![text("a"), text("bc")], Normal::EXACT);
        assert_ne!(list(&one), list(&two));
    }

    #[test]
    fn floating_point_numbers_and_missing_columns_are_no_keys() {
        let batch = RecordBatch::try_from_iter([(
            "x",
            Arc::new(Float64Array::from(vec![1.0])) as ArrayRef,
        )])
        .unwrap();
        let column = |name: &str| vec![KeyColumn { name: name.to_owned(), normal: Normal::EXACT }];
        let error = KeyEncoder::new(column("x"), &batch.schema()).unwrap_err().to_string();
        assert_eq!(error, "column `x`: type Float64 cannot be a key");
        let error = KeyEncoder::new(column("y"), &batch.schema()).unwrap_err().to_string();
        assert_eq!(error, "column `y`: there is none; there are: x");
        assert!(KeyEncoder::new(vec![], &batch.schema()).is_err());
    }

    proptest! {
        #[test]
        fn keys_are_equal_exactly_where_their_cells_are(
            a in ("[a-c]{0,3}", -3_i64..3), b in ("[a-c]{0,3}", -3_i64..3),
        ) {
            let keys = |(text, number): &(String, i64)| {
                let text: ArrayRef = Arc::new(StringArray::from(vec![format!("x{text}")]));
                list(&keys_of(vec![text, Arc::new(Int64Array::from(vec![*number]))], Normal::EXACT))
            };
            prop_assert_eq!(keys(&a) == keys(&b), a == b);
        }
    }
}
