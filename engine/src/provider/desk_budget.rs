//! Budgets of intersections: looked at when a job comes in, reserved before it runs.

use super::{desk::Desk, runner::Job};
use crate::{
    job::{Failure, Reason, Stage},
    policy::{LookupBudget, QueryBudget, Refusal},
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
        for budget in &job.assessment.lookups {
            let left = self.store.lookups_left(job.id, budget).await;
            let left = left.map_err(|error| self.broken(&error))?;
            if left < budget.takes {
                refusals.push(Refusal {
                    party: self.name().clone(),
                    rule: "psi.max_lookups".to_owned(),
                    column: Some(budget.dataset.clone()),
                    message: too_many(budget, Some(left)),
                });
            }
        }
        refusals.extend(self.privacy_spent(job).await?);
        Ok(refusals)
    }

    /// Takes one query of each budget, and the keys that are looked up, before anything of the job runs.
    pub(super) async fn reserve(&self, job: &Job) -> Result<(), Failure> {
        let (budgets, lookups) = (&job.assessment.budgets, &job.assessment.lookups);
        let reserved = self.store.reserve(job.id, budgets, lookups).await;
        if reserved.map_err(|error| self.broken(&error))? {
            return Ok(());
        }
        let keys = lookups.iter().map(|budget| too_many(budget, None));
        let words: Vec<_> = budgets.iter().map(used_up).chain(keys).collect();
        Err(self.fail(Reason::PolicyRefused, Stage::Connect, words.join("; ")))
    }
}

fn too_many(budget: &LookupBudget, left: Option<u64>) -> String {
    let LookupBudget { dataset, recipient, most, takes } = budget;
    let left = left.map_or_else(String::new, |left| format!(", of which {left} are left"));
    format!(
        "`{recipient}` asks for {takes} keys of `{dataset}` (the bound of its set) and may look up {most} in all{left}; ask \
         with a smaller set, or raise `psi.max_lookups` to allow this"
    )
}

fn used_up(budget: &QueryBudget) -> String {
    format!(
        "`{}` has had the {} intersections with `{}` that its policy allows; raise `psi.max_queries` to allow this",
        budget.recipient, budget.most, budget.dataset
    )
}
