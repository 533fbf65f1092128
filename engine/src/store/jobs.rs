//! The coordinator's journal: jobs and their states.

use sqlx::{Row, sqlite::SqliteRow};

use super::database::{Database, StoreError, from_json, json};
use crate::{
    identity::{Hash32, PartyName},
    job::{Failure, JobEvent, JobId, JobState},
    policy::Refusal,
};

/// One job as journalled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRecord {
    /// Its name.
    pub job: JobId,
    /// The buyer's name for it.
    pub request_id: String,
    /// Who asked.
    pub buyer: PartyName,
    /// The signed specification (JSON).
    pub spec: Vec<u8>,
    /// Where it is.
    pub state: JobState,
    /// Since when, UTC milliseconds.
    pub changed_at_ms: i64,
    /// The plan, once compiled.
    pub plan: Option<Hash32>,
    /// Who takes part.
    pub participants: Vec<PartyName>,
    /// Whose consent is missing.
    pub awaiting: Vec<PartyName>,
    /// What policies refuse.
    pub refusals: Vec<Refusal>,
    /// Why it ended early.
    pub failure: Option<Failure>,
}

/// What became of a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Submitted {
    /// A new job.
    New,
    /// The job is there already.
    Again,
    /// The request id stands for this other job.
    Other(JobId),
}

/// The coordinator's jobs.
#[derive(Clone, Debug)]
pub struct JobStore {
    pub(super) database: Database,
}

impl JobStore {
    /// The jobs in this journal.
    #[must_use]
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// Takes a job in, unless the buyer's request id is there already.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn submit(&self, record: &JobRecord) -> Result<Submitted, StoreError> {
        let inserted = sqlx::query(
            "INSERT INTO jobs (job, request_id, buyer, spec, state, changed_at_ms)
             VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        )
        .bind(record.job.to_string())
        .bind(&record.request_id)
        .bind(record.buyer.as_str())
        .bind(&record.spec)
        .bind(record.state.as_str())
        .bind(record.changed_at_ms)
        .execute(self.database.pool())
        .await?;
        if inserted.rows_affected() == 1 {
            return Ok(Submitted::New);
        }
        let there = sqlx::query("SELECT job FROM jobs WHERE buyer = ? AND request_id = ?")
            .bind(record.buyer.as_str())
            .bind(&record.request_id)
            .fetch_one(self.database.pool())
            .await?;
        let there = there
            .try_get::<String, _>("job")?
            .parse()
            .map_err(|_| StoreError::Unreadable("a job"))?;
        Ok(if there == record.job { Submitted::Again } else { Submitted::Other(there) })
    }

    /// Writes a transition and the record it leads to, in one transaction, before anything acts on it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn transition(&self, event: JobEvent, record: &JobRecord) -> Result<(), StoreError> {
        let mut transaction = self.database.pool().begin().await?;
        sqlx::query("INSERT INTO transitions (job, at_ms, event, state) VALUES (?, ?, ?, ?)")
            .bind(record.job.to_string())
            .bind(record.changed_at_ms)
            .bind(json(&event)?)
            .bind(record.state.as_str())
            .execute(&mut *transaction)
            .await?;
        update(record)?.execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Writes a record whose state did not change.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn update(&self, record: &JobRecord) -> Result<(), StoreError> {
        update(record)?.execute(self.database.pool()).await?;
        Ok(())
    }

    /// A job.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn get(&self, job: JobId) -> Result<Option<JobRecord>, StoreError> {
        let row = sqlx::query("SELECT * FROM jobs WHERE job = ?")
            .bind(job.to_string())
            .fetch_optional(self.database.pool())
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// A buyer's jobs, newest first; `after` is the last name of the page before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list(
        &self,
        buyer: &PartyName,
        after: Option<JobId>,
        limit: u32,
    ) -> Result<Vec<JobRecord>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM jobs WHERE buyer = ?1 AND rowid < coalesce(
                 (SELECT rowid FROM jobs WHERE job = ?2), 9223372036854775807)
             ORDER BY rowid DESC LIMIT ?3",
        )
        .bind(buyer.as_str())
        .bind(after.map(|job| job.to_string()))
        .bind(limit)
        .fetch_all(self.database.pool())
        .await?;
        rows.iter().map(read).collect()
    }

    /// All jobs that have not ended, oldest first: what a restarted coordinator takes up or ends.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn unfinished(&self) -> Result<Vec<JobRecord>, StoreError> {
        let rows = sqlx::query("SELECT * FROM jobs ORDER BY rowid")
            .fetch_all(self.database.pool())
            .await?;
        let records: Vec<JobRecord> = rows.iter().map(read).collect::<Result<_, _>>()?;
        Ok(records
            .into_iter()
            .filter(|job| !job.state.is_final() && job.state != JobState::ResultReady)
            .collect())
    }

    /// When a job first came into a state, UTC milliseconds; none where it never did.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn reached(&self, job: JobId, state: JobState) -> Result<Option<i64>, StoreError> {
        let first =
            sqlx::query_scalar("SELECT min(at_ms) FROM transitions WHERE job = ? AND state = ?")
                .bind(job.to_string())
                .bind(state.as_str())
                .fetch_one(self.database.pool())
                .await?;
        Ok(first)
    }

    /// The jobs that failed after they had come to PREPARING and have no receipt yet, oldest first. Those of an earlier build,
    /// which kept no consents, can have none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn unaccounted(&self) -> Result<Vec<JobRecord>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM jobs WHERE failure IS NOT NULL
                 AND EXISTS (SELECT 1 FROM transitions t WHERE t.job = jobs.job AND t.state = 'PREPARING')
                 AND NOT EXISTS (SELECT 1 FROM receipts r WHERE r.job = jobs.job)
                 AND EXISTS (SELECT 1 FROM notes n WHERE n.job = jobs.job AND n.name = 'consent')
             ORDER BY rowid",
        )
        .fetch_all(self.database.pool())
        .await?;
        rows.iter().map(read).collect()
    }

    /// The states a job went through, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn history(&self, job: JobId) -> Result<Vec<JobState>, StoreError> {
        let rows = sqlx::query("SELECT state FROM transitions WHERE job = ? ORDER BY rowid")
            .bind(job.to_string())
            .fetch_all(self.database.pool())
            .await?;
        let state = |row: &SqliteRow| {
            JobState::from_name(row.get("state")).ok_or(StoreError::Unreadable("a state"))
        };
        rows.iter().map(state).collect()
    }
}

