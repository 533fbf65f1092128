//! How many intersections a recipient has had with a dataset: reserved before a run; returned if it fails before anything was
//! released, where that showed nothing.

use super::{database::StoreError, lookups, party::PartyStore};
use crate::{
    job::JobId,
    policy::{LookupBudget, QueryBudget},
};

/// Reserved queries that count: those that may have shown something, and those that still run.
const COUNTED: &str = "SELECT COUNT(*) FROM psi_queries q JOIN party_jobs p ON p.job = q.job
     WHERE q.dataset = ? AND q.recipient IN (?, ?) AND q.job <> ?
       AND (q.returns = 0 OR p.phase IN ('STARTED', 'RELEASED', 'DONE') OR p.receipt_part IS NOT NULL)";

impl PartyStore {
    /// Whether a job would stay within a budget as it stands.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn within(&self, job: JobId, budget: &QueryBudget) -> Result<bool, StoreError> {
        let counted: i64 = sqlx::query_scalar(COUNTED)
            .bind(&budget.dataset)
            .bind(&budget.recipient)
            .bind(budget.party.as_str())
            .bind(job.to_string())
            .fetch_one(self.database.pool())
            .await?;
        Ok(counted < i64::from(budget.most))
    }

    /// Reserves one query of each budget for a job, and the keys that it looks up, or nothing where one of them is used up; says
    /// whether it did.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn reserve(
        &self,
        job: JobId,
        budgets: &[QueryBudget],
        keys: &[LookupBudget],
    ) -> Result<bool, StoreError> {
        let mut change = self.database.pool().begin().await?;
        for budget in budgets {
            let statement = sqlx::AssertSqlSafe(format!(
                "INSERT INTO psi_queries (dataset, recipient, job, returns)
                 SELECT ?, ?, ?, ? WHERE ({COUNTED}) < ?
                 ON CONFLICT (dataset, recipient, job) DO UPDATE SET returns = excluded.returns"
            ));
            let reserved = sqlx::query(statement)
                .bind(&budget.dataset)
                .bind(&budget.recipient)
                .bind(job.to_string())
                .bind(budget.returns)
                .bind(&budget.dataset)
                .bind(&budget.recipient)
                .bind(budget.party.as_str())
                .bind(job.to_string())
                .bind(budget.most)
                .execute(&mut *change)
                .await?;
            if reserved.rows_affected() != 1 {
                change.rollback().await?;
                return Ok(false);
            }
        }
        for budget in keys {
            if !lookups::take(&mut change, job, budget).await? {
                change.rollback().await?;
                return Ok(false);
            }
        }
        change.commit().await?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::database::Database, *};
    use crate::{
        identity::Hash32,
        job::{Failure, Reason, Stage},
        store::{PartyRecord, Phase},
    };

    async fn started(store: &PartyStore, number: u8, budgets: &[QueryBudget]) -> (JobId, bool) {
        let job: JobId = Hash32([number; 32]).into();
        let record = PartyRecord {
            job,
            spec: b"{}".to_vec(),
            published: b"{}".to_vec(),
            plan: Hash32([2; 32]),
            decision: Some(true),
            refusals: Vec::new(),
            consent: Some(b"consent".to_vec()),
            phase: Phase::Validated,
            changed_at_ms: 5,
            failure: None,
            commitments: None,
            prepared: None,
            run: None,
            receipt_part: None,
            receipt: None,
        };
        store.insert(&record).await.unwrap();
        let reserved = store.reserve(job, budgets, &[]).await.unwrap();
        if reserved {
            assert!(store.spend(job, Hash32([3; 32]), 6).await.unwrap());
        }
        (job, reserved)
    }

    fn budget(dataset: &str, most: u32, returns: bool) -> QueryBudget {
        of("insurer", "insurer ltd", (dataset, most, returns))
    }

    fn of(
        party: &str,
        recipient: &str,
        (dataset, most, returns): (&str, u32, bool),
    ) -> QueryBudget {
        let (party, recipient) = (party.parse().unwrap(), recipient.to_owned());
        QueryBudget { dataset: dataset.to_owned(), recipient, party, most, returns }
    }

    #[tokio::test]
    async fn an_organisation_has_one_budget_whatever_its_parties_are_called() {
        let store = PartyStore::new(Database::in_memory().await.unwrap());
        let asks = |party, recipient| [of(party, recipient, ("a.x", 2, true))];
        assert!(started(&store, 1, &asks("insurer", "insurer ltd")).await.1);
        // As an older journal has it.
        assert!(started(&store, 2, &asks("insurer_too", "insurer_too")).await.1);
        assert!(started(&store, 3, &asks("insurer_too", "insurer_too")).await.1);
        assert!(!started(&store, 4, &asks("insurer_too", "insurer ltd")).await.1);
        assert!(started(&store, 5, &asks("bank", "bank ltd")).await.1);
    }

    #[tokio::test]
    async fn a_budget_is_returned_only_where_a_failed_run_showed_nothing() {
        let store = PartyStore::new(Database::in_memory().await.unwrap());
        let why = Failure::new(Reason::PartyLost, Stage::Run, "gone");
        for (first, (returns, dataset)) in [(10, (true, "a.x")), (20, (false, "a.y"))] {
            let one = [budget(dataset, 1, returns)];
            let (job, reserved) = started(&store, first, &one).await;
            assert!(reserved);
            assert!(!store.within(Hash32([99; 32]).into(), &one[0]).await.unwrap());
            assert!(!started(&store, first + 1, &one).await.1, "used up while it runs");
            assert!(store.end(job, &why, 7).await.unwrap());
            assert_eq!(started(&store, first + 2, &one).await.1, returns);
        }
    }

    #[tokio::test]
    async fn a_released_run_has_used_its_budget_and_all_are_reserved_or_none() {
        let store = PartyStore::new(Database::in_memory().await.unwrap());
        let (job, _) = started(&store, 1, &[budget("a.x", 1, true)]).await;
        assert!(store.release(job, b"{}", 7).await.unwrap());
        let why = Failure::new(Reason::PartyLost, Stage::Release, "gone");
        store.end(job, &why, 8).await.unwrap();
        let both = [budget("a.z", 1, true), budget("a.x", 1, true)];
        assert!(!started(&store, 2, &both).await.1);
        assert!(started(&store, 3, &both[..1]).await.1, "nothing was reserved before");
    }
}
