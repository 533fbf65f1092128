//! Sets on this party's own disk between a job's preparation and its end: what an intersection takes does not grow with the table.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use datafusion::arrow::{
    array::RecordBatch,
    datatypes::{Field, Schema, SchemaRef},
};
use protocols::psi::Salt;
use tables::{
    Batches, Kept, KeyColumn, KeyEncoder, Keys, Spill, TableError, TableFile, TableWriter,
    keep_rows, spill_ids,
};
use tempfile::TempDir;

use super::prepare::{at_fault, fault};
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

    /// The same folder for a command that is run beside the daemon: nothing is removed.
    ///
    /// # Errors
    /// If the folder cannot be made.
    pub fn beside(folder: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
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
        let broken = |error: TableError| at_fault(&input.party, &error);
        let folder = private(&scratch.folder).map_err(|error| {
            let words = format!("no scratch in {}: {error}", scratch.folder.display());
            fault(&input.party, Reason::of_fault(&error), words)
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
        self.known_set(party, key, hash_key).map(|(set, _)| set)
    }

    /// The same, with a digest of the ids and the rows that have them: another table has another one.
    pub(super) fn known_set(
        &self,
        party: &PartyName,
        key: &SetKey,
        hash_key: &[u8; 32],
    ) -> Result<(OwnSet, [u8; 32]), Failure> {
        let normal = normal(key.text);
        let column = |source: &u32| KeyColumn { name: column(*source), normal };
        let columns = key.sources.iter().map(column).collect();
        let salt = Salt::new(*hash_key);
        let mut ids = Spill::new(self.folder.path(), self.memory);
        let mut digest = blake3::Hasher::new_derive_key("unseen.own-set/v1");
        let made = |keys: &Keys| {
            let ids = salt.ids(keys.iter());
            let rows = ids.iter().zip(keys.rows());
            let bytes: Vec<[u8; 24]> = rows.map(|(id, row)| beside(*id, *row)).collect();
            digest.update(bytes.as_flattened());
            ids
        };
        let spilled = KeyEncoder::new(columns, self.table.schema())
            .and_then(|encoder| spill_ids(&self.table, &encoder, made, &mut ids));
        let rows = spilled.map_err(|error| at_fault(party, &error))?;
        let digest = *digest.update(&rows.to_le_bytes()).finalize().as_bytes();
        let context = blake3::derive_key("unseen.psi-salt/v1", hash_key);
        Ok((OwnSet::new(ids, rows, context), digest))
    }

    /// For ids of these rows, within the same budget.
    pub(super) fn spill(&self) -> Spill {
        Spill::new(self.folder.path(), self.memory)
    }

    /// The same with so many words beside each pair.
    pub(super) fn spill_with(&self, values: usize) -> Spill {
        Spill::with_values(self.folder.path(), self.memory, values)
    }

    /// All rows, with their columns in the order of the sub-plan's result.
    pub(super) fn all(&self) -> Result<Batches, TableError> {
        let names: Vec<_> = (0..).take(self.table.schema().fields().len()).map(column).collect();
        self.table.batches(&names.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// The rows; columns are called what [`column`] says.
    pub(super) fn table(&self) -> &TableFile {
        &self.table
    }

    /// A file without a name for what is passing.
    pub(super) fn passing(&self) -> Result<File, TableError> {
        let folder = self.folder.path();
        tempfile::tempfile_in(folder)
            .map_err(|source| TableError::Io { file: format!("in {}", folder.display()), source })
    }

    /// Reads the rows once more and writes those to keep; gives how many.
    pub(super) fn keep(&self, kept: &Kept<'_>, out: &Path) -> Result<u64, TableError> {
        keep_rows(&self.table, kept, out)
    }
}

/// An id and its row.
fn beside(id: u128, row: u64) -> [u8; 24] {
    let mut bytes = [0; 24];
    bytes[..16].copy_from_slice(&id.to_le_bytes());
    bytes[16..].copy_from_slice(&row.to_le_bytes());
    bytes
}

/// A folder of its own in this one, which no other user may enter.
fn private(within: &Path) -> io::Result<TempDir> {
    let mut folder = tempfile::Builder::new();
    folder.prefix(PREFIX);
    // What is made without saying so can be read by everybody the umask does not keep out.
    #[cfg(unix)]
    folder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    folder.tempdir_in(within)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        catalog::{ColumnType, DatasetConfig, Source},
        job::{JobSpec, PsiForm},
        sql::{
            compile, local_batches,
            tests::{
                party,
                psi::{asked, psi},
                world::{World, declared, nullable},
            },
        },
    };

    /// Sets of numbers by a column `code`, the second one small.
    fn world(rows: u32) -> (World, JobSpec) {
        let table = |name: &str, rows: u32| {
            // Every seventh row has no key; every key but 0 stands there twice.
            let cell = |i: u32| if i % 7 == 3 { "\"\"\n".into() } else { format!("{}\n", i / 2) };
            let csv = "code\n".to_owned() + &(0..rows).map(cell).collect::<String>();
            let source = Source::Bytes(format!("{name}.csv"), csv.into_bytes().into());
            let columns = vec![nullable(declared("code", ColumnType::Int64))];
            DatasetConfig { name: name.into(), source, entity_key: None, rows_max: None, columns }
        };
        let world = World::of(vec![
            ("census", vec![table("left", rows)]),
            ("employers", vec![table("right", 10)]),
        ]);
        let mut job = asked(PsiForm::Inner, [&["code"], &[]]);
        psi(&mut job).to = vec![party("census")];
        (world, job)
    }

    async fn spool(rows: u32, bound: Option<u64>, scratch: &Scratch) -> Result<Spool, Failure> {
        let (world, job) = world(rows);
        let compiled = compile(&job, &world.descriptors, &[]).unwrap();
        let mut input = compiled.plan.inputs[0].clone();
        input.rows = bound.unwrap_or(input.rows);
        let batches = local_batches(world.catalog("census"), &compiled.locals[0], &input).await;
        Spool::of(batches.unwrap(), &input, scratch).await
    }

    fn key() -> SetKey {
        let (world, job) = world(1);
        let plan = compile(&job, &world.descriptors, &[]).unwrap().plan;
        plan.inputs[0].key.clone().unwrap()
    }

    #[tokio::test]
    async fn a_set_beyond_the_budget_stands_on_disk_and_is_gone_with_the_job() {
        // The blocks that are being filled hold some 700,000 ids: fewer never reach the disk.
        const ROWS: u32 = 800_000;
        let dir = tempfile::tempdir().unwrap();
        let scratch = Scratch::open(dir.path().join("scratch")).unwrap().with_memory(0);
        let spool = spool(ROWS, None, &scratch).await.unwrap();
        let census = party("census");
        let set = spool.own_set(&census, &key(), &[1; 32]).unwrap();
        assert!(set.is_on_disk());
        assert_eq!(set.rows(), u64::from(ROWS));
        let (mut seen, mut pairs) = (0, Vec::new());
        for quarter in 0..4_u128 {
            pairs.clear();
            let first = quarter << 126;
            set.between(first, first + (u128::MAX >> 2), &mut pairs).unwrap();
            seen += pairs.len();
            pairs.sort_unstable();
            // No part of the set is much larger than its share.
            assert!(pairs.len() < ROWS as usize / 3);
        }
        assert_eq!(seen, (0..ROWS).filter(|i| i % 7 != 3).count());
        let entries = || fs::read_dir(dir.path().join("scratch")).unwrap().count();
        assert_eq!(entries(), 1);
        drop((spool, set));
        assert_eq!(entries(), 0);
    }

    #[tokio::test]
    async fn equal_keys_have_equal_ids_under_one_salt_and_rows_keep_their_order() {
        let dir = tempfile::tempdir().unwrap();
        let scratch = Scratch::open(dir.path().to_owned()).unwrap();
        let spool = spool(40_000, None, &scratch).await.unwrap();
        let ids = |salt| {
            let set = spool.own_set(&party("census"), &key(), &[salt; 32]).unwrap();
            assert!(!set.is_on_disk());
            let mut pairs = Vec::new();
            set.between(0, u128::MAX, &mut pairs).unwrap();
            pairs.sort_unstable_by_key(|(_, row)| *row);
            pairs
        };
        let one = ids(1);
        let at = |row: u64| one[one.binary_search_by_key(&row, |(_, row)| *row).unwrap()].0;
        assert_eq!(at(4), at(5));
        assert_ne!(at(5), at(6));
        assert!(one.binary_search_by_key(&3, |(_, row)| *row).is_err());
        assert!(ids(2).iter().zip(&one).all(|(a, b)| a.0 != b.0 && a.1 == b.1));
    }

    #[tokio::test]
    async fn what_breaks_the_bound_or_has_no_place_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let scratch = Scratch::open(dir.path().to_owned()).unwrap();
        let failure = spool(40, Some(39), &scratch).await.unwrap_err();
        assert_eq!(failure.reason, Reason::InputInvalid);
        assert!(failure.to_string().contains("39"), "{failure}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        let nowhere = Scratch { folder: dir.path().join("gone"), memory: 0 };
        let failure = spool(40, None, &nowhere).await.unwrap_err();
        assert!(failure.to_string().contains("gone"), "{failure}");
    }

    #[cfg(unix)]
    #[test]
    fn no_other_user_may_enter() {
        use std::os::unix::fs::PermissionsExt;

        let dir = tempfile::tempdir().unwrap();
        let folder = private(dir.path()).unwrap();
        assert_eq!(fs::metadata(folder.path()).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn what_a_crash_left_is_removed_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join(format!("{PREFIX}old"))).unwrap();
        fs::write(dir.path().join(format!("{PREFIX}old/rows.parquet")), "x").unwrap();
        fs::write(dir.path().join("notes.txt"), "mine").unwrap();
        // A command beside a daemon may find what that is at.
        Scratch::beside(dir.path().to_owned()).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
        Scratch::open(dir.path().to_owned()).unwrap();
        let left: Vec<_> =
            fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["notes.txt"]);
    }
}
