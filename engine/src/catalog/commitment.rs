//! A salted hash of a table's rows, given before a run, so that the rows cannot be chosen afterwards.
//!
//! A table is hashed column by column, as its batches pass: once when it is opened, and again over whatever a job reads of it.

use super::{
    descriptor::{ColumnType, DatasetDescriptor},
    promises::Values,
};
use crate::identity::Hash32;

/// The hash of one column's values, in the order of their rows.
///
/// # Security
/// It has no salt: whoever knows it can test guesses. It stays with its owner.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct ColumnHash([u8; 32]);

/// A column that is being hashed: BLAKE3 of a domain tag, and for each value one byte that says whether it is there and then
/// eight bytes little-endian (sixteen in decimals of more than 18 digits), or for text its length in eight and its UTF-8 bytes.
pub(super) struct ColumnHasher {
    inner: blake3::Hasher,
    wide: bool,
    buffer: Vec<u8>,
}

impl ColumnHasher {
    pub(super) fn new(ty: ColumnType) -> Self {
        let mut inner = blake3::Hasher::new();
        inner.update(b"unseen.column/v1\0");
        let wide = matches!(ty, ColumnType::Decimal { precision: 19.., .. });
        Self { inner, wide, buffer: Vec::new() }
    }

    pub(super) fn push(&mut self, values: &Values<'_>) {
        self.buffer.clear();
        match values {
            Values::Integers(all) => {
                let bytes = if self.wide { 16 } else { 8 };
                for value in all {
                    self.buffer.push(value.is_some().into());
                    self.buffer.extend_from_slice(&value.unwrap_or(0).to_le_bytes()[..bytes]);
                }
            }
            Values::Texts(all) => {
                for value in all.iter() {
                    let text = value.unwrap_or_default();
                    self.buffer.push(value.is_some().into());
                    self.buffer.extend_from_slice(&(text.len() as u64).to_le_bytes());
                    self.buffer.extend_from_slice(text.as_bytes());
                }
            }
        }
        self.inner.update(&self.buffer);
    }

    pub(super) fn finish(&self) -> ColumnHash {
        ColumnHash(*self.inner.finalize().as_bytes())
    }
}

/// BLAKE3 of the domain tag, the salt, the table's name, its numbers of columns and of rows, and for each column its name, its
/// type and its hash.
pub(super) fn commit(
    table: &DatasetDescriptor,
    rows: u64,
    columns: &[ColumnHash],
    salt: &[u8; 32],
) -> Hash32 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"unseen.input/v2\0");
    hasher.update(salt);
    text(&mut hasher, &table.table());
    hasher.update(&(columns.len() as u64).to_le_bytes());
    hasher.update(&rows.to_le_bytes());
    for (spec, column) in table.columns.iter().zip(columns) {
        text(&mut hasher, &spec.name);
        text(&mut hasher, &spec.ty.arrow().to_string());
        hasher.update(&column.0);
    }
    Hash32(*hasher.finalize().as_bytes())
}

fn text(hasher: &mut blake3::Hasher, text: &str) {
    hasher.update(&(text.len() as u64).to_le_bytes());
    hasher.update(text.as_bytes());
}
