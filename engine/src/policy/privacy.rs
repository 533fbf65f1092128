//! What a provider demands of the noise in trainings on its dataset, and how much of it all of them together may give away.

use serde::{Deserialize, Serialize};

use super::{document::PolicyDocument, finding::Notes};
use crate::{
    catalog::DatasetDescriptor,
    job::{Delta, Micro, PrivacyUnit},
    plan::{Guarantee, Plan, Training},
};

/// The rule that a dataset's budget is refused under.
pub const BUDGET_RULE: &str = "train.privacy.max_epsilon";

/// The budget of differential privacy of a dataset, for all trainings that there will ever be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrivacyRule {
    /// Whom noise must hide.
    pub unit: PrivacyUnit,
    /// The ε that all rounds of all jobs together may come to; each is counted before it is sent, and never given back.
    pub max_epsilon: Micro,
    /// The δ that goes with it.
    pub delta: Delta,
    /// Whether trainings without noise are refused: yes where it is left out. What they show is in no budget.
    #[serde(default = "yes")]
    pub required: bool,
}

/// What a job takes of a dataset's budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrivacyBudget {
    /// `party.name`.
    pub dataset: String,
    /// Whom the noise hides.
    pub unit: PrivacyUnit,
    /// The noise multiplier.
    pub noise: Micro,
    /// How many rounds.
    pub rounds: u32,
    /// What all jobs together may come to; nothing where the policy does not say.
    pub most: Option<(Micro, Delta)>,
}

/// What a plan takes of the budget of a policy's dataset, if it adds noise: it is written down where there is no budget, too.
#[must_use]
pub fn privacy_budget(policy: &PolicyDocument, plan: &Plan) -> Option<PrivacyBudget> {
    let (_, asked) = plan.training()?;
    let of = asked.privacy.as_ref()?;
    let rule = policy.train.as_ref().and_then(|rule| rule.privacy.as_ref());
    Some(PrivacyBudget {
        dataset: policy.dataset.clone(),
        unit: of.unit,
        noise: of.noise,
        // Of a training that goes on it is not known here how much is left: what is spent is written round by round all the same.
        rounds: if asked.resumes.is_some() { 1 } else { asked.rounds },
        most: rule.map(|rule| (rule.max_epsilon, rule.delta)),
    })
}

/// What of a training's noise a rule does not allow.
pub(super) fn refusals(
    rule: Option<&PrivacyRule>,
    asked: &Training,
) -> Vec<(&'static str, String)> {
    let Some(rule) = rule else { return Vec::new() };
    let Some(of) = &asked.privacy else {
        let message = format!(
            "averages would be opened without noise; ask with `train.privacy` for each {}, or set `train.privacy.required` to \
             false to allow this",
            rule.unit
        );
        return if rule.required { vec![("train.privacy.required", message)] } else { Vec::new() };
    };
    if of.unit != rule.unit {
        let message = format!(
            "noise would hide each {}, the policy's budget is for each {}; ask with `train.privacy.unit = \"{}\"`",
            of.unit, rule.unit, rule.unit
        );
        return vec![("train.privacy.unit", message)];
    }
    let promise = Guarantee::of(of.unit, of.noise, asked.rounds, rule.delta);
    if promise.epsilon <= rule.max_epsilon.value() {
        return Vec::new();
    }
    let message = format!(
        "the job would come to {promise}, and all jobs together may to ε = {}; ask with more noise or fewer rounds, or raise \
         `{BUDGET_RULE}` to allow this",
        rule.max_epsilon
    );
    vec![(BUDGET_RULE, message)]
}

/// What a policy's author should know of its budget, given the dataset.
#[expect(clippy::cast_precision_loss, reason = "a bound, to compare")]
pub(super) fn lint_privacy(
    policy: &PolicyDocument,
    dataset: &DatasetDescriptor,
    notes: &mut Notes,
) {
    let rule = policy.train.as_ref().and_then(|rule| rule.privacy.as_ref());
    let rows = dataset.rows_max.max(1) as f64;
    if rule.is_some_and(|rule| rule.unit == PrivacyUnit::Record && rule.delta.value() * rows >= 1.0)
    {
        notes.warn(
            "train.privacy.delta",
            "is not below one in `rows_max`: a row could be shown as it is, now and then",
        );
    }
}

const fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        identity::Hash32,
        plan::{Feature, Op},
        policy::fixtures,
    };

    fn rule() -> PrivacyRule {
        let json = r#"{"unit": "client", "max_epsilon": "9", "delta": "0.00001"}"#;
        serde_json::from_str(json).unwrap()
    }

    fn asked(privacy: &str) -> Training {
        let json = format!(
            r#"{{"inputs": [0, 1], "features": [], "label": {{"flag": {{"name": "rich"}}}}, "model": {{"kind": "logistic"}},
                "strategy": {{"kind": "average", "rate": "1"}}, "rounds": 50, "epochs": 1, "batch": 8, "rate": "0.1",
                "proximal": "0", "largest_update": "8", "least": 2, "round_seconds": 60, "privacy": {privacy}}}"#
        );
        let training: Training = serde_json::from_str(&json).unwrap();
        assert_eq!(training.label, Feature::Flag { name: "rich".into() });
        training
    }

    #[test]
    fn noise_is_demanded_for_a_unit_and_up_to_a_budget() {
        let field = |rule: &PrivacyRule, privacy: &str| {
            refusals(Some(rule), &asked(privacy)).into_iter().map(|(field, _)| field).next()
        };
        // 50 rounds with noise of 4 come to 8.596.
        let four = r#"{"unit": "client", "clip": "1", "noise": "4", "delta": "0.5"}"#;
        assert_eq!(field(&rule(), four), None, "the δ that counts is the policy's");
        assert_eq!(field(&rule(), "null"), Some("train.privacy.required"));
        let free = PrivacyRule { required: false, ..rule() };
        assert_eq!(field(&free, "null"), None);
        assert_eq!(field(&rule(), &four.replace("client", "record")), Some("train.privacy.unit"));
        assert_eq!(field(&rule(), &four.replace("\"4\"", "\"3.8\"")), Some(BUDGET_RULE));
        assert_eq!(field(&free, &four.replace("\"4\"", "\"3.8\"")), Some(BUDGET_RULE));
        assert!(refusals(None, &asked("null")).is_empty());
    }

    #[test]
    fn a_probability_that_covers_whole_rows_is_told() {
        let found = |unit: &str, rows_max: u64| {
            let mut policy = fixtures::policy();
            let json = format!(
                r#"{{"models": [], "min_providers": 3, "max_rounds": 9,
                    "privacy": {{"unit": "{unit}", "max_epsilon": 1, "delta": 1e-4}}}}"#
            );
            policy.train = serde_json::from_str(&json).unwrap();
            let (party, name) = (policy.assigner.party.clone(), "adult".to_owned());
            let (entity_key, columns) = (None, Vec::new());
            let dataset = DatasetDescriptor { party, name, rows_max, entity_key, columns };
            let mut notes = Notes(Vec::new());
            lint_privacy(&policy, &dataset, &mut notes);
            notes.0.into_iter().map(|finding| finding.field).collect::<Vec<_>>()
        };
        assert_eq!(found("record", 10_000), ["train.privacy.delta"]);
        assert!(found("record", 9_999).is_empty() && found("client", 10_000).is_empty());
    }

    #[test]
    fn only_trainings_with_noise_take_of_a_budget() {
        assert_eq!(privacy_budget(&fixtures::policy(), &fixtures::plan()), None);
    }

    #[test]
    fn a_training_that_goes_on_needs_room_for_what_is_left_of_it() {
        let rounds = |resumes| {
            let mut plan = fixtures::plan();
            let mut training = asked(r#"{"unit": "client", "clip": "1", "noise": "4"}"#);
            training.resumes = resumes;
            plan.nodes.push(Op::Train(Box::new(training)));
            privacy_budget(&fixtures::policy(), &plan).map(|budget| budget.rounds)
        };
        assert_eq!((rounds(None), rounds(Some(Hash32([1; 32])))), (Some(50), Some(1)));
    }
}