type Update = sqlx::query::Query<'static, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;

fn update(record: &JobRecord) -> Result<Update, StoreError> {
    Ok(sqlx::query(
        "UPDATE jobs SET state = ?, changed_at_ms = ?, plan = ?, participants = ?, awaiting = ?,
             refusals = ?, failure = ? WHERE job = ?",
    )
    .bind(record.state.as_str())
    .bind(record.changed_at_ms)
    .bind(record.plan.map(|plan| plan.to_string()))
    .bind(json(&record.participants)?)
    .bind(json(&record.awaiting)?)
    .bind(json(&record.refusals)?)
    .bind(record.failure.as_ref().map(json).transpose()?)
    .bind(record.job.to_string()))
}

fn read(row: &SqliteRow) -> Result<JobRecord, StoreError> {
    let plan: Option<String> = row.try_get("plan")?;
    let failure: Option<String> = row.try_get("failure")?;
    let unreadable = StoreError::Unreadable;
    Ok(JobRecord {
        job: row.try_get::<String, _>("job")?.parse().map_err(|_| unreadable("a job"))?,
        request_id: row.try_get("request_id")?,
        buyer: row.try_get::<String, _>("buyer")?.parse().map_err(|_| unreadable("a buyer"))?,
        spec: row.try_get("spec")?,
        state: JobState::from_name(row.try_get("state")?).ok_or_else(|| unreadable("a state"))?,
        changed_at_ms: row.try_get("changed_at_ms")?,
        plan: plan.map(|plan| plan.parse()).transpose().map_err(|_| unreadable("a plan"))?,
        participants: from_json("participants", row.try_get("participants")?)?,
        awaiting: from_json("awaiting", row.try_get("awaiting")?)?,
        refusals: from_json("refusals", row.try_get("refusals")?)?,
        failure: failure.map(|failure| from_json("a failure", &failure)).transpose()?,
    })
}
