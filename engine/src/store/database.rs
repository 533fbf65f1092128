//! The file, and its tables.

use std::{io, path::Path, str::FromStr, time::Duration};

use sqlx::{
    AssertSqlSafe, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

/// A journal that cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database said no.
    #[error("journal: {0}; check the state directory's space and permissions")]
    Database(#[source] sqlx::Error),
    /// There is no room left for it.
    #[error("journal: {0}; free space on the disk of the state directory")]
    Full(#[source] io::Error),
    /// A row holds what this build did not write.
    #[error("journal: {0} cannot be read; was it written by another version?")]
    Unreadable(&'static str),
    /// A later build wrote it.
    #[error(
        "journal: its tables are of version {found}, this build knows {SCHEMA}: run the newer build, or start with another \
         state directory"
    )]
    Newer {
        /// What the file says.
        found: i64,
    },
    /// The directory cannot be made.
    #[error("journal: {0}")]
    Io(#[from] io::Error),
}

/// An open journal.
#[derive(Clone, Debug)]
pub struct Database {
    pool: SqlitePool,
}

/// The version of the tables that this build reads and writes; kept in SQLite's `user_version`.
const SCHEMA: i64 = 5;

/// Columns that tables of earlier versions may lack, with the statement that adds each.
const ADDED: [(&str, &str, &str); 4] = [
    ("party_jobs", "receipt", "ALTER TABLE party_jobs ADD COLUMN receipt BLOB"),
    ("party_jobs", "commitments", "ALTER TABLE party_jobs ADD COLUMN commitments BLOB"),
    ("party_jobs", "run", "ALTER TABLE party_jobs ADD COLUMN run TEXT"),
    ("party_jobs", "prepared", "ALTER TABLE party_jobs ADD COLUMN prepared TEXT"),
];

/// One statement each: what is there stays, and [`ADDED`] brings it up to date.
const TABLES: [&str; 13] = [
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
    "CREATE TABLE IF NOT EXISTS psi_queries (
        dataset TEXT NOT NULL, recipient TEXT NOT NULL, job TEXT NOT NULL, returns INTEGER NOT NULL,
        PRIMARY KEY (dataset, recipient, job)) STRICT",
    "CREATE TABLE IF NOT EXISTS psi_lookups (
        dataset TEXT NOT NULL, recipient TEXT NOT NULL, job TEXT NOT NULL, keys INTEGER NOT NULL,
        PRIMARY KEY (dataset, recipient, job)) STRICT",
    "CREATE TABLE IF NOT EXISTS privacy_spent (
        dataset TEXT NOT NULL, unit TEXT NOT NULL, job TEXT NOT NULL, run TEXT NOT NULL,
        attempt INTEGER NOT NULL, round INTEGER NOT NULL, noise INTEGER NOT NULL,
        PRIMARY KEY (dataset, unit, job, run, round)) STRICT",
    "CREATE TABLE IF NOT EXISTS signed_sums (
        job TEXT NOT NULL, round INTEGER NOT NULL, sets TEXT NOT NULL,
        PRIMARY KEY (job, round)) STRICT",
    "CREATE TABLE IF NOT EXISTS summed (
        training TEXT NOT NULL, round INTEGER NOT NULL, sum TEXT NOT NULL,
        PRIMARY KEY (training, round)) STRICT",
    "CREATE TABLE IF NOT EXISTS log_head (
        one INTEGER PRIMARY KEY CHECK (one = 1), entries INTEGER NOT NULL, hash TEXT NOT NULL) STRICT",
];

