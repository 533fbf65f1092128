//! Budgets of intersections: looked at when a job comes in, reserved before it runs.

use super::{desk::Desk, runner::Job};
use crate::{
    job::{Failure, Reason, Stage},
    policy::{QueryBudget, Refusal},
};

impl Desk {
    /// What the budgets of this party's policies refuse of a job, as they stand now.
    pub(super) async fn over_budget(&self, job: &Job) -> Result<Vec<Refusal>, Failure> {
        let mut refusals = Vec::new();
        for budget in &job.assessment.budgets {
            let within = self.store.within(job.id, budget).await;
            if !within.map_err(|error| self.broken(&error))? {
                refusals.push(Refusal {
                    party: self.name().clone(),
                    rule: "psi.max_queries".to_owned(),
                    column: Some(budget.dataset.clone()),
                    message: used_up(budget),
                });
            }
        }
        Ok(refusals)
    }

    /// Takes one query of each budget, before anything of the job runs.
    pub(super) async fn reserve(&self, job: &Job) -> Result<(), Failure> {
        let budgets = &job.assessment.budgets;
        let reserved = self.store.reserve(job.id, budgets).await;
        if reserved.map_err(|error| self.broken(&error))? {
            return Ok(());
        }
        let words: Vec<_> = budgets.iter().map(used_up).collect();
        Err(self.fail(Reason::PolicyRefused, Stage::Connect, words.join("; ")))
    }
}

fn used_up(budget: &QueryBudget) -> String {
    format!(
        "`{}` has had the {} intersections with `{}` that its policy allows; raise `psi.max_queries` to allow this",
        budget.recipient, budget.most, budget.dataset
    )
}
