//! Raw batches to columns of the declared types.

use std::sync::Arc;

use datafusion::arrow::{
    array::{
        Array, ArrayRef, Decimal128Array, Int64Array, RecordBatch, RecordBatchOptions, StringArray,
    },
    compute::{CastOptions, cast_with_options},
    datatypes::{DataType, SchemaRef},
    error::ArrowError,
};

use super::{
    cell,
    descriptor::{ColumnSpec, ColumnType},
    error::CatalogError,
    found::is_text,
    source::{RawBatches, RawFile},
};

/// The columns of some rows, in their declared types.
pub(super) struct TypedBatch {
    /// In the order they were asked for.
    pub(super) columns: Vec<ArrayRef>,
    pub(super) rows: usize,
    /// The number of the first row, from 0.
    pub(super) first: u64,
}

impl TypedBatch {
    /// The same under a schema. There may be rows without columns.
    pub(super) fn into_record_batch(self, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        RecordBatch::try_new_with_options(Arc::clone(schema), self.columns, &options)
    }
}

/// Some columns of a file, batch by batch.
pub(super) struct TypedBatches {
    raw: RawFile,
    /// Each column with its place in a raw batch.
    columns: Vec<(usize, ColumnSpec)>,
    inner: RawBatches,
    rows: u64,
}

impl TypedBatches {
    /// These columns of the file, in this order.
    pub(super) fn new(raw: RawFile, specs: Vec<ColumnSpec>) -> Result<Self, CatalogError> {
        let indices = specs.iter().map(|spec| raw.index(&spec.name));
        let indices = indices.collect::<Result<Vec<_>, _>>()?;
        let mut chosen = indices.clone();
        chosen.sort_unstable();
        chosen.dedup();
        let place = |at: &usize| chosen.partition_point(|other| other < at);
        let columns = indices.iter().map(place).zip(specs).collect();
        let inner = raw.batches(&chosen)?;
        Ok(Self { raw, columns, inner, rows: 0 })
    }

    fn typed(&self, batch: &RecordBatch) -> Result<TypedBatch, CatalogError> {
        let column = |(place, spec): &(usize, ColumnSpec)| {
            let gone = || self.raw.wrong(&spec.name, format!("{} lacks it", self.raw.name));
            self.column(spec, batch.columns().get(*place).ok_or_else(gone)?)
        };
        let columns = self.columns.iter().map(column).collect::<Result<_, _>>()?;
        Ok(TypedBatch { columns, rows: batch.num_rows(), first: self.rows })
    }

    fn column(&self, spec: &ColumnSpec, raw: &ArrayRef) -> Result<ArrayRef, CatalogError> {
        let cells = raw.as_any().downcast_ref::<StringArray>().filter(|_| self.raw.csv);
        let text = is_text(raw.data_type());
        let from = match cells {
            Some(cells) if spec.ty != ColumnType::String => {
                integers_as(self.parsed(spec, cells)?, spec.ty)
            }
            _ if text != (spec.ty == ColumnType::String) => {
                let what =
                    format!("is declared {:?}, {} has {}", spec.ty, self.raw.name, raw.data_type());
                return Err(self.raw.wrong(&spec.name, what));
            }
            _ => Ok(Arc::clone(raw)),
        };
        let options = CastOptions { safe: false, ..CastOptions::default() };
        let cast = from.and_then(|from| cast_with_options(&from, &spec.ty.arrow(), &options));
        cast.map_err(|_| {
            let what = format!("has values that do not fit the declared type {:?}", spec.ty);
            self.raw.wrong(&spec.name, what)
        })
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
                        dataset: self.raw.dataset.clone(),
                        file: self.raw.name.clone(),
                        line: self.raw.line(self.rows + row as u64),
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
}

impl Iterator for TypedBatches {
    type Item = Result<TypedBatch, CatalogError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = match self.inner.next()? {
            Ok(batch) => self.typed(&batch),
            Err(error) => Err(self.raw.unreadable(&error)),
        };
        self.rows += batch.as_ref().map_or(0, |batch| batch.rows as u64);
        Some(batch)
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
