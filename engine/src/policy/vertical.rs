//! What a provider allows of models of joined rows that its dataset is a part of, and whether a plan keeps to it.

use serde::{Deserialize, Serialize};

use super::{
    document::{JobKindName, PolicyDocument},
    finding::Notes,
};
use crate::plan::Plan;

/// What may be trained on a dataset's rows joined with other providers'. The columns' own rules hold besides: the key's
/// `join_with`, and `train` for what the model is trained on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerticalRule {
    /// No model may be released that rests on fewer joined rows.
    pub min_rows: u32,
    /// Most weights of a model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_weights: Option<u32>,
}

/// What of a plan a policy does not allow: the field that stands in the way, and why, with what would help.
pub(super) fn refusals(rule: Option<&VerticalRule>, plan: &Plan) -> Vec<(&'static str, String)> {
    let Some(asked) = plan.vertical() else { return Vec::new() };
    let Some(rule) = rule else {
        let message = "the policy says nothing of training on joined rows; add `train_vertical` with `min_rows` to allow this";
        return vec![("train_vertical", message.to_owned())];
    };
    let mut found = Vec::new();
    if plan.min_group_entities < rule.min_rows {
        let message = format!(
            "a model of {} rows would be released, {} are the least",
            plan.min_group_entities, rule.min_rows
        );
        found.push(("train_vertical.min_rows", message));
    }
    let weights = asked.weights();
    if let Some(most) = rule.max_weights.filter(|most| weights > u64::from(*most)) {
        let message = format!(
            "the model has {weights} weights and {most} are allowed; set `train_vertical.max_weights` to {weights} to allow this"
        );
        found.push(("train_vertical.max_weights", message));
    }
    found
}

/// What a policy's author should know of what it says of training on joined rows.
pub(super) fn lint_vertical(policy: &PolicyDocument, notes: &mut Notes) {
    let allowed = policy.operators.kinds.contains(&JobKindName::TrainVertical);
    let Some(rule) = &policy.train_vertical else {
        if allowed {
            notes.error(
                "train_vertical",
                "`train_vertical` is among `operators.kinds`, but nothing says what of it is allowed",
            );
        }
        return;
    };
    if !allowed {
        notes.error("train_vertical", "has no effect: add `train_vertical` to `operators.kinds`");
    }
    if rule.min_rows < 100 {
        notes.warn(
            "train_vertical.min_rows",
            "a model of few rows says much of each: ask for a hundred and more",
        );
    }
    if rule.max_weights == Some(0) {
        notes.warn("train_vertical.max_weights", "is 0, so every training is refused");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::fixtures::policy;

    #[test]
    fn a_policy_hears_what_its_rule_does_not_do() {
        let found = |change: &dyn Fn(&mut PolicyDocument)| {
            let mut policy = policy();
            policy.operators.kinds.push(JobKindName::TrainVertical);
            policy.train_vertical = Some(VerticalRule { min_rows: 100, max_weights: Some(50) });
            change(&mut policy);
            let mut notes = Notes(Vec::new());
            lint_vertical(&policy, &mut notes);
            notes.0.into_iter().map(|finding| finding.field).collect::<Vec<_>>()
        };
        let rule = |change: &dyn Fn(&mut VerticalRule)| {
            found(&|policy| policy.train_vertical.iter_mut().for_each(change))
        };
        assert!(found(&|_| ()).is_empty());
        assert_eq!(found(&|policy| policy.train_vertical = None), ["train_vertical"]);
        assert_eq!(found(&|policy| policy.operators.kinds.clear()), ["train_vertical"]);
        assert_eq!(rule(&|rule| rule.min_rows = 20), ["train_vertical.min_rows"]);
        assert_eq!(rule(&|rule| rule.max_weights = Some(0)), ["train_vertical.max_weights"]);
    }
}
