//! One pass over a file that finds whether its rows keep what is declared of them.

use std::path::PathBuf;

use datafusion::arrow::{
    array::{Array as _, RecordBatch},
    compute::concat_batches,
};
use tables::TableError;

use super::{
    commitment::{ColumnHash, ColumnHasher},
    descriptor::{ColumnSpec, DatasetDescriptor},
    distinct::Distinct,
    error::{Broken, CatalogError},
    promises::{Values, first_broken},
    source::RawFile,
    typed::{TypedBatch, TypedBatches},
};

/// What a catalog keeps in memory, and where it puts what it needs beyond while it opens a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of a table's rows that stay in memory. A larger table is read again from its file by each job.
    pub table_bytes: usize,
    /// Most bytes that the search for values that stand twice in a column takes in memory, but for 25 MB.
    pub check_bytes: usize,
    /// Where it goes on beyond; nothing stays there.
    pub scratch: PathBuf,
}

/// 64 MiB of each, and the system's folder for what is passing.
impl Default for Limits {
    fn default() -> Self {
        Self { table_bytes: 64 << 20, check_bytes: 64 << 20, scratch: std::env::temp_dir() }
    }
}

/// What a pass over all rows has found: that they keep what is declared of them, and this.
pub(super) struct Found {
    pub(super) rows: u64,
    pub(super) hashes: Vec<ColumnHash>,
    /// The rows, where they are few.
    pub(super) held: Option<RecordBatch>,
}

/// Checks all rows of a file, which are at most as many as described.
pub(super) fn check(
    raw: RawFile,
    descriptor: &DatasetDescriptor,
    limits: &Limits,
) -> Result<Found, CatalogError> {
    let mut check = Check::new(descriptor, limits);
    for batch in TypedBatches::new(raw, descriptor.columns.clone())? {
        check.batch(batch?)?;
    }
    check.finish()
}

/// What is known after some of the rows.
struct Check<'a> {
    descriptor: &'a DatasetDescriptor,
    columns: Vec<ColumnCheck>,
    rows: u64,
    held: Option<Held>,
}

struct ColumnCheck {
    hasher: ColumnHasher,
    /// Of columns whose values are to be distinct.
    distinct: Option<Distinct>,
}

/// The rows so far, while they are few.
struct Held {
    batches: Vec<RecordBatch>,
    bytes_left: usize,
}

impl<'a> Check<'a> {
    fn new(descriptor: &'a DatasetDescriptor, limits: &Limits) -> Self {
        let distinct = || Distinct::new(&limits.scratch, limits.check_bytes);
        let column = |spec: &ColumnSpec| ColumnCheck {
            hasher: ColumnHasher::new(spec.ty),
            distinct: descriptor.is_unique(spec).then(distinct),
        };
        let columns = descriptor.columns.iter().map(column).collect();
        let held = Held { batches: Vec::new(), bytes_left: limits.table_bytes };
        Self { descriptor, columns, rows: 0, held: Some(held) }
    }

    fn batch(&mut self, batch: TypedBatch) -> Result<(), CatalogError> {
        let dataset = &self.descriptor.name;
        for ((check, spec), column) in
            self.columns.iter_mut().zip(&self.descriptor.columns).zip(&batch.columns)
        {
            let values = Values::of(column).ok_or_else(|| CatalogError::Column {
                dataset: dataset.clone(),
                column: spec.name.clone(),
                what: "has values beyond 128 bits".into(),
            })?;
            let broken = first_broken(&values, spec, check.distinct.is_some());
            if let Some((row, what)) = broken {
                return Err(broken_at(self.descriptor, spec, batch.first + row as u64, what));
            }
            check.hasher.push(&values);
            if let Some(distinct) = &mut check.distinct {
                distinct.push(&values, batch.first).map_err(|error| scratch(dataset, error))?;
            }
        }
        self.rows += batch.rows as u64;
        if self.rows > self.descriptor.rows_max {
            let (dataset, rows_max) = (dataset.clone(), self.descriptor.rows_max);
            return Err(CatalogError::Rows { dataset, rows_max });
        }
        self.hold(batch)
    }

    /// Keeps the rows, or none any more once they are too many.
    fn hold(&mut self, batch: TypedBatch) -> Result<(), CatalogError> {
        let bytes: usize = batch.columns.iter().map(|c| c.get_array_memory_size()).sum();
        self.held = self.held.take().filter(|held| bytes <= held.bytes_left);
        if let Some(held) = &mut self.held {
            let batch = batch.into_record_batch(&self.descriptor.arrow_schema());
            held.batches.push(batch.map_err(|_| unfit(self.descriptor))?);
            held.bytes_left -= bytes;
        }
        Ok(())
    }

    fn finish(self) -> Result<Found, CatalogError> {
        let Self { descriptor, columns, rows, held } = self;
        let mut hashes = Vec::with_capacity(columns.len());
        for (check, spec) in columns.into_iter().zip(&descriptor.columns) {
            hashes.push(check.hasher.finish());
            let Some(mut distinct) = check.distinct else { continue };
            let row = distinct.first_repeated().map_err(|e| scratch(&descriptor.name, e))?;
            if let Some(row) = row {
                return Err(broken_at(descriptor, spec, row, Broken::Duplicate));
            }
        }
        let whole = |held: Held| concat_batches(&descriptor.arrow_schema(), &held.batches);
        let held = held.map(whole).transpose().map_err(|_| unfit(descriptor))?;
        Ok(Found { rows, hashes, held })
    }
}

fn broken_at(table: &DatasetDescriptor, spec: &ColumnSpec, row: u64, what: Broken) -> CatalogError {
    let (dataset, column) = (table.name.clone(), spec.name.clone());
    CatalogError::Value { dataset, row: row + 1, column, what }
}

fn scratch(dataset: &str, source: TableError) -> CatalogError {
    CatalogError::Scratch { dataset: dataset.to_owned(), source }
}

fn unfit(table: &DatasetDescriptor) -> CatalogError {
    let what = "its columns do not fit together".into();
    CatalogError::Dataset { dataset: table.name.clone(), what }
}
