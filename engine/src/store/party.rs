//! A participant's journal: what it was asked, what it decided, and that a consent serves once.

use sqlx::{Row, sqlite::SqliteRow};

use super::database::{Database, StoreError, from_json, json};
use crate::{
    identity::Hash32,
    job::{Failure, JobId},
    policy::Refusal,
};

/// How far a participant is with a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// It has a verdict.
    Validated,
    /// Its consent is spent; the run may have begun.
    Started,
    /// It has sealed and handed out its share.
    Released,
    /// It signed the receipt.
    Done,
    /// It ended early.
    Ended,
}

/// One job as a participant journalled it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartyRecord {
    /// Its name.
    pub job: JobId,
    /// The signed specification (JSON).
    pub spec: Vec<u8>,
    /// What all participants published, as the job came with it (JSON).
    pub published: Vec<u8>,
    /// The plan this participant compiled.
    pub plan: Hash32,
    /// Consented (`Some(true)`), denied, or pending.
    pub decision: Option<bool>,
    /// What its policies refuse, or its people's words.
    pub refusals: Vec<Refusal>,
    /// Its signed consent (JSON).
    pub consent: Option<Vec<u8>>,
    /// How far it is.
    pub phase: Phase,
    /// Since when, UTC milliseconds.
    pub changed_at_ms: i64,
    /// Why it ended early.
    pub failure: Option<Failure>,
    /// What it committed to when it prepared (JSON).
    pub commitments: Option<Vec<u8>>,
    /// The attempt that it prepared for, and the number that it drew for it.
    pub prepared: Option<(u32, Hash32)>,
    /// The run that its consent was spent on.
    pub run: Option<Hash32>,
    /// Its part of the receipt (JSON), once released.
    pub receipt_part: Option<Vec<u8>>,
    /// The body of the receipt that it signed (JSON).
    pub receipt: Option<Vec<u8>>,
}

/// A participant's jobs.
#[derive(Clone, Debug)]
pub struct PartyStore {
    pub(super) database: Database,
}

impl Phase {
    const ALL: [Self; 5] =
        [Self::Validated, Self::Started, Self::Released, Self::Done, Self::Ended];

    fn as_str(self) -> &'static str {
        match self {
            Self::Validated => "VALIDATED",
            Self::Started => "STARTED",
            Self::Released => "RELEASED",
            Self::Done => "DONE",
            Self::Ended => "ENDED",
        }
    }
}

