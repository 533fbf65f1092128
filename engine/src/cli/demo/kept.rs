//! What an owner of a set kept of a job, where the buyer gets no rows.

use std::{fs, path::Path};

use datafusion::{
    arrow::{array::RecordBatch, compute::concat_batches},
    parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder,
};

use super::super::exit::CliError;
use crate::identity::PartyName;

/// The rows in the only file among the results of a party of the demo.
///
/// # Errors
/// Failed: there is none, or it cannot be read.
pub(super) fn rows(demo: &Path, party: &PartyName) -> Result<RecordBatch, CliError> {
    let folder = demo.join(party.as_str()).join("state/results");
    let mut files = fs::read_dir(&folder).map_err(CliError::failed)?;
    let file = files.next().ok_or_else(|| CliError::failed("demo: no result was kept"))?;
    let file = fs::File::open(file.map_err(CliError::failed)?.path()).map_err(CliError::failed)?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).map_err(CliError::failed)?;
    let schema = reader.schema().clone();
    let batches: Result<Vec<_>, _> = reader.build().map_err(CliError::failed)?.collect();
    concat_batches(&schema, &batches.map_err(CliError::failed)?).map_err(CliError::failed)
}
