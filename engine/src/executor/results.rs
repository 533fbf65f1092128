//! What an owner of a set learned, as a file of its own.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tables::{Kept, TableError, TableWriter};

use super::{
    prepare::Held,
    scratch::{Spool, column},
};
use crate::{
    exec::Found,
    job::{Failure, JobId, Reason, Stage},
    plan::{Keep, Keeps, Op, Opened, Plan, decode},
};

/// Writes what was found into a folder, one Parquet file for each set; gives their paths.
///
/// # Errors
/// [`Failure`] naming the file that cannot be written.
pub(super) fn write(
    folder: &Path,
    job: JobId,
    plan: &Plan,
    held: &[Option<Held>],
    found: &[Found],
) -> Result<Vec<PathBuf>, Failure> {
    let mut written = Vec::new();
    for found in found {
        let at = found.input as usize;
        let mut kept_by = plan.nodes.iter().flat_map(Op::results);
        let keeps = kept_by.find(|keeps| keeps.input == found.input);
        let (Some(keeps), Some(Some(Held::Set(spool)))) = (keeps, held.get(at)) else { continue };
        let path = folder.join(format!("{job}-{}.parquet", plan.inputs[at].datasets.join("-")));
        let stored = whole(&path, |part| keep(part, spool, keeps, &found.matched));
        stored.map_err(|error| unwritten(&path, &error))?;
        written.push(path);
    }
    Ok(written)
}

/// Writes what was opened to this party of the result into a folder.
///
/// # Errors
/// [`Failure`] naming the file that cannot be written.
pub(super) fn write_told(
    folder: &Path,
    job: JobId,
    plan: &Plan,
    told: &Opened,
) -> Result<PathBuf, Failure> {
    let path = folder.join(format!("{job}-result.parquet"));
    let failed = |what: &str| failed(&path, what);
    let output = plan.nodes.iter().find_map(|op| match op {
        Op::Tell(of) => Some(&of.output),
        _ => None,
    });
    let output = output.ok_or_else(|| failed("the plan opens nothing"))?;
    let rows = decode(output, told).map_err(|error| failed(&error.to_string()))?;
    let stored = whole(&path, |part| {
        let mut writer = TableWriter::create(part, rows.schema())?;
        writer.push(&rows)?;
        writer.finish()
    });
    stored.map_err(|error| unwritten(&path, &error))?;
    Ok(path)
}

fn failed(path: &Path, what: &str) -> Failure {
    let words = format!("the result cannot be written to {}: {what}", path.display());
    Failure::new(Reason::Internal, Stage::Release, words)
}

/// What the disk says of a file that was to be written.
pub(super) fn unwritten(path: &Path, error: &TableError) -> Failure {
    Failure { reason: Reason::of_fault(error), ..failed(path, &error.to_string()) }
}

/// The rows' numbers in the set, counted from 0, and the columns asked for.
fn keep(path: &Path, spool: &Spool, keeps: &Keeps, matched: &[u64]) -> Result<u64, TableError> {
    let sources: Vec<_> = keeps.columns.iter().map(|(source, _)| column(*source)).collect();
    let names = keeps.columns.iter().map(|(_, name)| name.as_str());
    let columns: Vec<_> = sources.iter().map(String::as_str).zip(names).collect();
    let keep = match keeps.keep {
        Keep::Matched => tables::Keep::Matched,
        Keep::Unmatched => tables::Keep::Unmatched,
        Keep::All => tables::Keep::All,
    };
    spool.keep(&Kept { columns: &columns, numbered: true, matched, keep }, path)
}

/// Written beside its place and moved there, so that a file with this name is whole.
pub(super) fn whole(
    path: &Path,
    write: impl FnOnce(&Path) -> Result<u64, TableError>,
) -> Result<(), TableError> {
    let part = path.with_extension("part");
    write(&part)?;
    let io = |source| TableError::Io { file: path.display().to_string(), source };
    fs::rename(&part, path).map_err(io)
}
