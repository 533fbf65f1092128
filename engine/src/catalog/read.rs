//! Files to columns of the declared types.

use std::{fs, io::Cursor, path::Path, sync::Arc};

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, Decimal128Array, Int64Array, RecordBatch, StringArray},
        compute::{CastOptions, cast_with_options, concat_batches},
        csv::{ReaderBuilder, reader::Format},
        datatypes::{DataType, Field, Schema},
        error::ArrowError,
    },
    parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder,
};

use prost::bytes::Bytes;

use super::{
    cell,
    config::{DatasetConfig, Source},
    descriptor::{ColumnSpec, ColumnType},
    error::CatalogError,
};

/// A file's rows as they stand there: CSV cells as text, Parquet columns in their own types.
pub(super) struct RawTable {
    dataset: String,
    file: String,
    csv: bool,
    rows: RecordBatch,
}

impl RawTable {
    pub(super) fn read(config: &DatasetConfig) -> Result<Self, CatalogError> {
        let dataset = config.name.clone();
        let file = config.source.name();
        let bytes: Arc<[u8]> = match &config.source {
            Source::Bytes(_, bytes) => Arc::clone(bytes),
            Source::Path(path) => {
                let io = |source| CatalogError::Io {
                    dataset: dataset.clone(),
                    path: path.clone(),
                    source,
                };
                fs::read(path).map_err(io)?.into()
            }
        };
        let broken = |what: String| CatalogError::File {
            dataset: dataset.clone(),
            file: file.clone(),
            what,
        };
        let extension =
            Path::new(&file).extension().and_then(|e| e.to_str()).map(str::to_lowercase);
        let (csv, rows) = match extension.as_deref() {
            Some("csv") => (true, read_csv(&bytes)),
            Some("parquet") => (false, read_parquet(bytes)),
            _ => return Err(broken("is neither .csv nor .parquet".into())),
        };
        let rows = rows.map_err(|e| broken(tables::complaint(&e)))?;
        Ok(Self { dataset, file, csv, rows })
    }

    pub(super) fn rows(&self) -> usize {
        self.rows.num_rows()
    }

    pub(super) fn column_names(&self) -> Vec<String> {
        self.rows.schema().fields().iter().map(|f| f.name().clone()).collect()
    }

    /// The type that the file suggests.
    pub(super) fn found_type(&self, name: &str) -> Result<ColumnType, CatalogError> {
        let column = self.column(name)?;
        let found = if self.csv { csv_type(column) } else { column.data_type().clone() };
        column_type(&found).ok_or_else(|| {
            self.wrong(
                name,
                format!(
                    "type {found} cannot be shared; declare another one, a decimal for instance"
                ),
            )
        })
    }

    /// One column in its declared type.
    pub(super) fn typed(&self, spec: &ColumnSpec) -> Result<ArrayRef, CatalogError> {
        let raw = self.column(&spec.name)?;
        let cells = raw.as_any().downcast_ref::<StringArray>().filter(|_| self.csv);
        let text = is_text(raw.data_type());
        let from = match cells {
            Some(cells) if spec.ty != ColumnType::String => {
                integers_as(self.parsed(spec, cells)?, spec.ty)
            }
            _ if text != (spec.ty == ColumnType::String) => {
                let what =
                    format!("is declared {:?}, {} has {}", spec.ty, self.file, raw.data_type());
                return Err(self.wrong(&spec.name, what));
            }
            _ => Ok(Arc::clone(raw)),
        };
        let options = CastOptions { safe: false, ..CastOptions::default() };
        let cast = from.and_then(|from| cast_with_options(&from, &spec.ty.arrow(), &options));
        cast.map_err(|_| {
            let what = format!("has values that do not fit the declared type {:?}", spec.ty);
            self.wrong(&spec.name, what)
        })
    }

    fn column(&self, name: &str) -> Result<&ArrayRef, CatalogError> {
        self.rows.column_by_name(name).ok_or_else(|| {
            let names = self.column_names().join(", ");
            self.wrong(name, format!("{} has no such column; it has: {names}", self.file))
        })
    }

    fn wrong(&self, column: &str, what: String) -> CatalogError {
        CatalogError::Column { dataset: self.dataset.clone(), column: column.to_owned(), what }
    }

    /// CSV cells as integers underneath.
    fn parsed(
        &self,
        spec: &ColumnSpec,
        cells: &StringArray,
    ) -> Result<Vec<Option<i128>>, CatalogError> {
        let mut values = Vec::with_capacity(cells.len());
        for (row, text) in cells.iter().enumerate() {
            let value = match text {
                None => None,
                Some(text) => {
                    Some(cell::integer(text, spec.ty).ok_or_else(|| CatalogError::Cell {
                        dataset: self.dataset.clone(),
                        file: self.file.clone(),
                        line: self.line(row),
                        column: spec.name.clone(),
                        found: cell::class(text),
                        due: cell::due(spec.ty),
                    })?)
                }
            };
            values.push(value);
        }
        Ok(values)
    }

