//! Budgets of differential privacy: looked at when a job comes in, and before it is prepared; written down round by round.

use std::sync::Arc;

use federated::disk::DiskError;
use tokio::runtime::Handle;

use super::{desk::Desk, runner::Job};
use crate::{
    identity::Hash32,
    job::{Failure, Reason, Stage},
    plan::Spend,
    policy::{BUDGET_RULE, Refusal},
    store::SpentRound,
};

impl Desk {
    /// What is left of a dataset's budget refuses of a job, if anything.
    pub(super) async fn privacy_spent(&self, job: &Job) -> Result<Option<Refusal>, Failure> {
        let Some(budget) = &job.assessment.privacy else { return Ok(None) };
        let with = self.store.privacy_with(budget).await.map_err(|error| self.broken(&error))?;
        Ok(match with {
            Ok(epsilon) => {
                let (job, dataset, unit) = (job.id, &budget.dataset, budget.unit);
                tracing::info!(%job, %dataset, %unit, epsilon, "what all trainings come to with this one");
                None
            }
            Err(error) => Some(Refusal {
                party: self.name().clone(),
                rule: BUDGET_RULE.to_owned(),
                column: Some(budget.dataset.clone()),
                message: error.to_string(),
            }),
        })
    }

    /// Refuses to prepare what a dataset's budget does not reach for any more.
    pub(super) async fn expect_privacy(&self, job: &Job) -> Result<(), Failure> {
        match self.privacy_spent(job).await? {
            None => Ok(()),
            Some(refusal) => {
                Err(self.fail(Reason::BudgetSpent, Stage::Prepare, refusal.to_string()))
            }
        }
    }

    /// Writes down the rounds of a run, before anything of them is sent. Called on threads that block.
    pub(super) fn spender(&self, job: &Job, (run, attempt): (Hash32, u32)) -> Spend {
        let (store, runtime, id) = (self.store.clone(), Handle::current(), job.id);
        let budget = job.assessment.privacy.clone();
        Arc::new(move |round| {
            let Some(budget) = &budget else {
                return Ok(Err("the plan says nothing of noise".to_owned()));
            };
            let at = SpentRound { job: id, run, attempt, round };
            let spent = runtime.block_on(store.spend_privacy(budget, &at));
            spent.map(|spent| spent.map_err(|error| error.to_string())).map_err(|error| {
                DiskError::new(error.to_string(), Reason::of_fault(&error) == Reason::DiskFull)
            })
        })
    }
}