impl PartyStore {
    /// The jobs in this journal.
    #[must_use]
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// Writes down a verdict, unless there is one on this job already; says whether it was new.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn insert(&self, record: &PartyRecord) -> Result<bool, StoreError> {
        let inserted = sqlx::query(
            "INSERT INTO party_jobs
                 (job, spec, published, plan, decision, refusals, consent, phase, changed_at_ms)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        )
        .bind(record.job.to_string())
        .bind(&record.spec)
        .bind(&record.published)
        .bind(record.plan.to_string())
        .bind(write_decision(record.decision))
        .bind(json(&record.refusals)?)
        .bind(&record.consent)
        .bind(record.phase.as_str())
        .bind(record.changed_at_ms)
        .execute(self.database.pool())
        .await?;
        Ok(inserted.rows_affected() == 1)
    }

    /// Writes down the decision of a job that was pending; says whether it was.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn decide(
        &self,
        job: JobId,
        consent: Option<&[u8]>,
        refusals: &[Refusal],
        at_ms: i64,
    ) -> Result<bool, StoreError> {
        let updated = sqlx::query(
            "UPDATE party_jobs SET decision = ?, consent = ?, refusals = ?, changed_at_ms = ?
             WHERE job = ? AND decision = 'PENDING' AND phase = 'VALIDATED'",
        )
        .bind(write_decision(Some(consent.is_some())))
        .bind(consent)
        .bind(json(&refusals)?)
        .bind(at_ms)
        .bind(job.to_string())
        .execute(self.database.pool())
        .await?;
        Ok(updated.rows_affected() == 1)
    }

    /// Keeps what a participant committed to when it prepared (JSON), for which attempt, and the number that it drew; says whether the
    /// job had not begun to run, and there was no other number: one that was drawn stands.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn prepared(
        &self,
        job: JobId,
        commitments: &[u8],
        drawn: (u32, Hash32),
    ) -> Result<bool, StoreError> {
        let drawn = json(&drawn)?;
        let updated = sqlx::query(
            "UPDATE party_jobs SET commitments = ?, prepared = ?
             WHERE job = ? AND phase = 'VALIDATED' AND (prepared IS NULL OR prepared = ?)",
        )
        .bind(commitments)
        .bind(&drawn)
        .bind(job.to_string())
        .bind(&drawn)
        .execute(self.database.pool())
        .await?;
        Ok(updated.rows_affected() == 1)
    }

    /// Spends a job's consent on a run: true once, and only where there is one. Written before the run starts.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn spend(&self, job: JobId, run: Hash32, at_ms: i64) -> Result<bool, StoreError> {
        let updated = sqlx::query(
            "UPDATE party_jobs SET spent = 1, phase = 'STARTED', run = ?, changed_at_ms = ?
             WHERE job = ? AND spent = 0 AND phase = 'VALIDATED' AND decision = 'CONSENTED'
               AND consent IS NOT NULL",
        )
        .bind(run.to_string())
        .bind(at_ms)
        .bind(job.to_string())
        .execute(self.database.pool())
        .await?;
        Ok(updated.rows_affected() == 1)
    }

    /// Keeps this participant's part of the receipt, before its share is handed out.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn release(&self, job: JobId, part: &[u8], at_ms: i64) -> Result<bool, StoreError> {
        let updated = sqlx::query(
            "UPDATE party_jobs SET phase = 'RELEASED', receipt_part = ?, changed_at_ms = ?
             WHERE job = ? AND phase = 'STARTED'",
        )
        .bind(part)
        .bind(at_ms)
        .bind(job.to_string())
        .execute(self.database.pool())
        .await?;
        Ok(updated.rows_affected() == 1)
    }

    /// Keeps the receipt's body that was signed here (JSON), in the place of one before: somebody may have left before that was signed
    /// by all. Says whether the job was done here.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn done(&self, job: JobId, body: &[u8], at_ms: i64) -> Result<bool, StoreError> {
        let updated = sqlx::query(
            "UPDATE party_jobs SET phase = 'DONE', receipt = ?, changed_at_ms = ?
             WHERE job = ? AND phase IN ('RELEASED', 'DONE')",
        )
        .bind(body)
        .bind(at_ms)
        .bind(job.to_string())
        .execute(self.database.pool())
        .await?;
        Ok(updated.rows_affected() == 1)
    }

    /// Keeps the body of the receipt of a failure that is signed here (JSON) in the place of the one `before`; says whether
    /// that was still the last one, and the job ended here with nothing handed out.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn failed(
        &self,
        job: JobId,
        before: Option<&[u8]>,
        body: &[u8],
    ) -> Result<bool, StoreError> {
        let updated = sqlx::query(
            "UPDATE party_jobs SET receipt = ?
             WHERE job = ? AND receipt IS ? AND phase = 'ENDED' AND receipt_part IS NULL",
        )
        .bind(body)
        .bind(job.to_string())
        .bind(before)
        .execute(self.database.pool())
        .await?;
        Ok(updated.rows_affected() == 1)
    }

    /// Ends a job early, unless it is done.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn end(&self, job: JobId, why: &Failure, at_ms: i64) -> Result<bool, StoreError> {
        let updated = sqlx::query(
            "UPDATE party_jobs SET phase = 'ENDED', failure = ?, changed_at_ms = ?
             WHERE job = ? AND phase NOT IN ('DONE', 'ENDED')",
        )
        .bind(json(why)?)
        .bind(at_ms)
        .bind(job.to_string())
        .execute(self.database.pool())
        .await?;
        Ok(updated.rows_affected() == 1)
    }

    /// Ends a job that has not begun to run, or that this party was killed in and is not back in; says whether it was one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn end_idle(
        &self,
        job: JobId,
        why: &Failure,
        at_ms: i64,
    ) -> Result<bool, StoreError> {
        let updated = sqlx::query(
            "UPDATE party_jobs SET phase = 'ENDED', failure = ?, changed_at_ms = ?
             WHERE job = ? AND phase IN ('VALIDATED', 'STARTED')",
        )
        .bind(json(why)?)
        .bind(at_ms)
        .bind(job.to_string())
        .execute(self.database.pool())
        .await?;
        Ok(updated.rows_affected() == 1)
    }

    /// A job.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn get(&self, job: JobId) -> Result<Option<PartyRecord>, StoreError> {
        let row = sqlx::query("SELECT * FROM party_jobs WHERE job = ?")
            .bind(job.to_string())
            .fetch_optional(self.database.pool())
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// All jobs, newest first, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list(&self, limit: u32) -> Result<Vec<PartyRecord>, StoreError> {
        let rows = sqlx::query("SELECT * FROM party_jobs ORDER BY rowid DESC LIMIT ?")
            .bind(limit)
            .fetch_all(self.database.pool())
            .await?;
        rows.iter().map(read).collect()
    }

    /// The jobs that wait for an answer, newest first, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn waiting(&self, limit: u32) -> Result<Vec<PartyRecord>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM party_jobs WHERE decision = 'PENDING' AND phase = 'VALIDATED' ORDER BY rowid DESC LIMIT ?",
        )
        .bind(limit)
        .fetch_all(self.database.pool())
        .await?;
        rows.iter().map(read).collect()
    }

    /// The jobs whose run was under way when the daemon went down.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn interrupted(&self) -> Result<Vec<JobId>, StoreError> {
        let rows = sqlx::query("SELECT job FROM party_jobs WHERE phase = 'STARTED'")
            .fetch_all(self.database.pool())
            .await?;
        let job = |row: &SqliteRow| {
            row.try_get::<String, _>("job")?.parse().map_err(|_| StoreError::Unreadable("a job"))
        };
        rows.iter().map(job).collect()
    }
}

