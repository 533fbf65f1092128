//! The file, and its tables.

use std::{path::Path, str::FromStr, time::Duration};

use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

/// A journal that cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database said no.
    #[error("journal: {0}; check the state directory's space and permissions")]
    Database(#[from] sqlx::Error),
    /// A row holds what this build did not write.
    #[error("journal: {0} cannot be read; was it written by another version?")]
    Unreadable(&'static str),
    /// The directory cannot be made.
    #[error("journal: {0}")]
    Io(#[from] std::io::Error),
}

/// An open journal.
#[derive(Clone, Debug)]
pub struct Database {
    pool: SqlitePool,
}

/// One statement each: what is there stays.
const TABLES: [&str; 7] = [
    "CREATE TABLE IF NOT EXISTS jobs (
        job TEXT PRIMARY KEY, request_id TEXT NOT NULL, buyer TEXT NOT NULL, spec BLOB NOT NULL,
        state TEXT NOT NULL, changed_at_ms INTEGER NOT NULL, plan TEXT,
        participants TEXT NOT NULL DEFAULT '[]', awaiting TEXT NOT NULL DEFAULT '[]',
        refusals TEXT NOT NULL DEFAULT '[]', failure TEXT,
        UNIQUE (buyer, request_id)) STRICT",
    "CREATE TABLE IF NOT EXISTS transitions (
        job TEXT NOT NULL, at_ms INTEGER NOT NULL, event TEXT NOT NULL, state TEXT NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS notes (
        job TEXT NOT NULL, name TEXT NOT NULL, party TEXT NOT NULL, json BLOB NOT NULL,
        PRIMARY KEY (job, name, party)) STRICT",
    "CREATE TABLE IF NOT EXISTS sealed (
        job TEXT NOT NULL, party TEXT NOT NULL, manifest BLOB NOT NULL,
        PRIMARY KEY (job, party)) STRICT",
    "CREATE TABLE IF NOT EXISTS sealed_pieces (
        job TEXT NOT NULL, party TEXT NOT NULL, piece INTEGER NOT NULL, data BLOB NOT NULL,
        PRIMARY KEY (job, party, piece)) STRICT",
    "CREATE TABLE IF NOT EXISTS receipts (job TEXT PRIMARY KEY, json BLOB NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS party_jobs (
        job TEXT PRIMARY KEY, spec BLOB NOT NULL, published BLOB NOT NULL, plan TEXT NOT NULL,
        decision TEXT NOT NULL, refusals TEXT NOT NULL DEFAULT '[]', consent BLOB,
        spent INTEGER NOT NULL DEFAULT 0, phase TEXT NOT NULL, changed_at_ms INTEGER NOT NULL,
        failure TEXT, receipt_part BLOB, receipt BLOB) STRICT",
];

impl Database {
    /// Opens the journal at `path`, making it if it is not there.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be made or written.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory)?;
        }
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(10));
        Self::connect(options, 4).await
    }

    /// A journal that is gone with the process, for tests.
    ///
    /// # Errors
    /// [`StoreError`] if there is no memory.
    pub async fn in_memory() -> Result<Self, StoreError> {
        // One connection: each would have a database of its own.
        Self::connect(SqliteConnectOptions::from_str("sqlite::memory:")?, 1).await
    }

    async fn connect(options: SqliteConnectOptions, connections: u32) -> Result<Self, StoreError> {
        let pool = SqlitePoolOptions::new()
            .max_connections(connections)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options)
            .await?;
        for table in TABLES {
            sqlx::query(table).execute(&pool).await?;
        }
        Ok(Self { pool })
    }

    pub(super) fn pool(&self) -> &SqlitePool {
        &self.pool
    }
}

/// A JSON column.
pub(super) fn json<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|_| StoreError::Unreadable("a value"))
}

/// Reads a JSON column.
pub(super) fn from_json<T: serde::de::DeserializeOwned>(
    what: &'static str,
    text: &str,
) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::Unreadable(what))
}
