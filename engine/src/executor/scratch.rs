//! Sets on this party's own disk between a job's preparation and its end: what an intersection takes does not grow with the table.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use datafusion::arrow::{
    array::RecordBatch,
    datatypes::{Field, Schema, SchemaRef},
};
use protocols::psi::Salt;
use tables::{
    Kept, KeyColumn, KeyEncoder, Spill, TableError, TableFile, TableWriter, keep_rows, spill_ids,
};
use tempfile::TempDir;

use super::prepare::fault;
use crate::{
    identity::PartyName,
    job::{Failure, Reason},
    plan::{LocalInput, OwnSet, SetKey},
    sql::{EncodeError, LocalBatches, normal},
};

/// What the folders of sets are called; others in the same place are left alone.
const PREFIX: &str = "unseen-set-";
/// Bytes of ids kept in memory for each set where nothing else is said.
const MEMORY: usize = 256 << 20;

/// Where a party keeps sets while a job runs, and how much of their ids in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scratch {
    folder: PathBuf,
    memory: usize,
}

impl Scratch {
    /// This folder, made if it is not there, and the default budget. What a crash left there of earlier jobs is removed: no two
    /// running daemons may name the same folder.
    ///
    /// # Errors
    /// If the folder cannot be made or cleared.
    pub fn open(folder: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(PREFIX) {
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(Self { folder, memory: MEMORY })
    }

    /// Keeps so many bytes of ids in memory for each set, and the rest on disk.
    #[must_use]
    pub fn with_memory(self, bytes: usize) -> Self {
        Self { memory: bytes, ..self }
    }
}

/// The system's folder for what is passing; nothing is cleared there.
impl Default for Scratch {
    fn default() -> Self {
        Self { folder: std::env::temp_dir(), memory: MEMORY }
    }
}

/// The rows of a set: those of a local sub-plan's result, in its order, in a folder that only this party can read and that is
/// removed with this.
#[derive(Debug)]
pub(super) struct Spool {
    folder: TempDir,
    memory: usize,
    table: TableFile,
}

impl Spool {
    /// Writes the rows as they come.
    pub(super) async fn of(
        mut batches: LocalBatches,
        input: &LocalInput,
        scratch: &Scratch,
    ) -> Result<Self, Failure> {
        let broken = |error: TableError| fault(&input.party, Reason::Internal, error.to_string());
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(&scratch.folder);
        let folder = folder.map_err(|error| {
            let words = format!("no scratch in {}: {error}", scratch.folder.display());
            fault(&input.party, Reason::Internal, words)
        })?;
        let path = folder.path().join("rows.parquet");
        let schema = numbered(&batches.schema());
        let mut writer = TableWriter::create(&path, Arc::clone(&schema)).map_err(broken)?;
        let (mut rows, invalid) = (0, |words| fault(&input.party, Reason::InputInvalid, words));
        while let Some(batch) = batches.next().await {
            let batch = batch.map_err(|error| invalid(error.to_string()))?;
            rows += batch.num_rows() as u64;
            if rows > input.rows {
                let (party, bound) = (input.party.to_string(), input.rows);
                return Err(invalid(EncodeError::Rows { party, bound }.to_string()));
            }
            let batch = RecordBatch::try_new(Arc::clone(&schema), batch.columns().to_vec());
            let batch = batch.map_err(|error| invalid(tables::complaint(&error)))?;
            writer.push(&batch).map_err(broken)?;
        }
        writer.finish().map_err(broken)?;
        let table = TableFile::open(&path).map_err(broken)?;
        Ok(Self { folder, memory: scratch.memory, table })
    }

    /// The ids of the rows under a run's key, read batch by batch.
    pub(super) fn own_set(
        &self,
        party: &PartyName,
        key: &SetKey,
        hash_key: &[u8; 32],
    ) -> Result<OwnSet, Failure> {
        let normal = normal(key.text);
        let column = |source: &u32| KeyColumn { name: column(*source), normal };
        let columns = key.sources.iter().map(column).collect();
        let salt = Salt::new(*hash_key);
        let mut ids = Spill::new(self.folder.path(), self.memory);
        let spilled = KeyEncoder::new(columns, self.table.schema())
            .and_then(|encoder| spill_ids(&self.table, &encoder, |key| salt.id(key), &mut ids));
        let rows = spilled.map_err(|error| fault(party, Reason::Internal, error.to_string()))?;
        Ok(OwnSet::new(ids, rows, blake3::derive_key("unseen.psi-salt/v1", hash_key)))
    }

    /// Reads the rows once more and writes those to keep; gives how many.
    pub(super) fn keep(&self, kept: &Kept<'_>, out: &Path) -> Result<u64, TableError> {
        keep_rows(&self.table, kept, out)
    }
}

/// What a column of the sub-plan's result is called in a spool: results may have a name twice.
pub(super) fn column(source: u32) -> String {
    format!("c{source}")
}

fn numbered(schema: &Schema) -> SchemaRef {
    let field = |(source, field): (u32, &Arc<Field>)| {
        Field::new(column(source), field.data_type().clone(), true)
    };
    Arc::new(Schema::new((0..).zip(schema.fields()).map(field).collect::<Vec<_>>()))
}
