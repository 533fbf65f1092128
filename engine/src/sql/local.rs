//! A provider's own part of a job: its sub-plan, run by DataFusion on its clear rows.

use std::{collections::BTreeSet, fmt, sync::Arc};

use datafusion::{
    arrow::{array::RecordBatch, compute::concat_batches, datatypes::SchemaRef},
    common::{
        DataFusionError,
        tree_node::{Transformed, TreeNode, TreeNodeRecursion},
    },
    datasource::{MemTable, provider_as_source},
    execution::SendableRecordBatchStream,
    logical_expr::{LogicalPlan, TableScanBuilder, TableSource},
    prelude::{SessionConfig, SessionContext},
};
use futures::StreamExt as _;

use super::{
    encode::EncodeError,
    streamed::{Readings, streamed},
};
use crate::{
    catalog::{Catalog, CatalogError, Table},
    plan::{EncodedInput, LocalInput},
};

/// Rows that are worked on at a time.
const PART_ROWS: usize = 16 << 10;

/// Why a provider's part failed. Never holds a value of a table.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocalError {
    /// The dataset is not there.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// DataFusion could not run the sub-plan; its message may hold values and is kept out.
    #[error(
        "the local part on {datasets} failed in DataFusion ({kind}); run its statement on the table to see why"
    )]
    Run {
        /// The datasets it reads.
        datasets: String,
        /// The kind of error.
        kind: &'static str,
    },
    /// A result value does not fit its encoding.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

/// Runs a local sub-plan on the provider's rows and encodes its result for sharing.
///
/// `hash_key` keys the hashes of string join keys; all providers of a run use the same.
///
/// # Errors
/// If a dataset is missing, DataFusion fails, or a value is outside what its column declares.
pub async fn run_local(
    catalog: &Catalog,
    local: &LogicalPlan,
    input: &LocalInput,
    hash_key: &[u8; 32],
) -> Result<EncodedInput, LocalError> {
    encode_rows(input, &local_rows(catalog, local, input).await?, hash_key)
}

/// The second half of [`run_local`]: encodes what the first yielded.
///
/// # Errors
/// If a value is outside what its column declares.
pub fn encode_rows(
    input: &LocalInput,
    rows: &RecordBatch,
    hash_key: &[u8; 32],
) -> Result<EncodedInput, LocalError> {
    Ok(super::encode::encode(input, rows, hash_key)?)
}

/// The first half of [`run_local`], which needs no key: runs a local sub-plan on the provider's rows.
///
/// # Errors
/// If a dataset is missing or DataFusion fails.
pub async fn local_rows(
    catalog: &Catalog,
    local: &LogicalPlan,
    input: &LocalInput,
) -> Result<RecordBatch, LocalError> {
    let mut batches = local_batches(catalog, local, input).await?;
    let mut all = Vec::new();
    while let Some(rows) = batches.next().await {
        all.push(rows?);
    }
    let schema = all.first().map_or_else(|| batches.schema(), RecordBatch::schema);
    concat_batches(&schema, &all).map_err(|e| batches.failed(&DataFusionError::from(e)))
}

/// The rows of a local sub-plan as they are worked out, in the order of the result.
pub struct LocalBatches {
    inner: SendableRecordBatchStream,
    readings: Arc<Readings>,
    /// What it reads, for messages.
    datasets: String,
}

impl LocalBatches {
    /// What each batch has.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        self.inner.schema()
    }

    /// The next rows; none at the end, when all that was read is known to be what the provider committed to.
    pub async fn next(&mut self) -> Option<Result<RecordBatch, LocalError>> {
        match self.inner.next().await {
            Some(Ok(rows)) => Some(Ok(rows)),
            Some(Err(error)) => Some(Err(self.failed(&error))),
            None => self.readings.end().err().map(|error| Err(error.into())),
        }
    }

    fn failed(&self, error: &DataFusionError) -> LocalError {
        let run = || LocalError::Run { datasets: self.datasets.clone(), kind: kind(error) };
        self.readings.broken().map_or_else(run, LocalError::from)
    }
}

impl fmt::Debug for LocalBatches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LocalBatches of {}", self.datasets)
    }
}

/// [`local_rows`] batch by batch. Tables that are not in memory are read as it goes on; what a sub-plan does, which is to leave
/// out rows and to work on each by itself, takes no memory that grows with them.
///
/// # Errors
/// If a dataset is missing or DataFusion cannot start.
pub async fn local_batches(
    catalog: &Catalog,
    local: &LogicalPlan,
    input: &LocalInput,
) -> Result<LocalBatches, LocalError> {
    let datasets = format!("{}.{}", input.party, input.datasets.join(", "));
    let failed =
        |e: &DataFusionError| LocalError::Run { datasets: datasets.clone(), kind: kind(e) };
    let readings = Arc::new(Readings::default());
    let mut missing = None;
    let named = names(local).map_err(|e| failed(&e))?;
    let bound = local.clone().transform_up(|node| {
        let LogicalPlan::TableScan(scan) = node else { return Ok(Transformed::no(node)) };
        match catalog.table(scan.table_name.table()) {
            Ok(table) => {
                let source = source(table, &named, &readings)?;
                let scan = TableScanBuilder::new(scan.table_name, source).with_fetch(scan.fetch);
                Ok(Transformed::yes(LogicalPlan::TableScan(scan.build()?)))
            }
            Err(error) => {
                missing = Some(error);
                Ok(Transformed::no(LogicalPlan::TableScan(scan)))
            }
        }
    });
    if let Some(error) = missing {
        return Err(error.into());
    }
    let bound = bound.map_err(|e| failed(&e))?.data;
    // One part, so that the rows' order is that of the plan.
    let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(1));
    let frame = context.execute_logical_plan(bound).await.map_err(|e| failed(&e))?;
    let inner = frame.execute_stream().await.map_err(|e| failed(&e))?;
    Ok(LocalBatches { inner, readings, datasets })
}

/// The columns that a sub-plan names.
fn names(local: &LogicalPlan) -> Result<BTreeSet<String>, DataFusionError> {
    let mut names = BTreeSet::new();
    local.apply(|node| {
        for expr in node.expressions() {
            names.extend(expr.column_refs().into_iter().map(|column| column.name.clone()));
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(names)
}

/// What a sub-plan that names these columns reads of a table: all of it in memory, or those columns as they pass.
fn source(
    table: &Table,
    named: &BTreeSet<String>,
    readings: &Arc<Readings>,
) -> Result<Arc<dyn TableSource>, DataFusionError> {
    let Some(rows) = table.held() else { return streamed(table, named, readings) };
    let table = MemTable::try_new(rows.schema(), vec![parts(rows)])?;
    Ok(provider_as_source(Arc::new(table)))
}

/// A table cut into pieces, which share its memory: what is worked out of one at a time is small.
fn parts(rows: &RecordBatch) -> Vec<RecordBatch> {
    let starts = (0..rows.num_rows().max(1)).step_by(PART_ROWS);
    starts.map(|at| rows.slice(at, PART_ROWS.min(rows.num_rows() - at))).collect()
}

fn kind(error: &DataFusionError) -> &'static str {
    match error {
        DataFusionError::ArrowError(..) => "a value that an operation cannot take",
        DataFusionError::ResourcesExhausted(_) => "out of memory",
        DataFusionError::Execution(_) => "execution",
        DataFusionError::Plan(_) | DataFusionError::SchemaError(..) => "planning",
        _ => "internal",
    }
}
