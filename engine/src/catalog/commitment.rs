//! A salted hash of a table's rows, given before a run, so that the rows cannot be chosen afterwards.

use datafusion::arrow::{array::RecordBatch, datatypes::DataType};

use super::promises::{ColumnValues, column_values};
use crate::identity::Hash32;

/// BLAKE3 of the domain tag, the salt, and the rows column by column: name, number of rows, and for each value one byte that says
/// whether it is there and then eight bytes little-endian (sixteen in decimals of more than 18 digits), or for text its length
/// in eight and its UTF-8 bytes. None if a column has a type that is not shared.
pub(super) fn commit(table: &RecordBatch, name: &str, salt: &[u8; 32]) -> Option<Hash32> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"unseen.input/v1\0");
    hasher.update(salt);
    text(&mut hasher, name);
    hasher.update(&(table.num_columns() as u64).to_le_bytes());
    hasher.update(&(table.num_rows() as u64).to_le_bytes());
    for (field, array) in table.schema().fields().iter().zip(table.columns()) {
        text(&mut hasher, field.name());
        text(&mut hasher, &field.data_type().to_string());
        match column_values(array)? {
            ColumnValues::Integers(all) => {
                let wide = matches!(array.data_type(), DataType::Decimal128(19.., _));
                let bytes = if wide { 16 } else { 8 };
                for value in all {
                    hasher.update(&[u8::from(value.is_some())]);
                    hasher.update(&value.unwrap_or(0).to_le_bytes()[..bytes]);
                }
            }
            ColumnValues::Texts(all) => {
                for value in all {
                    hasher.update(&[u8::from(value.is_some())]);
                    text(&mut hasher, &value.unwrap_or_default());
                }
            }
        }
    }
    Some(Hash32(*hasher.finalize().as_bytes()))
}

fn text(hasher: &mut blake3::Hasher, text: &str) {
    hasher.update(&(text.len() as u64).to_le_bytes());
    hasher.update(text.as_bytes());
}
