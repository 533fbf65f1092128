//! Parquet files, written batch by batch.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use parquet::{
    arrow::ArrowWriter, basic::Compression, errors::ParquetError,
    file::properties::WriterProperties,
};

use super::broken::TableError;

/// Rows of a group: what the writer holds before it hands it on.
const GROUP_ROWS: usize = 128 << 10;

/// A Parquet file that is being written. What is in memory is one group of rows, however long the table.
pub struct TableWriter {
    path: PathBuf,
    inner: ArrowWriter<File>,
    rows: u64,
}

impl TableWriter {
    /// Creates the file, for rows of this schema; what stood there is replaced.
    ///
    /// # Errors
    /// If it cannot be created.
    pub fn create(path: &Path, schema: SchemaRef) -> Result<Self, TableError> {
        let io = |source| TableError::Io { file: path.display().to_string(), source };
        let file = File::create(path).map_err(io)?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            .build();
        let inner = ArrowWriter::try_new(file, schema, Some(properties));
        let inner = inner.map_err(|error| failed(path, error))?;
        Ok(Self { path: path.to_owned(), inner, rows: 0 })
    }

    /// Appends rows.
    ///
    /// # Errors
    /// If they are of another schema, or cannot be written.
    pub fn push(&mut self, rows: &RecordBatch) -> Result<(), TableError> {
        self.inner.write(rows).map_err(|error| failed(&self.path, error))?;
        self.rows += rows.num_rows() as u64;
        Ok(())
    }

    /// Writes what is held, and the footer; gives the number of rows. Without it the file is none.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn finish(self) -> Result<u64, TableError> {
        let Self { path, inner, rows } = self;
        inner.close().map_err(|error| failed(&path, error))?;
        Ok(rows)
    }
}

impl std::fmt::Debug for TableWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TableWriter({}, {} rows)", self.path.display(), self.rows)
    }
}

fn failed(path: &Path, error: ParquetError) -> TableError {
    let file = path.display().to_string();
    let what = match error {
        ParquetError::External(source) => match source.downcast::<std::io::Error>() {
            Ok(source) => return TableError::Io { file, source: *source },
            Err(source) => format!("cannot be written: {source}"),
        },
        _ => "cannot be written as Parquet".to_owned(),
    };
    TableError::File { file, what }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int64Array, StringArray, cast::AsArray as _, types::Int64Type};

    use super::*;
    use crate::TableFile;

    #[test]
    fn what_is_written_in_batches_is_read_in_their_order() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.parquet");
        let batch = |first: i64, rows: i64| {
            let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(first..first + rows));
            RecordBatch::try_from_iter([("x", numbers)]).unwrap()
        };
        let mut writer = TableWriter::create(&path, batch(0, 0).schema()).unwrap();
        for (first, rows) in [(0, 100_000), (100_000, 0), (100_000, 50_000)] {
            writer.push(&batch(first, rows)).unwrap();
        }
        let other: ArrayRef = Arc::new(StringArray::from(vec!["a"]));
        assert!(writer.push(&RecordBatch::try_from_iter([("x", other)]).unwrap()).is_err());
        assert_eq!(writer.finish().unwrap(), 150_000);
        let file = TableFile::open(&path).unwrap();
        let read = file.batches(&["x"]).unwrap().flat_map(|batch| {
            batch.unwrap().column(0).as_primitive::<Int64Type>().values().to_vec()
        });
        assert!(read.eq(0..150_000));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_says_so_wherever_it_is_met() {
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..300_000));
        let batch = RecordBatch::try_from_iter([("x", numbers)]).unwrap();
        for rows in [1, 300_000] {
            let mut writer = TableWriter::create(Path::new("/dev/full"), batch.schema()).unwrap();
            let written = writer.push(&batch.slice(0, rows)).and_then(|()| writer.finish());
            let TableError::Io { source, .. } = written.unwrap_err() else { panic!("no io error") };
            assert_eq!(source.kind(), std::io::ErrorKind::StorageFull);
        }
    }

    #[test]
    fn a_file_that_cannot_be_created_is_told() {
        let schema = Arc::new(arrow_schema::Schema::empty());
        let error = TableWriter::create(Path::new("/nonexistent/t.parquet"), schema).unwrap_err();
        assert!(error.to_string().contains("/nonexistent/t.parquet"));
    }
}