    /// The line a row starts at: one for the header, one for each row before and for each line break inside their cells.
    fn line(&self, row: usize) -> u64 {
        let breaks = |column: &ArrayRef| {
            let cells = column.as_any().downcast_ref::<StringArray>();
            cells.map_or(0, |cells| {
                cells.iter().take(row).flatten().map(|t| t.matches('\n').count()).sum::<usize>()
            })
        };
        let inside: usize = self.rows.columns().iter().map(breaks).sum();
        (row + inside + 2) as u64
    }
}

/// Integers, which keep to the bounds of the type, as the type that has them underneath; all others but decimals have 64 bits.
fn integers_as(values: Vec<Option<i128>>, ty: ColumnType) -> Result<ArrayRef, ArrowError> {
    if let ColumnType::Decimal { precision, scale } = ty {
        let decimals = Decimal128Array::from(values);
        return Ok(Arc::new(decimals.with_precision_and_scale(precision, scale.cast_signed())?));
    }
    let words = values.into_iter().map(|v| v.and_then(|v| i64::try_from(v).ok()));
    let words: ArrayRef = Arc::new(words.collect::<Int64Array>());
    // An integer becomes a date by way of its own width.
    match ty {
        ColumnType::Date => cast_with_options(&words, &DataType::Int32, &CastOptions::default()),
        _ => Ok(words),
    }
}

fn read_csv(bytes: &[u8]) -> Result<RecordBatch, ArrowError> {
    let (found, _) =
        Format::default().with_header(true).infer_schema(Cursor::new(bytes), Some(0))?;
    let text = |f: &Arc<Field>| Field::new(f.name().trim(), DataType::Utf8, true);
    let schema = Arc::new(Schema::new(found.fields().iter().map(text).collect::<Vec<_>>()));
    let reader =
        ReaderBuilder::new(Arc::clone(&schema)).with_header(true).build(Cursor::new(bytes))?;
    concat_batches(&schema, &reader.collect::<Result<Vec<_>, _>>()?)
}

/// Parquet files are sealed by their own footer: a cut one is an error.
fn read_parquet(bytes: Arc<[u8]>) -> Result<RecordBatch, ArrowError> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from_owner(bytes))?;
    let schema = Arc::clone(reader.schema());
    let batches = reader.build()?.collect::<Result<Vec<_>, _>>()?;
    concat_batches(&schema, &batches)
}

/// The first type that all cells of a CSV column have.
fn csv_type(column: &ArrayRef) -> DataType {
    let candidates = [ColumnType::Int64, ColumnType::Date, ColumnType::Timestamp];
    let Some(cells) = column.as_any().downcast_ref::<StringArray>() else { return DataType::Utf8 };
    let words = |t: &str| matches!(t.trim().to_ascii_lowercase().as_str(), "true" | "false");
    if cells.iter().flatten().count() == 0 {
        return DataType::Utf8;
    }
    if cells.iter().flatten().all(words) {
        return DataType::Boolean;
    }
    let fits = |ty: &ColumnType| cells.iter().flatten().all(|t| cell::integer(t, *ty).is_some());
    if let Some(ty) = candidates.into_iter().find(fits) {
        return ty.arrow();
    }
    let number = |t: &str| t.trim().parse::<f64>().is_ok();
    if cells.iter().flatten().all(number) { DataType::Float64 } else { DataType::Utf8 }
}

fn column_type(found: &DataType) -> Option<ColumnType> {
    Some(match found {
        DataType::Boolean => ColumnType::Bool,
        DataType::Int8 => ColumnType::Int8,
        DataType::Int16 | DataType::UInt8 => ColumnType::Int16,
        DataType::Int32 | DataType::UInt16 => ColumnType::Int32,
        DataType::Int64 | DataType::UInt32 => ColumnType::Int64,
        DataType::Date32 | DataType::Date64 => ColumnType::Date,
        DataType::Timestamp(..) => ColumnType::Timestamp,
        DataType::Decimal128(precision, scale) => {
            ColumnType::Decimal { precision: *precision, scale: u8::try_from(*scale).ok()? }
        }
        text if is_text(text) => ColumnType::String,
        _ => return None,
    })
}

fn is_text(ty: &DataType) -> bool {
    match ty {
        DataType::Dictionary(_, values) => is_text(values),
        other => matches!(other, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View),
    }
}