/// What SQLite says where the system told it that there is no room left.
const SQLITE_FULL: &str = "13";

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
        if code.is_some_and(|code| code == SQLITE_FULL) {
            return Self::Full(io::ErrorKind::StorageFull.into());
        }
        Self::Database(error)
    }
}

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
        let database = Self { pool };
        database.migrate().await?;
        Ok(database)
    }

    /// Brings older tables up to [`SCHEMA`], all of it or nothing; leaves newer ones alone.
    async fn migrate(&self) -> Result<(), StoreError> {
        // Taken for writing at once: two that open a new journal together must not both make it.
        let mut change = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let found: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *change).await?;
        if found > SCHEMA {
            return Err(StoreError::Newer { found });
        }
        if found == SCHEMA {
            return Ok(());
        }
        for table in TABLES {
            sqlx::query(table).execute(&mut *change).await?;
        }
        for (table, column, add) in ADDED {
            let there = sqlx::query("SELECT 1 FROM pragma_table_info(?) WHERE name = ?")
                .bind(table)
                .bind(column)
                .fetch_optional(&mut *change)
                .await?;
            if there.is_none() {
                sqlx::query(add).execute(&mut *change).await?;
            }
        }
        let now = AssertSqlSafe(format!("PRAGMA user_version = {SCHEMA}"));
        sqlx::query(now).execute(&mut *change).await?;
        change.commit().await?;
        Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{identity::Hash32, job::Reason, plan::SignedSum, store::PartyStore};

    async fn bare(path: &Path) -> SqlitePool {
        let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
        SqlitePoolOptions::new().connect_with(options).await.unwrap()
    }

    #[tokio::test]
    async fn a_journal_of_an_earlier_build_is_brought_up_to_date_and_keeps_its_jobs() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.db");
        let pool = bare(&path).await;
        let old = TABLES[6].replace(", receipt BLOB)", ")");
        assert_ne!(old, TABLES[6]);
        sqlx::query(AssertSqlSafe(old)).execute(&pool).await.unwrap();
        let job = "1".repeat(64);
        sqlx::query(
            "INSERT INTO party_jobs (job, spec, published, plan, decision, phase, changed_at_ms)
             VALUES (?, x'7b7d', x'7b7d', ?, 'CONSENTED', 'STARTED', 5)",
        )
        .bind(&job)
        .bind("2".repeat(64))
        .execute(&pool)
        .await
        .unwrap();
        pool.close().await;
        for _ in 0..2 {
            let store = PartyStore::new(Database::open(&path).await.unwrap());
            let record = store.get(job.parse().unwrap()).await.unwrap().unwrap();
            assert_eq!((record.receipt, record.commitments, record.run), (None, None, None));
            assert_eq!(store.interrupted().await.unwrap().len(), 1);
        }
    }

    #[tokio::test]
    async fn a_journal_without_room_says_that_it_is_the_disk() {
        let database = Database::in_memory().await.unwrap();
        // To SQLite, a journal that may not grow is one whose disk has no room.
        let pages: i64 =
            sqlx::query_scalar("PRAGMA page_count").fetch_one(database.pool()).await.unwrap();
        let bound = AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
        sqlx::query(bound).fetch_one(database.pool()).await.unwrap();
        let (store, job) = (PartyStore::new(database), "1".repeat(64).parse().unwrap());
        let mut error = None;
        for round in 0..1000 {
            let [training, sets, summed] = [Hash32([1; 32]); 3];
            let sum = SignedSum { training, round, sets, summed };
            error = error.or(store.sign_sum(job, &sum).await.err());
        }
        let error = error.unwrap();
        assert!(matches!(error, StoreError::Full(_)), "{error:?}");
        assert_eq!(Reason::of_fault(&error), Reason::DiskFull);
    }

    #[tokio::test]
    async fn a_journal_of_a_later_build_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.db");
        let pool = bare(&path).await;
        sqlx::query("PRAGMA user_version = 99").execute(&pool).await.unwrap();
        pool.close().await;
        let error = Database::open(&path).await.unwrap_err();
        assert!(matches!(error, StoreError::Newer { found: 99 }), "{error}");
        assert!(error.to_string().contains("newer build"), "{error}");
        let pool = bare(&path).await;
        let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_master")
            .fetch_one(&pool)
            .await
            .unwrap();
        assert_eq!(tables, 0);
    }
}
