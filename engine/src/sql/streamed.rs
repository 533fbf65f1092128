//! Tables that are read while a sub-plan runs on them.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use datafusion::{
    arrow::{array::RecordBatch, datatypes::SchemaRef},
    catalog::streaming::StreamingTable,
    common::DataFusionError,
    datasource::provider_as_source,
    execution::{SendableRecordBatchStream, TaskContext},
    logical_expr::TableSource,
    physical_plan::{stream::RecordBatchStreamAdapter, streaming::PartitionStream},
};
use futures::stream;

use crate::catalog::{CatalogError, Reading, Table};

/// All that a sub-plan reads, and the first error of it: DataFusion's own words of one would not say which.
#[derive(Debug, Default)]
pub(super) struct Readings {
    begun: Mutex<Vec<Arc<Mutex<Reading>>>>,
    broken: Mutex<Option<CatalogError>>,
}

impl Readings {
    /// The error that ended one of them early, if one did.
    pub(super) fn broken(&self) -> Option<CatalogError> {
        lock(&self.broken).take()
    }

    /// Reads to the end whatever the sub-plan left, since only there a file shows to be the one committed to.
    pub(super) fn end(&self) -> Result<(), CatalogError> {
        for reading in lock(&self.begun).drain(..) {
            lock(&reading).by_ref().try_for_each(|batch| batch.map(drop))?;
        }
        Ok(())
    }

    fn begin(&self, reading: Reading) -> Arc<Mutex<Reading>> {
        let reading = Arc::new(Mutex::new(reading));
        lock(&self.begun).push(Arc::clone(&reading));
        reading
    }

    fn told<T>(&self, result: Result<T, CatalogError>) -> Result<T, DataFusionError> {
        result.map_err(|error| {
            lock(&self.broken).get_or_insert(error);
            DataFusionError::Execution("a table cannot be read".to_owned())
        })
    }
}

/// A source of those columns of a table that are named.
pub(super) fn streamed(
    table: &Table,
    named: &BTreeSet<String>,
    readings: &Arc<Readings>,
) -> Result<Arc<dyn TableSource>, DataFusionError> {
    let all = &table.descriptor().columns;
    let columns: Vec<usize> = (0..all.len()).filter(|at| named.contains(&all[*at].name)).collect();
    let schema = Arc::new(table.descriptor().arrow_schema().project(&columns)?);
    let (table, readings) = (table.clone(), Arc::clone(readings));
    let part = Streamed { table, columns, schema: Arc::clone(&schema), readings };
    Ok(provider_as_source(Arc::new(StreamingTable::try_new(schema, vec![Arc::new(part)])?)))
}

struct Streamed {
    table: Table,
    columns: Vec<usize>,
    schema: SchemaRef,
    readings: Arc<Readings>,
}

impl PartitionStream for Streamed {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let readings = Arc::clone(&self.readings);
        let reading = readings.told(self.table.read(&self.columns));
        let reading = reading.map(|reading| readings.begin(reading));
        let batches: Box<dyn Iterator<Item = Result<RecordBatch, DataFusionError>> + Send> =
            match reading {
                Ok(reading) => Box::new(std::iter::from_fn(move || {
                    let batch = lock(&reading).next()?;
                    Some(readings.told(batch))
                })),
                Err(error) => Box::new(std::iter::once(Err(error))),
            };
        let schema = Arc::clone(&self.schema);
        Box::pin(RecordBatchStreamAdapter::new(schema, stream::iter(batches)))
    }
}

impl fmt::Debug for Streamed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Streamed({:?})", self.table)
    }
}

fn lock<T>(held: &Mutex<T>) -> MutexGuard<'_, T> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}
