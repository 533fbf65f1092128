//! The programs that a provider has for training.

use std::{collections::BTreeMap, sync::Arc};

use tokio::sync::watch;

use crate::{
    identity::PartyName,
    job::JobId,
    plan::{Place, Plan, Program},
    policy::Refusal,
    provider::Stop,
};

/// By the names that jobs call them by.
#[derive(Debug, Default)]
pub(super) struct Trainers(pub(super) BTreeMap<String, Place>);

impl Trainers {
    /// Refuses a job for which this provider is to train by a program that it does not have.
    pub(super) fn refusal(&self, me: &PartyName, plan: &Plan) -> Option<Refusal> {
        let (_, of) = plan.training()?;
        let asked = &of.model.plugin()?.name;
        let provides = plan.inputs.iter().any(|input| input.trains && input.party == *me);
        if !provides || self.0.contains_key(asked) {
            return None;
        }
        let message = format!(
            "a model is to be trained by the program `{asked}`, and this provider has none of that name; add \
             [provider.trainers.{asked}] with `command` or `address` to its configuration to allow this"
        );
        let (party, rule) = (me.clone(), "provider.trainers".to_owned());
        Some(Refusal { party, rule, column: None, message })
    }

    /// The program that a plan names, for a run that may be stopped.
    pub(super) fn program(&self, plan: &Plan, job: JobId, stop: &Arc<Stop>) -> Option<Program> {
        let (_, of) = plan.training()?;
        let place = self.0.get(&of.model.plugin()?.name)?.clone();
        let (end, ended) = watch::channel(false);
        stop.on_stop(move |_| _ = end.send_replace(true));
        Some(Program { place, job: job.to_string(), ended })
    }
}
