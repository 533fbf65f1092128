//! The rows of a dataset: in memory where they are few, read again from their file where they are many.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use datafusion::arrow::{array::RecordBatch, compute::concat_batches, datatypes::SchemaRef};

use super::{
    check::Found,
    commitment::{self, ColumnHash, ColumnHasher},
    config::Source,
    descriptor::DatasetDescriptor,
    error::CatalogError,
    promises::Values,
    source::{BATCH_ROWS, RawFile},
    typed::TypedBatches,
};
use crate::identity::Hash32;

/// A dataset whose rows were found to keep what is declared of them.
///
/// What of it is in memory does not grow with it, beyond the bound up to which its rows are kept there.
#[derive(Clone)]
pub struct Table(Arc<Checked>);

struct Checked {
    descriptor: DatasetDescriptor,
    source: Source,
    rows: u64,
    hashes: Vec<ColumnHash>,
    held: Option<RecordBatch>,
    /// Whether a reading has found another file.
    outdated: AtomicBool,
}

impl Table {
    pub(super) fn new(descriptor: DatasetDescriptor, source: Source, found: Found) -> Self {
        let Found { rows, hashes, held } = found;
        let outdated = AtomicBool::new(false);
        Self(Arc::new(Checked { descriptor, source, rows, hashes, held, outdated }))
    }

    /// What is published of it.
    #[must_use]
    pub fn descriptor(&self) -> &DatasetDescriptor {
        &self.0.descriptor
    }

    /// The rows, where they are in memory.
    #[must_use]
    pub fn held(&self) -> Option<&RecordBatch> {
        self.0.held.as_ref()
    }

    /// Some columns, in this order, of all rows, batch by batch.
    ///
    /// # Security
    /// What a file says may differ from what it said when it was opened, and committed to, until the reading has come to its end
    /// without an error: nothing may be made known of rows before.
    ///
    /// # Errors
    /// [`CatalogError::Changed`] if the file is gone or has other columns now; [`CatalogError::Dataset`] for a column that the table
    /// does not have.
    pub fn read(&self, columns: &[usize]) -> Result<Reading, CatalogError> {
        let schema = self.descriptor().arrow_schema().project(columns).map_err(|_| self.unfit())?;
        let rows = match self.held() {
            Some(rows) => Rows::Held(rows.project(columns).map_err(|_| self.unfit())?),
            None => {
                let specs = columns.iter().map(|at| self.descriptor().columns[*at].clone());
                let specs: Vec<_> = specs.collect();
                let hashers = specs.iter().map(|spec| ColumnHasher::new(spec.ty)).collect();
                let raw = RawFile::open(&self.descriptor().name, &self.0.source);
                let batches = raw.and_then(|raw| TypedBatches::new(raw, specs));
                Rows::File(batches.map_err(|error| self.changed(&error))?, hashers)
            }
        };
        let (table, columns) = (self.clone(), columns.to_vec());
        Ok(Reading { table, schema: Arc::new(schema), columns, rows, read: 0, ended: false })
    }

    /// All of it in memory.
    ///
    /// # Errors
    /// Those of a [`Reading`].
    pub fn collect(&self) -> Result<RecordBatch, CatalogError> {
        let columns: Vec<usize> = (0..self.descriptor().columns.len()).collect();
        let batches = self.read(&columns)?.collect::<Result<Vec<_>, _>>()?;
        concat_batches(&self.descriptor().arrow_schema(), &batches).map_err(|_| self.unfit())
    }

    pub(super) fn commit(&self, salt: &[u8; 32]) -> Hash32 {
        commitment::commit(self.descriptor(), self.0.rows, &self.0.hashes, salt)
    }

    /// Whether somebody who read it came upon another file.
    pub(super) fn is_outdated(&self) -> bool {
        self.0.outdated.load(Ordering::Relaxed)
    }

    /// Takes no notice of what was come upon so far.
    pub(super) fn look_again(&self) {
        self.0.outdated.store(false, Ordering::Relaxed);
    }

    /// What is said of an error of a file that had none when it was opened: others may hear of it, so how it shows and where the
    /// file is stays in the log.
    fn changed(&self, error: &CatalogError) -> CatalogError {
        self.0.outdated.store(true, Ordering::Relaxed);
        if !matches!(error, CatalogError::Changed { .. }) {
            tracing::warn!(%error, "a table's file cannot be read as it was when it was opened");
        }
        self.is_changed()
    }

    fn is_changed(&self) -> CatalogError {
        CatalogError::Changed { dataset: self.descriptor().name.clone() }
    }

    fn unfit(&self) -> CatalogError {
        let dataset = self.descriptor().name.clone();
        CatalogError::Dataset { dataset, what: "its columns do not fit together".into() }
    }
}

/// Rows are a provider's data: they do not print.
impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Table({})", self.descriptor().table())
    }
}

/// The rows of a table, as they are read. It ends with [`CatalogError::Changed`] if they are not those that were opened.
pub struct Reading {
    table: Table,
    schema: SchemaRef,
    columns: Vec<usize>,
    rows: Rows,
    read: u64,
    ended: bool,
}

enum Rows {
    Held(RecordBatch),
    File(TypedBatches, Vec<ColumnHasher>),
}

impl Reading {
    /// What each batch has.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn advance(&mut self) -> Result<Option<RecordBatch>, CatalogError> {
        let batch = match &mut self.rows {
            Rows::Held(rows) => {
                // No more than the rows in memory.
                let at = usize::try_from(self.read).unwrap_or(usize::MAX).min(rows.num_rows());
                let batch = rows.slice(at, BATCH_ROWS.min(rows.num_rows() - at));
                Some(batch).filter(|batch| batch.num_rows() > 0)
            }
            Rows::File(batches, hashers) => match batches.next().transpose()? {
                Some(batch) => {
                    for (hasher, column) in hashers.iter_mut().zip(&batch.columns) {
                        hasher.push(&Values::of(column).ok_or_else(|| self.table.is_changed())?);
                    }
                    let batch = batch.into_record_batch(&self.schema);
                    Some(batch.map_err(|_| self.table.is_changed())?)
                }
                None => {
                    let opened = self.columns.iter().map(|at| self.table.0.hashes[*at]);
                    let same = opened.eq(hashers.iter().map(ColumnHasher::finish));
                    if !same || self.read != self.table.0.rows {
                        return Err(self.table.is_changed());
                    }
                    None
                }
            },
        };
        self.read += batch.as_ref().map_or(0, |batch| batch.num_rows() as u64);
        Ok(batch)
    }
}

impl Iterator for Reading {
    type Item = Result<RecordBatch, CatalogError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let batch = self.advance().map_err(|error| self.table.changed(&error)).transpose();
        self.ended = !matches!(batch, Some(Ok(_)));
        batch
    }
}

impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reading of {:?}", self.table)
    }
}
