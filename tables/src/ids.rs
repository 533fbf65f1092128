//! From the keys of a table to ids that are found again by range, a batch at a time.

use super::{
    broken::TableError,
    file::TableFile,
    keys::{KeyEncoder, Keys},
    spill::Spill,
};

/// Puts the id of every row that has a key into a spill, with the row's number; gives how many rows the table has.
///
/// `ids` makes the ids of canonical bytes, in order.
///
/// # Errors
/// If the table cannot be read, or the spill written.
pub fn spill_ids(
    table: &TableFile,
    encoder: &KeyEncoder,
    mut ids: impl FnMut(&Keys) -> Vec<u128>,
    spill: &mut Spill,
) -> Result<u64, TableError> {
    let names: Vec<&str> = encoder.names().collect();
    let (mut keys, mut rows) = (Keys::default(), 0);
    for batch in table.batches(&names)? {
        let batch = batch?;
        keys.clear();
        encoder.push(&batch, rows, &mut keys)?;
        rows += batch.num_rows() as u64;
        for (id, row) in ids(&keys).into_iter().zip(keys.rows()) {
            spill.push(id, *row)?;
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{KeyColumn, Normal};

    #[test]
    fn rows_without_a_key_are_counted_and_have_no_id() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.csv");
        let lines: String = (0..40_000).map(|i| format!("{},k{i}\n", i % 7)).collect();
        std::fs::write(&path, format!("x,id\n{lines}1,\n2,k0\n")).unwrap();
        let table = TableFile::open(&path).unwrap();
        let column = KeyColumn { name: "id".into(), normal: Normal::EXACT };
        let encoder = KeyEncoder::new(vec![column], table.schema()).unwrap();
        let mut spill = Spill::new(dir.path(), 0);
        let one = |key: &[u8]| key.iter().fold(7, |id: u128, b| id * 257 + u128::from(*b)) << 64;
        let ids = |keys: &Keys| keys.iter().map(one).collect();
        assert_eq!(spill_ids(&table, &encoder, ids, &mut spill).unwrap(), 40_002);
        assert_eq!(spill.len(), 40_001);
        let mut pairs = Vec::new();
        spill.between(0, u128::MAX, &mut pairs).unwrap();
        let first = pairs.iter().find(|(_, row)| *row == 0).unwrap().0;
        let mut same: Vec<u64> =
            pairs.iter().filter(|(id, _)| *id == first).map(|(_, row)| *row).collect();
        same.sort_unstable();
        assert_eq!(same, [0, 40_001]);
    }
}
