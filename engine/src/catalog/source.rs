//! Files as streams of raw batches.

use std::{
    fs::File,
    io::{Cursor, Read},
    path::Path,
    sync::Arc,
};

use datafusion::{
    arrow::{
        array::{ArrayRef, AsArray as _, RecordBatch},
        csv::{ReaderBuilder, reader::Format},
        datatypes::{DataType, Field, Schema, SchemaRef},
        error::ArrowError,
    },
    parquet::{
        arrow::{ProjectionMask, arrow_reader::ParquetRecordBatchReaderBuilder},
        file::reader::ChunkReader,
    },
};
use prost::bytes::Bytes;
use tables::Quotes;

use super::{config::Source, error::CatalogError};

/// Rows of one batch.
pub(super) const BATCH_ROWS: usize = 16 << 10;

/// Rows of a file as they stand there: CSV cells as text, Parquet columns in their own types.
pub(super) type RawBatches = Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>> + Send>;

/// A dataset's file. In memory are its header or footer, and one batch of rows while it is read.
#[derive(Clone, Debug)]
pub(super) struct RawFile {
    pub(super) dataset: String,
    /// Its name, for messages.
    pub(super) name: String,
    pub(super) csv: bool,
    pub(super) schema: SchemaRef,
    source: Source,
}

enum Content {
    File(File),
    Bytes(Arc<[u8]>),
}

impl RawFile {
    /// Reads a file's header or footer.
    pub(super) fn open(dataset: &str, source: &Source) -> Result<Self, CatalogError> {
        let (dataset, name) = (dataset.to_owned(), source.name());
        let extension =
            Path::new(&name).extension().and_then(|e| e.to_str()).map(str::to_lowercase);
        let csv = match extension.as_deref() {
            Some("csv") => true,
            Some("parquet") => false,
            _ => {
                let what = "is neither .csv nor .parquet".into();
                return Err(CatalogError::File { dataset, file: name, what });
            }
        };
        let schema = Arc::new(Schema::empty());
        let mut raw = Self { dataset, name, csv, schema, source: source.clone() };
        let found = match (csv, raw.content()?) {
            (true, Content::File(file)) => csv_schema(file),
            (true, Content::Bytes(bytes)) => csv_schema(Cursor::new(bytes)),
            (false, Content::File(file)) => parquet_schema(file),
            (false, Content::Bytes(bytes)) => parquet_schema(Bytes::from_owner(bytes)),
        };
        raw.schema = found.map_err(|error| raw.unreadable(&error))?;
        Ok(raw)
    }

    pub(super) fn column_names(&self) -> Vec<String> {
        self.schema.fields().iter().map(|f| f.name().clone()).collect()
    }

    /// Which of the file's columns has this name.
    pub(super) fn index(&self, column: &str) -> Result<usize, CatalogError> {
        let mut found = (0..).zip(self.schema.fields()).filter(|(_, field)| field.name() == column);
        match (found.next(), found.next()) {
            (Some((at, _)), None) => Ok(at),
            (Some(_), Some(_)) => {
                let what =
                    format!("{} has several columns of this name: which one is meant?", self.name);
                Err(self.wrong(column, what))
            }
            (None, _) => {
                let names = self.column_names().join(", ");
                Err(self
                    .wrong(column, format!("{} has no such column; it has: {names}", self.name)))
            }
        }
    }

    /// Some columns of all rows; they ascend, in `columns` and in each batch.
    pub(super) fn batches(&self, columns: &[usize]) -> Result<RawBatches, CatalogError> {
        let (schema, chosen) = (Arc::clone(&self.schema), columns.to_vec());
        let batches = match (self.csv, self.content()?) {
            (true, Content::File(file)) => csv_batches(file, schema, chosen),
            (true, Content::Bytes(bytes)) => csv_batches(Cursor::new(bytes), schema, chosen),
            (false, Content::File(file)) => parquet_batches(file, chosen),
            (false, Content::Bytes(bytes)) => parquet_batches(Bytes::from_owner(bytes), chosen),
        };
        batches.map_err(|error| self.unreadable(&error))
    }

    /// The line of a CSV file that a row starts at, the header being the first: one for each row before, and one for each line
    /// break inside their cells. Reads the file up to there.
    pub(super) fn line(&self, row: u64) -> u64 {
        let all: Vec<usize> = (0..self.schema.fields().len()).collect();
        let (mut before, mut breaks) = (row, 0);
        let inside = |column: &ArrayRef, rows: usize| {
            let cells = column.as_string_opt::<i32>().into_iter().flat_map(|cells| cells.iter());
            cells.take(rows).flatten().map(|t| t.matches('\n').count() as u64).sum::<u64>()
        };
        for batch in self.batches(&all).into_iter().flatten().map_while(Result::ok) {
            let rows = usize::try_from(before).unwrap_or(usize::MAX).min(batch.num_rows());
            breaks += batch.columns().iter().map(|column| inside(column, rows)).sum::<u64>();
            before -= rows as u64;
            if before == 0 {
                break;
            }
        }
        row + breaks + 2
    }

    pub(super) fn unreadable(&self, error: &ArrowError) -> CatalogError {
        let (dataset, file) = (self.dataset.clone(), self.name.clone());
        CatalogError::File { dataset, file, what: tables::complaint(error) }
    }

    pub(super) fn wrong(&self, column: &str, what: String) -> CatalogError {
        CatalogError::Column { dataset: self.dataset.clone(), column: column.to_owned(), what }
    }

    fn content(&self) -> Result<Content, CatalogError> {
        let io = |path: &Path, source| {
            let (dataset, path) = (self.dataset.clone(), path.to_owned());
            CatalogError::Io { dataset, path, source }
        };
        match &self.source {
            Source::Bytes(_, bytes) => Ok(Content::Bytes(Arc::clone(bytes))),
            Source::Path(path) => {
                File::open(path).map(Content::File).map_err(|error| io(path, error))
            }
        }
    }
}

fn csv_schema(file: impl Read) -> Result<SchemaRef, ArrowError> {
    let format = Format::default().with_header(true);
    let (found, _) = format.infer_schema(Quotes::new(file), Some(0))?;
    let text = |f: &Arc<Field>| Field::new(f.name().trim(), DataType::Utf8, true);
    Ok(Arc::new(Schema::new(found.fields().iter().map(text).collect::<Vec<_>>())))
}

/// Parquet files are sealed by their own footer: a cut one is an error.
fn parquet_schema(file: impl ChunkReader + 'static) -> Result<SchemaRef, ArrowError> {
    Ok(Arc::clone(ParquetRecordBatchReaderBuilder::try_new(file)?.schema()))
}

fn csv_batches(
    file: impl Read + Send + 'static,
    schema: SchemaRef,
    columns: Vec<usize>,
) -> Result<RawBatches, ArrowError> {
    let builder = ReaderBuilder::new(schema).with_header(true).with_batch_size(BATCH_ROWS);
    Ok(Box::new(builder.with_projection(columns).build(Quotes::new(file))?))
}

fn parquet_batches(
    file: impl ChunkReader + 'static,
    columns: Vec<usize>,
) -> Result<RawBatches, ArrowError> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(file)?;
    let mask = ProjectionMask::roots(builder.parquet_schema(), columns);
    Ok(Box::new(builder.with_projection(mask).with_batch_size(BATCH_ROWS).build()?))
}