fn write_decision(decision: Option<bool>) -> &'static str {
    match decision {
        None => "PENDING",
        Some(true) => "CONSENTED",
        Some(false) => "DENIED",
    }
}

fn read(row: &SqliteRow) -> Result<PartyRecord, StoreError> {
    let unreadable = StoreError::Unreadable;
    let phase: String = row.try_get("phase")?;
    let failure: Option<String> = row.try_get("failure")?;
    let run: Option<String> = row.try_get("run")?;
    let prepared: Option<String> = row.try_get("prepared")?;
    let drawn = |prepared: String| from_json("what was prepared", &prepared);
    Ok(PartyRecord {
        job: row.try_get::<String, _>("job")?.parse().map_err(|_| unreadable("a job"))?,
        spec: row.try_get("spec")?,
        published: row.try_get("published")?,
        plan: row.try_get::<String, _>("plan")?.parse().map_err(|_| unreadable("a plan"))?,
        decision: match row.try_get("decision")? {
            "CONSENTED" => Some(true),
            "DENIED" => Some(false),
            _ => None,
        },
        refusals: from_json("refusals", row.try_get("refusals")?)?,
        consent: row.try_get("consent")?,
        phase: Phase::ALL
            .into_iter()
            .find(|known| known.as_str() == phase)
            .ok_or_else(|| unreadable("a phase"))?,
        changed_at_ms: row.try_get("changed_at_ms")?,
        failure: failure.map(|failure| from_json("a failure", &failure)).transpose()?,
        commitments: row.try_get("commitments")?,
        prepared: prepared.map(drawn).transpose()?,
        run: run.map(|run| run.parse()).transpose().map_err(|_| unreadable("a run"))?,
        receipt_part: row.try_get("receipt_part")?,
        receipt: row.try_get("receipt")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: Hash32 = Hash32([3; 32]);

    fn record(decision: Option<bool>) -> PartyRecord {
        PartyRecord {
            job: Hash32([1; 32]).into(),
            spec: b"{}".to_vec(),
            published: b"{}".to_vec(),
            plan: Hash32([2; 32]),
            decision,
            refusals: Vec::new(),
            consent: decision.filter(|yes| *yes).map(|_| b"consent".to_vec()),
            phase: Phase::Validated,
            changed_at_ms: 5,
            failure: None,
            commitments: None,
            prepared: None,
            run: None,
            receipt_part: None,
            receipt: None,
        }
    }

    #[tokio::test]
    async fn a_consent_is_spent_once_and_survives_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state/journal.db");
        let store = PartyStore::new(Database::open(&path).await.unwrap());
        let record = record(Some(true));
        assert!(store.insert(&record).await.unwrap());
        assert!(!store.insert(&record).await.unwrap(), "the first verdict stands");
        assert!(store.spend(record.job, RUN, 6).await.unwrap());
        assert!(!store.spend(record.job, RUN, 7).await.unwrap());
        drop(store);
        let store = PartyStore::new(Database::open(&path).await.unwrap());
        assert!(!store.spend(record.job, RUN, 8).await.unwrap());
        assert_eq!(store.interrupted().await.unwrap(), [record.job]);
        assert_eq!(store.get(record.job).await.unwrap().unwrap().phase, Phase::Started);
    }

    #[tokio::test]
    async fn a_number_that_was_drawn_for_a_run_stands() {
        let store = PartyStore::new(Database::in_memory().await.unwrap());
        let record = record(Some(true));
        store.insert(&record).await.unwrap();
        let drawn = (1, Hash32([7; 32]));
        for _ in 0..2 {
            assert!(store.prepared(record.job, b"rows", drawn).await.unwrap());
        }
        for other in [(1, Hash32([8; 32])), (2, drawn.1)] {
            assert!(!store.prepared(record.job, b"rows", other).await.unwrap());
        }
        assert_eq!(store.get(record.job).await.unwrap().unwrap().prepared, Some(drawn));
        assert!(store.spend(record.job, RUN, 6).await.unwrap());
        assert!(!store.prepared(record.job, b"rows", drawn).await.unwrap(), "it has begun");
    }

    #[tokio::test]
    async fn nothing_is_spent_without_a_consent_or_after_the_end() {
        let store = PartyStore::new(Database::in_memory().await.unwrap());
        let pending = record(None);
        store.insert(&pending).await.unwrap();
        assert!(!store.spend(pending.job, RUN, 6).await.unwrap());
        assert!(store.decide(pending.job, Some(b"consent"), &[], 7).await.unwrap());
        assert!(!store.decide(pending.job, None, &[], 8).await.unwrap(), "decided once");
        let why = Failure::new(crate::job::Reason::Cancelled, crate::job::Stage::Approve, "");
        assert!(store.end(pending.job, &why, 9).await.unwrap());
        assert!(!store.spend(pending.job, RUN, 10).await.unwrap());
    }
}
