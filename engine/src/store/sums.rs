//! The sums by masks that a participant has signed for: of two sums of one round over different providers the difference could be
//! taken, so there is one, ever.

use sqlx::Row as _;

use super::{database::StoreError, party::PartyStore};
use crate::{job::JobId, plan::SignedSum};

impl PartyStore {
    /// Writes down that sets of providers are signed for a round of a job; says whether that may be: no others were before, and in the job's
    /// training no sum of the round but of the same updates. Who was killed behind it signs the same again, which is the same signature. On
    /// disk when this returns.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn sign_sum(&self, job: JobId, sum: &SignedSum) -> Result<bool, StoreError> {
        // Taken for writing at once: two jobs of a training must not both read before either writes.
        let mut change = self.database.pool().begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query(
            "INSERT INTO signed_sums (job, round, sets) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        )
        .bind(job.to_string())
        .bind(sum.round)
        .bind(sum.sets.to_string())
        .execute(&mut *change)
        .await?;
        let signed = sqlx::query("SELECT sets FROM signed_sums WHERE job = ? AND round = ?")
            .bind(job.to_string())
            .bind(sum.round)
            .fetch_one(&mut *change)
            .await?;
        if signed.try_get::<String, _>("sets")? != sum.sets.to_string() {
            return Ok(false);
        }
        sqlx::query(
            "INSERT INTO summed (training, round, sum) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        )
        .bind(sum.training.to_string())
        .bind(sum.round)
        .bind(sum.summed.to_string())
        .execute(&mut *change)
        .await?;
        let there = sqlx::query("SELECT sum FROM summed WHERE training = ? AND round = ?")
            .bind(sum.training.to_string())
            .bind(sum.round)
            .fetch_one(&mut *change)
            .await?;
        if there.try_get::<String, _>("sum")? != sum.summed.to_string() {
            return Ok(false);
        }
        change.commit().await?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{identity::Hash32, store::Database};

    fn sum(training: u8, round: u32, sets: u8, summed: u8) -> SignedSum {
        let [training, sets, summed] = [training, sets, summed].map(|byte| Hash32([byte; 32]));
        SignedSum { training, round, sets, summed }
    }

    #[tokio::test]
    async fn a_round_is_signed_for_in_one_way_and_after_a_restart_too() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.db");
        let (job, other): (JobId, JobId) = (Hash32([1; 32]).into(), Hash32([2; 32]).into());
        let store = PartyStore::new(Database::open(&path).await.unwrap());
        assert!(store.sign_sum(job, &sum(1, 0, 7, 7)).await.unwrap());
        assert!(!store.sign_sum(job, &sum(1, 0, 8, 8)).await.unwrap());
        assert!(store.sign_sum(job, &sum(1, 0, 7, 7)).await.unwrap(), "the same again");
        drop(store);
        let store = PartyStore::new(Database::open(&path).await.unwrap());
        assert!(!store.sign_sum(job, &sum(1, 0, 8, 8)).await.unwrap());
        assert!(!store.sign_sum(job, &sum(1, 0, 7, 8)).await.unwrap(), "of other updates");
        assert!(
            store.sign_sum(job, &sum(1, 0, 7, 7)).await.unwrap(),
            "the same, by a daemon that is up again"
        );
        assert!(store.sign_sum(job, &sum(1, 1, 8, 8)).await.unwrap());
        assert!(store.sign_sum(other, &sum(2, 0, 8, 8)).await.unwrap());
    }
    /// A job that goes on with a training makes the sum of a round that another one has signed for, or none.
    #[tokio::test]
    async fn of_a_round_of_a_training_one_sum_is_signed_for_whichever_job_it_is_of() {
        let store = PartyStore::new(Database::in_memory().await.unwrap());
        let jobs: [JobId; 3] = [1, 2, 3].map(|byte| Hash32([byte; 32]).into());
        assert!(store.sign_sum(jobs[0], &sum(1, 0, 7, 5)).await.unwrap());
        assert!(store.sign_sum(jobs[1], &sum(1, 0, 8, 5)).await.unwrap(), "the same updates");
        assert!(!store.sign_sum(jobs[2], &sum(1, 0, 9, 6)).await.unwrap(), "others");
        assert!(store.sign_sum(jobs[2], &sum(1, 0, 9, 5)).await.unwrap(), "nothing was signed");
        assert!(store.sign_sum(jobs[2], &sum(1, 1, 9, 6)).await.unwrap(), "another round");
    }
}
