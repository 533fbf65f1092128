//! CSV and Parquet files as streams of batches of the columns that are asked for.

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
};

use arrow_array::RecordBatch;
use arrow_csv::{ReaderBuilder, reader::Format};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use parquet::arrow::{ProjectionMask, arrow_reader::ParquetRecordBatchReaderBuilder};

use super::{
    broken::{TableError, complaint},
    quotes::Quotes,
};

/// Rows of one batch: a few hundred kilobytes of typical keys.
const BATCH_ROWS: usize = 16 << 10;

/// A table in a file. Opening reads its header or footer only.
#[derive(Clone, Debug)]
pub struct TableFile {
    path: PathBuf,
    schema: SchemaRef,
    form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Csv,
    Parquet,
}

/// The batches of a file, in the order of its rows.
pub struct Batches {
    file: String,
    inner: Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>> + Send>,
}

impl TableFile {
    /// Opens a `.csv` (with a header; every column is text) or `.parquet` file.
    ///
    /// # Errors
    /// If it cannot be opened, or is neither, or its header or footer is broken.
    pub fn open(path: &Path) -> Result<Self, TableError> {
        let extension = path.extension().and_then(|e| e.to_str()).map(str::to_lowercase);
        let (form, schema) = match extension.as_deref() {
            Some("csv") => (Form::Csv, csv_schema(path)?),
            Some("parquet") => {
                let builder = ParquetRecordBatchReaderBuilder::try_new(open(path)?)
                    .map_err(|error| unreadable(path, &error.into()))?;
                (Form::Parquet, Arc::clone(builder.schema()))
            }
            _ => return Err(broken(path, "is neither .csv nor .parquet".to_owned())),
        };
        Ok(Self { path: path.to_owned(), schema, form })
    }

    /// All columns.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Reads some columns of all rows, in the order in which the file has them.
    ///
    /// # Errors
    /// If the file cannot be opened, or has no such column.
    pub fn batches(&self, columns: &[&str]) -> Result<Batches, TableError> {
        let mut chosen =
            columns.iter().map(|name| self.index(name)).collect::<Result<Vec<_>, _>>()?;
        chosen.sort_unstable();
        chosen.dedup();
        let file = open(&self.path)?;
        let inner: Box<dyn Iterator<Item = _> + Send> = match self.form {
            Form::Csv => {
                let reader = ReaderBuilder::new(Arc::clone(&self.schema))
                    .with_header(true)
                    .with_batch_size(BATCH_ROWS)
                    .with_projection(chosen)
                    .build(Quotes::new(file))
                    .map_err(|error| unreadable(&self.path, &error))?;
                Box::new(reader)
            }
            Form::Parquet => {
                let builder = ParquetRecordBatchReaderBuilder::try_new(file)
                    .map_err(|error| unreadable(&self.path, &error.into()))?;
                let mask = ProjectionMask::roots(builder.parquet_schema(), chosen);
                let reader = builder
                    .with_projection(mask)
                    .with_batch_size(BATCH_ROWS)
                    .build()
                    .map_err(|error| unreadable(&self.path, &error.into()))?;
                Box::new(reader)
            }
        };
        Ok(Batches { file: self.name(), inner })
    }

    /// One of its columns.
    ///
    /// # Errors
    /// If there is none of this name.
    pub fn field(&self, name: &str) -> Result<&Field, TableError> {
        Ok(self.schema.field(self.index(name)?))
    }

    /// The file's name, for messages.
    #[must_use]
    pub fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn index(&self, name: &str) -> Result<usize, TableError> {
        self.schema.index_of(name).map_err(|_| {
            let names: Vec<_> = self.schema.fields().iter().map(|f| f.name().as_str()).collect();
            let what = format!("{} has none; it has: {}", self.name(), names.join(", "));
            TableError::Column { column: name.to_owned(), what }
        })
    }
}

impl Iterator for Batches {
    type Item = Result<RecordBatch, TableError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.inner.next()?;
        Some(
            batch.map_err(|error| TableError::File {
                file: self.file.clone(),
                what: complaint(&error),
            }),
        )
    }
}

impl std::fmt::Debug for Batches {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Batches({})", self.file)
    }
}

fn csv_schema(path: &Path) -> Result<SchemaRef, TableError> {
    let format = Format::default().with_header(true);
    let (found, _) = format
        .infer_schema(Quotes::new(open(path)?), Some(0))
        .map_err(|error| unreadable(path, &error))?;
    let text = |field: &Arc<Field>| Field::new(field.name().trim(), DataType::Utf8, true);
    Ok(Arc::new(Schema::new(found.fields().iter().map(text).collect::<Vec<_>>())))
}

fn open(path: &Path) -> Result<File, TableError> {
    File::open(path).map_err(|source| TableError::Io { file: path.display().to_string(), source })
}

fn broken(path: &Path, what: String) -> TableError {
    TableError::File { file: path.display().to_string(), what }
}

fn unreadable(path: &Path, error: &ArrowError) -> TableError {
    broken(path, complaint(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        (dir, path)
    }

    #[test]
    fn a_csv_file_gives_the_columns_that_are_asked_for() {
        let (_dir, path) = written("t.csv", b"id, name ,x\n1,a,9\n2,\"b\nc\",8\n");
        let file = TableFile::open(&path).unwrap();
        let rows: Vec<_> = file.batches(&["name"]).unwrap().map(Result::unwrap).collect();
        assert_eq!(rows.iter().map(RecordBatch::num_rows).sum::<usize>(), 2);
        assert_eq!(rows[0].num_columns(), 1);
        let error = file.batches(&["zip"]).unwrap_err().to_string();
        assert!(error.contains("`zip`") && error.contains("id, name, x"), "{error}");
    }

    #[test]
    fn a_quote_that_is_left_open_is_told_and_takes_no_rows_along() {
        let head = "id,name\n1,a\n2,\"secret\n";
        let rows: String = (3..100_000).map(|i| format!("{i},x\n")).collect();
        let (_dir, path) = written("t.csv", (head.to_owned() + &rows).as_bytes());
        let file = TableFile::open(&path).unwrap();
        let error = file.batches(&["id"]).unwrap().find_map(Result::err).unwrap().to_string();
        let due = "t.csv: has a quote on line 3 that is never closed";
        assert!(error.contains(due) && !error.contains("secret"), "{error}");
        let (_dir, path) = written("t.csv", b"id,\"name\n1,secret\n");
        let error = TableFile::open(&path).unwrap_err().to_string();
        assert!(error.contains("a quote on line 1") && !error.contains("secret"), "{error}");
    }

    #[test]
    fn broken_files_are_told_by_line_and_never_by_value() {
        let (_dir, path) = written("t.csv", b"id,x\n1,2\nsecret\n");
        let file = TableFile::open(&path).unwrap();
        let error = file.batches(&["id"]).unwrap().find_map(Result::err).unwrap().to_string();
        assert!(error.contains("another number of cells") && !error.contains("secret"), "{error}");
        for (name, bytes) in
            [("t.parquet", &b"PAR1nonsensePAR1"[..]), ("t.txt", b"x"), ("t.parquet", b"")]
        {
            let (_dir, path) = written(name, bytes);
            assert!(TableFile::open(&path).is_err());
        }
        assert!(TableFile::open(Path::new("/nonexistent/t.csv")).is_err());
    }
}
