//! The rows that an intersection left, written as Parquet in a second pass over the file they came from.

use std::{fs::File, path::Path, sync::Arc};

use arrow_array::{ArrayRef, BooleanArray, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use arrow_select::filter::filter_record_batch;
use parquet::{
    arrow::ArrowWriter, basic::Compression, errors::ParquetError,
    file::properties::WriterProperties,
};

use super::{broken::TableError, file::TableFile};

/// The column that tells matched rows from others where all are kept.
const MATCHED: &str = "matched";

/// Which rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Those that matched.
    Matched,
    /// Those that did not, rows without a key among them.
    Unmatched,
    /// All, with a column `matched` of truth values.
    All,
}

/// Writes rows of `source` to a Parquet file at `out`: of the columns named, in the order of the file; returns how many.
/// `matched` has a bit for each row of the source, lowest first; rows beyond it did not match.
///
/// # Errors
/// If the source cannot be read again, lacks a column, or the file cannot be written; what was written by then is removed.
pub fn keep_rows(
    source: &TableFile,
    columns: &[&str],
    matched: &[u64],
    keep: Keep,
    out: &Path,
) -> Result<u64, TableError> {
    let io = |error| TableError::Io { file: out.display().to_string(), source: error };
    let file = File::create(out).map_err(io)?;
    let written = write(source, columns, matched, keep, file, out);
    if written.is_err() {
        // The error that is returned says why; a file that cannot be removed either adds nothing to it.
        let _ = std::fs::remove_file(out);
    }
    written
}

fn write(
    source: &TableFile,
    columns: &[&str],
    matched: &[u64],
    keep: Keep,
    file: File,
    out: &Path,
) -> Result<u64, TableError> {
    let failed = |error: ParquetError| TableError::File {
        file: out.display().to_string(),
        what: match error {
            ParquetError::External(source) => format!("cannot be written: {source}"),
            _ => "cannot be written as Parquet".to_owned(),
        },
    };
    let schema = schema(source, columns, keep);
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut writer =
        ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties)).map_err(failed)?;
    let (mut first, mut rows) = (0, 0);
    for batch in source.batches(columns)? {
        let batch = batch?;
        let bits = bits(matched, first, batch.num_rows());
        first += batch.num_rows();
        let kept = kept(&batch, &bits, keep, &schema).map_err(|error| failed(error.into()))?;
        rows += kept.num_rows() as u64;
        writer.write(&kept).map_err(failed)?;
    }
    writer.close().map_err(failed)?;
    Ok(rows)
}

fn schema(source: &TableFile, columns: &[&str], keep: Keep) -> SchemaRef {
    let chosen = source.schema().fields().iter().filter(|f| columns.contains(&f.name().as_str()));
    let mut fields: Vec<Arc<Field>> = chosen.cloned().collect();
    if keep == Keep::All {
        fields.push(Arc::new(Field::new(MATCHED, DataType::Boolean, false)));
    }
    Arc::new(Schema::new(fields))
}

fn bits(matched: &[u64], first: usize, rows: usize) -> BooleanArray {
    let bit = |row: usize| matched.get(row / 64).is_some_and(|word| word >> (row % 64) & 1 == 1);
    (first..first + rows).map(|row| Some(bit(row))).collect()
}

fn kept(
    batch: &RecordBatch,
    bits: &BooleanArray,
    keep: Keep,
    schema: &SchemaRef,
) -> Result<RecordBatch, arrow_schema::ArrowError> {
    match keep {
        Keep::Matched => filter_record_batch(batch, bits),
        Keep::Unmatched => {
            filter_record_batch(batch, &bits.iter().map(|bit| bit.map(|bit| !bit)).collect())
        }
        Keep::All => {
            let mut columns = batch.columns().to_vec();
            columns.push(Arc::new(bits.clone()) as ArrayRef);
            RecordBatch::try_new(Arc::clone(schema), columns)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use arrow_array::cast::AsArray as _;

    use super::*;

    fn source(rows: usize) -> (tempfile::TempDir, PathBuf, TableFile) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("in.csv");
        let lines: String = (0..rows).map(|i| format!("k{i},{i}\n")).collect();
        std::fs::write(&path, format!("id,x\n{lines}")).unwrap();
        let file = TableFile::open(&path).unwrap();
        (dir, path, file)
    }

    fn column(path: &Path, name: &str) -> Vec<String> {
        let file = TableFile::open(path).unwrap();
        let batches = file.batches(&[name]).unwrap();
        batches
            .flat_map(|batch| {
                let batch = batch.unwrap();
                let cells = batch.column(0).as_string::<i32>();
                cells.iter().map(|cell| cell.unwrap().to_owned()).collect::<Vec<_>>()
            })
            .collect()
    }

    #[test]
    fn rows_are_kept_by_their_bits_in_their_order() {
        for rows in [0_usize, 1, 64, 65, 20_000] {
            let (dir, _, file) = source(rows);
            let out = dir.path().join("out.parquet");
            let mut matched = vec![0_u64; rows.div_ceil(64)];
            for row in (0..rows).step_by(3) {
                matched[row / 64] |= 1 << (row % 64);
            }
            let third = rows.div_ceil(3);
            assert_eq!(
                keep_rows(&file, &["id"], &matched, Keep::Matched, &out).unwrap(),
                third as u64
            );
            let want: Vec<_> = (0..rows).step_by(3).map(|i| format!("k{i}")).collect();
            assert_eq!(column(&out, "id"), want);
            let rest = keep_rows(&file, &["x", "id"], &matched, Keep::Unmatched, &out).unwrap();
            assert_eq!(rest, (rows - third) as u64);
            assert_eq!(keep_rows(&file, &["x"], &matched, Keep::All, &out).unwrap(), rows as u64);
            let marked = TableFile::open(&out).unwrap();
            let bits = marked.batches(&[MATCHED]).unwrap();
            let set: usize =
                bits.map(|batch| batch.unwrap().column(0).as_boolean().true_count()).sum();
            assert_eq!(set, third);
        }
    }

    #[test]
    fn a_file_that_cannot_be_written_is_told_and_nothing_is_left_of_it() {
        let (dir, path, file) = source(3);
        let nowhere = dir.path().join("no/such/folder/out.parquet");
        assert!(keep_rows(&file, &["id"], &[7], Keep::Matched, &nowhere).is_err());
        std::fs::write(&path, "id,x\n1,2\n3\n").unwrap();
        let out = dir.path().join("out.parquet");
        assert!(keep_rows(&file, &["id"], &[7], Keep::Matched, &out).is_err());
        assert!(!out.exists());
    }
}
