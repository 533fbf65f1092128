//! The sums by masks that a participant has signed for: of two sums of one round over different providers the difference could be
//! taken, so there is one, ever.

use super::{database::StoreError, party::PartyStore};
use crate::{identity::Hash32, job::JobId};

impl PartyStore {
    /// Writes down that sets of providers are signed for a round of a job; says whether none were before. On disk when this returns.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn sign_sum(&self, job: JobId, round: u32, sets: Hash32) -> Result<bool, StoreError> {
        let signed = sqlx::query(
            "INSERT INTO signed_sums (job, round, sets) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        )
        .bind(job.to_string())
        .bind(round)
        .bind(sets.to_string())
        .execute(self.database.pool())
        .await?;
        Ok(signed.rows_affected() == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Database;

    #[tokio::test]
    async fn a_round_is_signed_for_once_and_after_a_restart_too() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.db");
        let (job, other): (JobId, JobId) = (Hash32([1; 32]).into(), Hash32([2; 32]).into());
        let store = PartyStore::new(Database::open(&path).await.unwrap());
        assert!(store.sign_sum(job, 0, Hash32([7; 32])).await.unwrap());
        assert!(!store.sign_sum(job, 0, Hash32([8; 32])).await.unwrap());
        assert!(!store.sign_sum(job, 0, Hash32([7; 32])).await.unwrap(), "nor the same again");
        drop(store);
        let store = PartyStore::new(Database::open(&path).await.unwrap());
        assert!(!store.sign_sum(job, 0, Hash32([8; 32])).await.unwrap());
        assert!(store.sign_sum(job, 1, Hash32([8; 32])).await.unwrap());
        assert!(store.sign_sum(other, 0, Hash32([8; 32])).await.unwrap());
    }
}
