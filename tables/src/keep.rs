//! The rows that an intersection left, written as Parquet in a second pass over the file they came from.

use std::{path::Path, sync::Arc};

use arrow_array::{ArrayRef, BooleanArray, RecordBatch, UInt64Array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use arrow_select::filter::filter_record_batch;

use super::{
    broken::{TableError, complaint},
    file::TableFile,
    write::TableWriter,
};

/// The column that tells matched rows from others where all are kept.
const MATCHED: &str = "matched";
/// The column of row numbers, where they are asked for.
const ROW: &str = "row";

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

/// What is written of a table.
#[derive(Clone, Copy, Debug)]
pub struct Kept<'a> {
    /// The columns, in this order: their names there, and what they are called in the result.
    pub columns: &'a [(&'a str, &'a str)],
    /// Whether a first column `row` has the row's number in the table, counted from 0.
    pub numbered: bool,
    /// A bit for each row of the table, lowest first: whether it matched. Rows beyond it did not.
    pub matched: &'a [u64],
    /// Which rows.
    pub keep: Keep,
}

/// Writes rows of `source` to a Parquet file at `out`, in the order of the table; returns how many.
///
/// # Errors
/// If the source cannot be read again, lacks a column, or the file cannot be written; what was written by then is removed.
pub fn keep_rows(source: &TableFile, kept: &Kept<'_>, out: &Path) -> Result<u64, TableError> {
    let writer = TableWriter::create(out, kept.schema(source)?)?;
    let written = kept.write(source, writer);
    if written.is_err() {
        // The error that is returned says why; a file that cannot be removed either adds nothing to it.
        let _ = std::fs::remove_file(out);
    }
    written
}

impl Kept<'_> {
    fn write(&self, source: &TableFile, mut writer: TableWriter) -> Result<u64, TableError> {
        let schema = self.schema(source)?;
        let names: Vec<&str> = self.columns.iter().map(|(name, _)| *name).collect();
        let mut first = 0;
        for batch in source.batches(&names)? {
            let batch = batch?;
            let unfit = |error| TableError::File { file: source.name(), what: complaint(&error) };
            writer.push(&self.cut(&batch, first, &schema).map_err(unfit)?)?;
            first += batch.num_rows();
        }
        writer.finish()
    }

    fn schema(&self, source: &TableFile) -> Result<SchemaRef, TableError> {
        let mut fields = Vec::with_capacity(self.columns.len() + 2);
        if self.numbered {
            fields.push(Field::new(ROW, DataType::UInt64, false));
        }
        for (name, called) in self.columns {
            fields.push(source.field(name)?.clone().with_name(*called));
        }
        if self.keep == Keep::All {
            fields.push(Field::new(MATCHED, DataType::Boolean, false));
        }
        Ok(Arc::new(Schema::new(fields)))
    }

    /// What is kept of a batch whose first row has this number.
    fn cut(
        &self,
        batch: &RecordBatch,
        first: usize,
        schema: &SchemaRef,
    ) -> Result<RecordBatch, arrow_schema::ArrowError> {
        let rows = first..first + batch.num_rows();
        let bits: BooleanArray = rows.clone().map(|row| Some(self.bit(row))).collect();
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
        if self.numbered {
            columns.push(Arc::new(UInt64Array::from_iter_values(rows.map(|row| row as u64))));
        }
        for (name, _) in self.columns {
            columns.push(Arc::clone(batch.column(batch.schema().index_of(name)?)));
        }
        if self.keep == Keep::All {
            columns.push(Arc::new(bits.clone()));
        }
        let all = RecordBatch::try_new(Arc::clone(schema), columns)?;
        match self.keep {
            Keep::Matched => filter_record_batch(&all, &bits),
            Keep::Unmatched => {
                filter_record_batch(&all, &bits.iter().map(|bit| bit.map(|bit| !bit)).collect())
            }
            Keep::All => Ok(all),
        }
    }

    fn bit(&self, row: usize) -> bool {
        self.matched.get(row / 64).is_some_and(|word| word >> (row % 64) & 1 == 1)
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
            let write = |columns: &[(&str, &str)], numbered, keep| {
                let kept = Kept { columns, numbered, matched: &matched, keep };
                keep_rows(&file, &kept, &out).unwrap()
            };
            assert_eq!(write(&[("id", "id")], false, Keep::Matched), third as u64);
            let want: Vec<_> = (0..rows).step_by(3).map(|i| format!("k{i}")).collect();
            assert_eq!(column(&out, "id"), want);
            let rest = write(&[("x", "y"), ("id", "key")], true, Keep::Unmatched);
            assert_eq!(rest, (rows - third) as u64);
            let names = TableFile::open(&out).unwrap();
            let names: Vec<_> = names.schema().fields().iter().map(|f| f.name().clone()).collect();
            assert_eq!(names, ["row", "y", "key"]);
            assert!(column(&out, "key").iter().all(|key| !want.contains(key)));
            assert_eq!(write(&[("x", "x")], false, Keep::All), rows as u64);
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
        let kept =
            Kept { columns: &[("id", "id")], numbered: true, matched: &[7], keep: Keep::Matched };
        assert!(keep_rows(&file, &kept, &nowhere).is_err());
        assert!(keep_rows(&file, &Kept { columns: &[("zip", "id")], ..kept }, &nowhere).is_err());
        std::fs::write(&path, "id,x\n1,2\n3\n").unwrap();
        let out = dir.path().join("out.parquet");
        assert!(keep_rows(&file, &kept, &out).is_err());
        assert!(!out.exists());
    }
}
