//! Files of string ids, and what is wrong with a file.

use std::{
    cell::RefCell,
    fs::{self, File},
    io::{BufWriter, Write as _},
    path::Path,
    sync::Arc,
};

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use protocols::{psi::Salt, session::SessionError};
use tables::{
    KeyColumn, KeyEncoder, Keys, Normal, Spill, TableError, TableFile, TableWriter, spill_ids,
};

use crate::Failure;

/// Bytes of ids and rows that a party keeps in memory; the rest goes to disk.
pub(super) const BUDGET: usize = 256 << 20;
/// Rows that are written together.
const BATCH: usize = 1 << 16;
/// The key column.
pub(super) const ID: &str = "id";

/// Why a file cannot be used: it ends this party's run, and the link with it, and is what is told in the end.
#[derive(Default)]
pub(super) struct Unfit(RefCell<Option<Failure>>);

impl Unfit {
    pub(super) fn at(&self, step: u64, error: impl Into<Failure>) -> SessionError {
        *self.0.borrow_mut() = Some(error.into());
        SessionError::Misuse { step, what: "a file that it cannot use" }
    }

    pub(super) fn first(self) -> Result<(), Failure> {
        self.0.into_inner().map_or(Ok(()), Err)
    }
}

/// The ids of a file's keys, and how many rows it has.
pub(super) fn read_ids(
    file: &TableFile,
    folder: &Path,
    salt: &Salt,
) -> Result<(Spill, u64), TableError> {
    let column = KeyColumn { name: ID.to_owned(), normal: Normal::LOOSE };
    let encoder = KeyEncoder::new(vec![column], file.schema())?;
    let mut spill = Spill::new(folder, BUDGET);
    let rows = spill_ids(file, &encoder, |keys| salt.ids(keys.iter()), &mut spill)?;
    Ok((spill, rows))
}

/// A file of ids from `first` on, of the form that its name says.
pub(super) fn write_ids(path: &Path, first: usize, count: usize) -> Result<(), Failure> {
    let id = |row: usize| format!("person-{row:012}");
    if path.extension().is_some_and(|end| end == "csv") {
        let mut out = BufWriter::new(File::create(path)?);
        writeln!(out, "{ID}")?;
        (first..first + count).try_for_each(|row| writeln!(out, "{}", id(row)))?;
        return Ok(out.flush()?);
    }
    let batch = |rows: std::ops::Range<usize>| {
        let ids: ArrayRef = Arc::new(StringArray::from_iter_values(rows.map(id)));
        RecordBatch::try_from_iter([(ID, ids)])
    };
    let mut out = TableWriter::create(path, batch(0..0)?.schema())?;
    for from in (first..first + count).step_by(BATCH) {
        out.push(&batch(from..(from + BATCH).min(first + count))?)?;
    }
    out.finish()?;
    Ok(())
}

/// Whether a file holds the ids from `first` on, once each, in order.
pub(super) fn check(path: &Path, first: usize, count: usize) -> Result<bool, Failure> {
    let wanted = path.with_extension("csv");
    write_ids(&wanted, first, count)?;
    let keys = |path: &Path| -> Result<Keys, Failure> {
        let file = TableFile::open(path)?;
        let column = KeyColumn { name: ID.to_owned(), normal: Normal::EXACT };
        let encoder = KeyEncoder::new(vec![column], file.schema())?;
        let mut keys = Keys::default();
        for batch in file.batches(&[ID])? {
            encoder.push(&batch?, 0, &mut keys)?;
        }
        Ok(keys)
    };
    let (found, wanted_keys) = (keys(path)?, keys(&wanted)?);
    fs::remove_file(&wanted)?;
    Ok(found.len() == count && found.iter().eq(wanted_keys.iter()))
}
