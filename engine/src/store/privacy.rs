//! What differential privacy has been spent on each dataset: written down before anything of a round is sent, never taken away.

use std::collections::BTreeMap;

use federated::account::{Budget, Charge, Ledger, LedgerError, Release, Spending};
use sqlx::{Row, Sqlite, Transaction, sqlite::SqliteRow};

use super::{database::StoreError, party::PartyStore};
use crate::{
    identity::Hash32,
    job::{Delta, JobId, Micro},
    policy::PrivacyBudget,
};

/// One round of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpentRound {
    /// The job.
    pub job: JobId,
    /// The run: what another one sends is other updates, and costs again.
    pub run: Hash32,
    /// Which attempt at the job it is.
    pub attempt: u32,
    /// Which round, from 0.
    pub round: u32,
}

/// What became of a wish to spend.
pub type Spent = Result<(), LedgerError>;

impl PartyStore {
    /// The ε that all rounds of a job would bring a dataset to, or that its budget does not reach for them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn privacy_with(
        &self,
        budget: &PrivacyBudget,
    ) -> Result<Result<f64, LedgerError>, StoreError> {
        let mut reading = self.database.pool().begin().await?;
        let mut ledger = ledger(&mut reading, budget).await?;
        let job: JobId = Hash32([0; 32]).into();
        let all = SpentRound { job, run: Hash32([0; 32]), attempt: u32::MAX, round: u32::MAX };
        let spent = spend(&mut ledger, budget, &all, budget.rounds);
        let delta = budget.most.map_or(Delta::USUAL, |(_, delta)| delta).value();
        Ok(spent.and_then(|_| ledger.epsilon(&budget.dataset, budget.unit.into(), delta)))
    }

    /// Writes down that a round is taken part in, if the budget reaches; it is on disk when this returns. The same round of the
    /// same run costs once.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn spend_privacy(
        &self,
        budget: &PrivacyBudget,
        at: &SpentRound,
    ) -> Result<Spent, StoreError> {
        // Taken for writing at once: two jobs must not both read before either writes.
        let mut change = self.database.pool().begin_with("BEGIN IMMEDIATE").await?;
        if is_there(&mut change, budget, at).await? {
            return Ok(Ok(()));
        }
        let mut ledger = ledger(&mut change, budget).await?;
        match spend(&mut ledger, budget, at, 1) {
            Err(error) => return Ok(Err(error)),
            Ok(Charge::Already) => return Ok(Ok(())),
            Ok(Charge::New) => {}
        }
        sqlx::query(
            "INSERT INTO privacy_spent (dataset, unit, job, run, attempt, round, noise) VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&budget.dataset)
        .bind(budget.unit.to_string())
        .bind(at.job.to_string())
        .bind(at.run.to_string())
        .bind(at.attempt)
        .bind(at.round)
        .bind(i64::try_from(budget.noise.0).unwrap_or(i64::MAX))
        .execute(&mut *change)
        .await?;
        change.commit().await?;
        Ok(Ok(()))
    }
}

/// A round, or several at once, in the ledger of its dataset.
fn spend(
    ledger: &mut Ledger,
    budget: &PrivacyBudget,
    at: &SpentRound,
    steps: u32,
) -> Result<Charge, LedgerError> {
    let (epsilon, delta) = budget.most.map_or_else(
        || (f64::MAX, Delta::USUAL.value()),
        |(epsilon, delta)| (epsilon.value(), delta.value()),
    );
    let of = Budget::new(epsilon, delta)?;
    ledger.spend(
        &of,
        spending(budget, (at.job, at.run), (at.attempt, at.round), (budget.noise, steps)),
    )
}

fn spending(
    budget: &PrivacyBudget,
    (job, run): (JobId, Hash32),
    (attempt, round): (u32, u32),
    (noise, steps): (Micro, u32),
) -> Spending {
    let release = Release { job: job.to_string(), round, attempt, updates: run.0 };
    let (dataset, unit) = (budget.dataset.clone(), budget.unit.into());
    Spending { dataset, unit, release, sampling: 1.0, noise: noise.value(), steps }
}

async fn is_there(
    change: &mut Transaction<'_, Sqlite>,
    budget: &PrivacyBudget,
    at: &SpentRound,
) -> Result<bool, StoreError> {
    let there = sqlx::query(
        "SELECT 1 FROM privacy_spent WHERE dataset = ? AND unit = ? AND job = ? AND run = ? AND round = ? AND noise = ?",
    )
    .bind(&budget.dataset)
    .bind(budget.unit.to_string())
    .bind(at.job.to_string())
    .bind(at.run.to_string())
    .bind(at.round)
    .bind(i64::try_from(budget.noise.0).unwrap_or(i64::MAX))
    .fetch_optional(&mut **change)
    .await?;
    Ok(there.is_some())
}

/// The account of a budget's dataset and unit: one entry for all rounds of one noise, however many there are.
async fn ledger(
    reading: &mut Transaction<'_, Sqlite>,
    budget: &PrivacyBudget,
) -> Result<Ledger, StoreError> {
    let rows = sqlx::query(
        "SELECT noise, COUNT(*) AS rounds FROM privacy_spent WHERE dataset = ? AND unit = ? GROUP BY noise",
    )
    .bind(&budget.dataset)
    .bind(budget.unit.to_string())
    .fetch_all(&mut **reading)
    .await?;
    let figures = |row: &SqliteRow| -> Result<(u64, u32), StoreError> {
        let (noise, rounds): (i64, i64) = (row.try_get("noise")?, row.try_get("rounds")?);
        let read = u64::try_from(noise).ok().zip(u32::try_from(rounds).ok());
        read.ok_or(StoreError::Unreadable("what was spent"))
    };
    let all = rows.iter().map(figures).collect::<Result<BTreeMap<_, _>, _>>()?;
    // Rounds are told apart in the table; here it is how many that counts.
    let job: JobId = Hash32([0; 32]).into();
    let entry = |(at, (noise, rounds)): (u32, (u64, u32))| {
        spending(budget, (job, Hash32([1; 32])), (0, at), (Micro(noise), rounds))
    };
    Ledger::restore((0..).zip(all).map(entry)).map_err(|_| StoreError::Unreadable("what was spent"))
}

