//! The coordinator's journal: notes from participants, sealed shares, receipts.

use sqlx::Row;

use super::{database::StoreError, jobs::JobStore};
use crate::{identity::PartyName, job::JobId};

impl JobStore {
    /// Keeps what a participant said about a job (`published`, `consent`, `receipt_part`): the first time counts.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn keep_note(
        &self,
        job: JobId,
        name: &'static str,
        party: &PartyName,
        json: &[u8],
    ) -> Result<(), StoreError> {
        sqlx::query("INSERT OR IGNORE INTO notes (job, name, party, json) VALUES (?, ?, ?, ?)")
            .bind(job.to_string())
            .bind(name)
            .bind(party.as_str())
            .bind(json)
            .execute(self.database.pool())
            .await?;
        Ok(())
    }

    /// What participants said, by name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn notes(
        &self,
        job: JobId,
        name: &'static str,
    ) -> Result<Vec<(PartyName, Vec<u8>)>, StoreError> {
        let rows =
            sqlx::query("SELECT party, json FROM notes WHERE job = ? AND name = ? ORDER BY party")
                .bind(job.to_string())
                .bind(name)
                .fetch_all(self.database.pool())
                .await?;
        rows.iter().map(|row| Ok((party(row.try_get("party")?)?, row.try_get("json")?))).collect()
    }

    /// Keeps one compute party's sealed share: manifest and pieces, in one transaction.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn keep_sealed(
        &self,
        job: JobId,
        party: &PartyName,
        manifest: &[u8],
        pieces: &[&[u8]],
    ) -> Result<(), StoreError> {
        let mut transaction = self.database.pool().begin().await?;
        sqlx::query("INSERT INTO sealed (job, party, manifest) VALUES (?, ?, ?)")
            .bind(job.to_string())
            .bind(party.as_str())
            .bind(manifest)
            .execute(&mut *transaction)
            .await?;
        for (piece, data) in (0_i64..).zip(pieces) {
            sqlx::query("INSERT INTO sealed_pieces (job, party, piece, data) VALUES (?, ?, ?, ?)")
                .bind(job.to_string())
                .bind(party.as_str())
                .bind(piece)
                .bind(*data)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// The manifests of a job's sealed shares, by party.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn sealed(&self, job: JobId) -> Result<Vec<(PartyName, Vec<u8>)>, StoreError> {
        let rows = sqlx::query("SELECT party, manifest FROM sealed WHERE job = ? ORDER BY party")
            .bind(job.to_string())
            .fetch_all(self.database.pool())
            .await?;
        rows.iter()
            .map(|row| Ok((party(row.try_get("party")?)?, row.try_get("manifest")?)))
            .collect()
    }

    /// One piece of a sealed share; `None` beyond the last.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn sealed_piece(
        &self,
        job: JobId,
        party: &PartyName,
        piece: i64,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let row =
            sqlx::query("SELECT data FROM sealed_pieces WHERE job = ? AND party = ? AND piece = ?")
                .bind(job.to_string())
                .bind(party.as_str())
                .bind(piece)
                .fetch_optional(self.database.pool())
                .await?;
        row.map(|row| Ok(row.try_get("data")?)).transpose()
    }

    /// Forgets a job's sealed shares: a job that failed has no result.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn drop_sealed(&self, job: JobId) -> Result<(), StoreError> {
        for statement in
            ["DELETE FROM sealed_pieces WHERE job = ?", "DELETE FROM sealed WHERE job = ?"]
        {
            sqlx::query(statement).bind(job.to_string()).execute(self.database.pool()).await?;
        }
        Ok(())
    }

    /// Keeps a job's receipt.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn keep_receipt(&self, job: JobId, json: &[u8]) -> Result<(), StoreError> {
        sqlx::query("INSERT OR REPLACE INTO receipts (job, json) VALUES (?, ?)")
            .bind(job.to_string())
            .bind(json)
            .execute(self.database.pool())
            .await?;
        Ok(())
    }

    /// Loses all receipts.
    #[cfg(test)]
    pub(crate) async fn forget_receipts(&self) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM receipts").execute(self.database.pool()).await?;
        Ok(())
    }

    /// A job's receipt.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn receipt(&self, job: JobId) -> Result<Option<Vec<u8>>, StoreError> {
        let row = sqlx::query("SELECT json FROM receipts WHERE job = ?")
            .bind(job.to_string())
            .fetch_optional(self.database.pool())
            .await?;
        row.map(|row| Ok(row.try_get("json")?)).transpose()
    }
}

fn party(name: &str) -> Result<PartyName, StoreError> {
    PartyName::try_from(name).map_err(|_| StoreError::Unreadable("a party"))
}
