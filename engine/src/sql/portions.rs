//! What enters a circuit of a set that is read batch by batch: an id for each row, and a word of each column that comes along.

use datafusion::arrow::array::RecordBatch;

use super::encode::{EncodeError, column_of, key_ids_of};
use crate::plan::{EncodedColumn, LocalInput};

/// Rows of one batch.
pub struct PortionRows {
    /// The id of each row's key; none where a part of it is NULL.
    pub ids: Vec<Option<u128>>,
    /// The columns that come along, in the order asked for.
    pub columns: Vec<Vec<u64>>,
}

/// Encodes a batch of a local sub-plan's result: the ids under the run's key, and these columns of the input.
///
/// # Errors
/// [`EncodeError`], for the provider alone.
pub fn portion_rows(
    input: &LocalInput,
    columns: &[u32],
    batch: &RecordBatch,
    hash_key: &[u8; 32],
) -> Result<PortionRows, EncodeError> {
    let column = |number: &u32| {
        let wrong = |found: &str| EncodeError::Type {
            party: input.party.to_string(),
            column: input.datasets.join(", "),
            found: found.to_owned(),
        };
        let column = input.columns.get(*number as usize).ok_or_else(|| wrong("none"))?;
        match column_of(input, column, batch, hash_key)? {
            EncodedColumn::Bits { rows, .. } | EncodedColumn::Words(rows) => Ok(rows),
            EncodedColumn::WideBits { .. } | EncodedColumn::Wide(_) => Err(wrong("of 128 bits")),
        }
    };
    let columns = columns.iter().map(column).collect::<Result<_, _>>()?;
    Ok(PortionRows { ids: key_ids_of(input, batch, hash_key)?, columns })
}

/// Rows do not print.
impl std::fmt::Debug for PortionRows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PortionRows({} rows, {} columns)", self.ids.len(), self.columns.len())
    }
}
