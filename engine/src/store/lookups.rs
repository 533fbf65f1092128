//! How many keys a recipient has looked up in a dataset: counted before a run, and never given back, since who asked may have
//! had its answers whatever became of the run.

use sqlx::{Sqlite, Transaction};

use super::{database::StoreError, party::PartyStore};
use crate::{job::JobId, policy::LookupBudget};

/// Keys counted, other than a job's own.
const COUNTED: &str = "SELECT COALESCE(SUM(keys), 0) FROM psi_lookups
     WHERE dataset = ? AND recipient = ? AND job <> ?";

impl PartyStore {
    /// How many keys a budget has left for a job, as it stands.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn lookups_left(&self, job: JobId, budget: &LookupBudget) -> Result<u64, StoreError> {
        let counted: i64 = sqlx::query_scalar(COUNTED)
            .bind(&budget.dataset)
            .bind(&budget.recipient)
            .bind(job.to_string())
            .fetch_one(self.database.pool())
            .await?;
        let counted = u64::try_from(counted).unwrap_or(u64::MAX);
        Ok(u64::from(budget.most).saturating_sub(counted))
    }
}

/// Counts what a job takes of a budget; says whether so much was left.
pub(super) async fn take(
    change: &mut Transaction<'_, Sqlite>,
    job: JobId,
    budget: &LookupBudget,
) -> Result<bool, StoreError> {
    let statement = sqlx::AssertSqlSafe(format!(
        "INSERT INTO psi_lookups (dataset, recipient, job, keys)
         SELECT ?, ?, ?, ? WHERE ({COUNTED}) + ? <= ?
         ON CONFLICT (dataset, recipient, job) DO UPDATE SET keys = excluded.keys"
    ));
    let keys = i64::try_from(budget.takes).unwrap_or(i64::MAX);
    let taken = sqlx::query(statement)
        .bind(&budget.dataset)
        .bind(&budget.recipient)
        .bind(job.to_string())
        .bind(keys)
        .bind(&budget.dataset)
        .bind(&budget.recipient)
        .bind(job.to_string())
        .bind(keys)
        .bind(budget.most)
        .execute(&mut **change)
        .await?;
    Ok(taken.rows_affected() == 1)
}

#[cfg(test)]
mod tests {
    use super::{super::database::Database, *};
    use crate::identity::Hash32;

    fn budget(recipient: &str, most: u32, takes: u64) -> LookupBudget {
        let (dataset, recipient) = ("a.x".to_owned(), recipient.to_owned());
        LookupBudget { dataset, recipient, most, takes }
    }

    fn job(number: u8) -> JobId {
        Hash32([number; 32]).into()
    }

    #[tokio::test]
    async fn keys_are_counted_for_each_recipient_and_outlast_the_daemon() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.db");
        let store = PartyStore::new(Database::open(&path).await.unwrap());
        let ours = |takes| [budget("Bank", 100, takes)];
        assert!(store.reserve(job(1), &[], &ours(60)).await.unwrap());
        assert!(store.reserve(job(1), &[], &ours(60)).await.unwrap(), "one job counts once");
        assert!(!store.reserve(job(2), &[], &ours(41)).await.unwrap());
        assert_eq!(store.lookups_left(job(2), &ours(0)[0]).await.unwrap(), 40);
        assert!(store.reserve(job(3), &[], &[budget("Clinic", 100, 100)]).await.unwrap());
        drop(store);
        let store = PartyStore::new(Database::open(&path).await.unwrap());
        assert!(!store.reserve(job(4), &[], &ours(41)).await.unwrap());
        assert!(store.reserve(job(4), &[], &ours(40)).await.unwrap());
        assert_eq!(store.lookups_left(job(5), &ours(0)[0]).await.unwrap(), 0);
    }
}
