//! The published tables that a party has fetched to look keys up in: kept, so that a later job need not fetch them again.

use std::{
    fs,
    path::{Path, PathBuf},
};

use protocols::psi::lookup::Table;

use crate::{
    identity::{Hash32, PartyName, PublicKey},
    plan::{STATEMENT_BYTES, Statement},
};

/// Where the table of one provider on these terms is kept: the newest one alone.
fn place(folder: &Path, provider: &PartyName, terms: Hash32) -> PathBuf {
    folder.join(format!("{provider}-{terms}.table"))
}

/// The table that is kept, if its provider signed it and it is whole.
pub(super) fn held(
    folder: &Path,
    (provider, key): (&PartyName, &PublicKey),
    terms: Hash32,
) -> Option<(Statement, Table)> {
    let bytes = fs::read(place(folder, provider, terms)).ok()?;
    let (statement, body) = bytes.split_first_chunk::<STATEMENT_BYTES>()?;
    let statement = Statement::check(statement, terms, key);
    let opened = statement.ok().and_then(|it| Some((it.header.open(body).ok()?, it)));
    if opened.is_none() {
        tracing::warn!(%provider, "a fetched table is damaged; it will be fetched again");
    }
    opened.map(|(table, statement)| (statement, table))
}

/// Keeps a table in place of the one before it.
///
/// # Errors
/// If the folder cannot be written.
pub(super) fn keep(
    folder: &Path,
    provider: &PartyName,
    (statement, body): (&Statement, &[u8]),
) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    let path = place(folder, provider, statement.terms);
    let part = path.with_extension("part");
    fs::write(&part, [&statement.to_bytes()[..], body].concat())?;
    fs::rename(&part, &path)
}
