//! The published tables that a party has fetched to look keys up in: kept, so that a later job need not fetch them again.

use std::{
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use protocols::psi::lookup::{Stored, Table};
use tempfile::NamedTempFile;

use crate::{
    identity::{Hash32, PartyName, PublicKey},
    plan::{STATEMENT_BYTES, Statement},
};

/// What files are called that are being written.
const PREFIX: &str = ".unfinished-";
/// Whoever writes one has ended by now, one way or the other.
const OLD: Duration = Duration::from_secs(2 * 24 * 3600);

/// Where the table of one provider on these terms is kept: the newest one alone.
fn place(folder: &Path, provider: &PartyName, terms: Hash32) -> PathBuf {
    folder.join(format!("{provider}-{terms}.table"))
}

/// The table that is kept, if its provider signed it and it is whole. It is read once, a little at a time.
pub(super) fn held(
    folder: &Path,
    (provider, key): (&PartyName, &PublicKey),
    terms: Hash32,
) -> Option<(Statement, Table)> {
    let mut file = File::open(place(folder, provider, terms)).ok()?;
    let mut statement = [0; STATEMENT_BYTES];
    let opened = (|| {
        file.read_exact(&mut statement).ok()?;
        let statement = Statement::check(&statement, terms, key).ok()?;
        let body = Stored::behind(file, STATEMENT_BYTES as u64).ok()?;
        Some((statement.header.open_stored(Box::new(body)).ok()?, statement))
    })();
    if opened.is_none() {
        tracing::warn!(%provider, "a fetched table is damaged; it will be fetched again");
    }
    opened.map(|(table, statement)| (statement, table))
}

/// A file for the table of a statement, which stands in front; and the same, to write the table to.
pub(super) fn begin(folder: &Path, statement: &Statement) -> io::Result<(NamedTempFile, File)> {
    fs::create_dir_all(folder)?;
    let mut file = unfinished(folder)?;
    file.write_all(&statement.to_bytes())?;
    let place = file.as_file().try_clone()?;
    Ok((file, place))
}

/// Keeps a table in place of the one before it.
pub(super) fn keep(
    folder: &Path,
    provider: &PartyName,
    (statement, file): (&Statement, NamedTempFile),
) -> io::Result<()> {
    file.persist(place(folder, provider, statement.terms)).map(drop).map_err(|error| error.error)
}

/// A file beside those that are kept, which nobody else may read and that goes with this unless it is moved to a place.
pub(super) fn unfinished(folder: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new().prefix(PREFIX).tempfile_in(folder)
}

/// Removes what a crash left of files that were being written: those that nobody writes any more.
pub(super) fn clear(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let changed = entry.metadata().and_then(|file| file.modified());
        let old = changed.ok().and_then(|at| at.elapsed().ok()).is_some_and(|age| age > OLD);
        if old && entry.file_name().to_string_lossy().starts_with(PREFIX) {
            // What cannot be removed takes room and does no harm.
            let _ = fs::remove_file(entry.path());
        }
    }
}