#[cfg(test)]
mod tests {
    use super::{super::database::Database, *};
    use crate::{
        job::{Failure, PrivacyUnit, Reason, Stage},
        store::{PartyRecord, Phase},
    };

    fn budget(dataset: &str, noise: u64, rounds: u32) -> PrivacyBudget {
        let most = Some((Micro(8_600_000), Delta::USUAL));
        let (dataset, noise) = (dataset.to_owned(), Micro(noise * 1_000_000));
        PrivacyBudget { dataset, unit: PrivacyUnit::Client, noise, rounds, most }
    }

    fn at(job: u8, run: u8, round: u32) -> SpentRound {
        SpentRound { job: Hash32([job; 32]).into(), run: Hash32([run; 32]), attempt: 0, round }
    }

    /// Whether all rounds of a budget's job fit.
    async fn fits(store: &PartyStore, budget: &PrivacyBudget) -> bool {
        store.privacy_with(budget).await.unwrap().is_ok()
    }

    async fn open(path: &std::path::Path) -> PartyStore {
        PartyStore::new(Database::open(path).await.unwrap())
    }

    #[tokio::test]
    async fn rounds_are_counted_over_jobs_and_restarts_until_the_budget_is_spent() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.db");
        let four = budget("a.x", 4, 50);
        let store = open(&path).await;
        let epsilon = store.privacy_with(&four).await.unwrap().unwrap();
        assert!((epsilon - 8.595_865_790).abs() < 1e-8, "{epsilon}");
        for round in 0..30 {
            assert_eq!(store.spend_privacy(&four, &at(1, 1, round)).await.unwrap(), Ok(()));
            // Said again, it costs nothing.
            assert_eq!(store.spend_privacy(&four, &at(1, 1, round)).await.unwrap(), Ok(()));
        }
        drop(store);
        let store = open(&path).await;
        assert!(!fits(&store, &four).await);
        assert!(fits(&store, &budget("a.x", 4, 20)).await);
        assert!(!fits(&store, &budget("a.x", 4, 21)).await);
        // The same rounds of another run are other updates; then the budget is spent, to the round.
        for round in 0..20 {
            assert_eq!(store.spend_privacy(&four, &at(1, 2, round)).await.unwrap(), Ok(()));
        }
        drop(store);
        let store = open(&path).await;
        let over = store.spend_privacy(&four, &at(2, 3, 0)).await.unwrap().unwrap_err();
        assert!(matches!(over, LedgerError::Exceeded { .. }), "{over}");
        // What was refused is not written down, and other accounts are others.
        assert!(fits(&store, &budget("a.x", 4, 0)).await);
        assert_eq!(store.spend_privacy(&budget("a.y", 4, 1), &at(2, 3, 0)).await.unwrap(), Ok(()));
        let record = PrivacyBudget { unit: PrivacyUnit::Record, ..four.clone() };
        assert_eq!(store.spend_privacy(&record, &at(2, 3, 0)).await.unwrap(), Ok(()));
        // Without a budget everything is written down, and counts when there is one.
        let free = PrivacyBudget { most: None, ..budget("a.z", 4, 60) };
        for round in 0..51 {
            assert_eq!(store.spend_privacy(&free, &at(3, 4, round)).await.unwrap(), Ok(()));
        }
        assert!(!fits(&store, &budget("a.z", 4, 1)).await);
    }

    #[tokio::test]
    async fn jobs_at_the_same_time_do_not_spend_what_is_there_once() {
        let dir = tempfile::tempdir().unwrap();
        let store = open(&dir.path().join("journal.db")).await;
        let one = PrivacyBudget { noise: Micro(1_000_000), ..budget("a.x", 1, 1) };
        let spend = |job: u8| {
            let (store, one) = (store.clone(), one.clone());
            tokio::spawn(async move { store.spend_privacy(&one, &at(job, job, 0)).await.unwrap() })
        };
        let all: Vec<_> = (0..12).map(spend).collect();
        let mut fitted = 0;
        for one in all {
            fitted += usize::from(one.await.unwrap().is_ok());
        }
        // Three rounds with noise of 1 come to 8.4, four to 10.
        assert_eq!(fitted, 3);
    }

    #[tokio::test]
    async fn a_job_that_failed_has_spent_what_it_spent() {
        let store = PartyStore::new(Database::in_memory().await.unwrap());
        let (one, spent) = (budget("a.x", 1, 1), at(1, 1, 0));
        let record = PartyRecord {
            job: spent.job,
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
        // Three rounds with noise of 1 come to 8.4, four to 10.
        for (round, fits) in [(0, true), (1, true), (2, true), (3, false)] {
            let spent = SpentRound { round, ..spent };
            assert_eq!(store.spend_privacy(&one, &spent).await.unwrap().is_ok(), fits, "{round}");
        }
        let why = Failure::new(Reason::PartyLost, Stage::Run, "gone");
        assert!(store.end(spent.job, &why, 7).await.unwrap());
        assert!(!fits(&store, &one).await);
    }
}
