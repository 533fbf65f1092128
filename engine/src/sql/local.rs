//! A provider's own part of a job: its sub-plan, run by DataFusion on its clear rows.

use std::sync::Arc;

use datafusion::{
    arrow::{array::RecordBatch, compute::concat_batches},
    common::{
        DataFusionError,
        tree_node::{Transformed, TreeNode},
    },
    datasource::{MemTable, provider_as_source},
    logical_expr::LogicalPlan,
    prelude::{SessionConfig, SessionContext},
};

use super::encode::EncodeError;
use crate::{
    catalog::{Catalog, CatalogError},
    plan::{EncodedInput, LocalInput},
};

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
    let mut missing = None;
    let bound = local.clone().transform_up(|node| {
        let LogicalPlan::TableScan(mut scan) = node else { return Ok(Transformed::no(node)) };
        match catalog.table(scan.table_name.table()) {
            Ok(rows) => {
                let table = MemTable::try_new(rows.schema(), vec![vec![rows.clone()]])?;
                scan.source = provider_as_source(Arc::new(table));
            }
            Err(error) => missing = Some(error),
        }
        Ok(Transformed::yes(LogicalPlan::TableScan(scan)))
    });
    if let Some(error) = missing {
        return Err(error.into());
    }
    let failed = |e: &DataFusionError| LocalError::Run {
        datasets: format!("{}.{}", input.party, input.datasets.join(", ")),
        kind: kind(e),
    };
    let bound = bound.map_err(|e| failed(&e))?.data;
    let schema = Arc::clone(bound.schema().inner());
    let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(1));
    let frame = context.execute_logical_plan(bound).await.map_err(|e| failed(&e))?;
    let batches = frame.collect().await.map_err(|e| failed(&e))?;
    let schema = batches.first().map_or(schema, RecordBatch::schema);
    concat_batches(&schema, &batches).map_err(|e| failed(&DataFusionError::from(e)))
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
