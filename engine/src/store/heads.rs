//! Where a daemon's log ended when it was last written to: kept here, so that lines cut off its end are missed.

use sqlx::Row;

use super::database::{Database, StoreError};
use crate::identity::Hash32;

/// The end of a log, as the journal knows it.
#[derive(Clone, Debug)]
pub struct HeadStore {
    database: Database,
}

impl HeadStore {
    /// The log's end in this journal.
    #[must_use]
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// How many lines there were, and the last one's hash; none where no log was kept yet.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn get(&self) -> Result<Option<(u64, Hash32)>, StoreError> {
        let row = sqlx::query("SELECT entries, hash FROM log_head")
            .fetch_optional(self.database.pool())
            .await?;
        let Some(row) = row else { return Ok(None) };
        let unreadable = || StoreError::Unreadable("the end of the log");
        let entries = u64::try_from(row.try_get::<i64, _>("entries")?).map_err(|_| unreadable())?;
        let hash = row.try_get::<String, _>("hash")?.parse().map_err(|_| unreadable())?;
        Ok(Some((entries, hash)))
    }

    /// Notes a later end; an earlier one changes nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn advance(&self, entries: u64, hash: Hash32) -> Result<(), StoreError> {
        let entries =
            i64::try_from(entries).map_err(|_| StoreError::Unreadable("the end of the log"))?;
        sqlx::query(
            "INSERT INTO log_head (one, entries, hash) VALUES (1, ?, ?)
             ON CONFLICT (one) DO UPDATE SET entries = excluded.entries, hash = excluded.hash
             WHERE excluded.entries > log_head.entries",
        )
        .bind(entries)
        .bind(hash.to_string())
        .execute(self.database.pool())
        .await?;
        Ok(())
    }

    /// Forgets it: a new log is begun.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forget(&self) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM log_head").execute(self.database.pool()).await?;
        Ok(())
    }
}
