//! What a provider allows of federated training on its dataset, and whether a plan keeps to it.

use serde::{Deserialize, Serialize};

use super::{
    document::{JobKindName, PolicyDocument},
    finding::Notes,
    privacy::{self, PrivacyRule},
};
use crate::{
    job::{AveragingKind, GateKind, GateSpec, ModelFamily},
    plan::{Plan, Training},
};

/// What may be trained on a dataset. The columns' own rules hold besides: what a model is trained on must be a `train`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainRule {
    /// Families of models.
    pub models: Vec<ModelFamily>,
    /// No average may be opened of fewer providers.
    pub min_providers: u32,
    /// Most averages that a job may open: the model after each is seen by all who take part.
    pub max_rounds: u32,
    /// Most parameters of a model: a large one can remember single rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_parameters: Option<u32>,
    /// Fewest rows that a job may ask for on each side of a tree's cut: a leaf of one row shows its label.
    #[serde(default = "twenty", skip_serializing_if = "is_twenty")]
    pub min_leaf_rows: u32,
    /// How updates may be averaged: in shares by three parties, where it is left out.
    #[serde(default = "on_shares", skip_serializing_if = "is_on_shares")]
    pub averaging: Vec<AveragingKind>,
    /// Providers that may be in league with the one that adds up masked updates, at least: a job may not reckon with fewer.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub min_colluding: u8,
    /// Gates that updates may be held to: each tells in every round whose update it refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<GateKind>,
    /// Noise that averages must have, and how much all trainings together may give away; exact ones are allowed where it is left
    /// out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub privacy: Option<PrivacyRule>,
    /// Whether what this provider's updates were worth may stand in the receipt.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub contribution: bool,
    /// Whether exact sums of products of columns over all providers' rows may be opened, as the strategies `ridge` and `newton` do:
    /// much more than a model.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub moments: bool,
    /// Whether it may be opened how many rows of all providers together are of which class, and how a model ranks them, as `metrics` does;
    /// of a linear model the mean of the label and of its square. Of two trainings, over these providers with and without this one, that tells this one's: no rule holds them together.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub metrics: bool,
    /// Fewest rows of a class, and of those of it that a model calls so or not, of which that may be told; of a linear model of all, as
    /// providers weigh them.
    #[serde(default = "twenty", skip_serializing_if = "is_twenty")]
    pub min_class_rows: u32,
}

fn on_shares() -> Vec<AveragingKind> {
    vec![AveragingKind::Shares]
}

fn is_on_shares(averaging: &[AveragingKind]) -> bool {
    averaging == [AveragingKind::Shares]
}

const fn one() -> u8 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over references")]
const fn is_one(colluding: &u8) -> bool {
    *colluding == one()
}

const fn twenty() -> u32 {
    20
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over references")]
const fn is_twenty(rows: &u32) -> bool {
    *rows == twenty()
}

/// What of a plan a policy does not allow: the field that stands in the way, and why, with what would help.
pub(super) fn refusals(rule: Option<&TrainRule>, plan: &Plan) -> Vec<(&'static str, String)> {
    let Some((_, asked)) = plan.training() else { return Vec::new() };
    let Some(rule) = rule else {
        let message = "the policy says nothing of training; add `train` with `models`, `min_providers` and `max_rounds` to allow this";
        return vec![("train", message.to_owned())];
    };
    let mut found = Vec::new();
    let family = asked.model.family();
    if !rule.models.contains(&family) {
        let message = format!(
            "a {family} model is not allowed; add `{family}` to `train.models` to allow this"
        );
        found.push(("train.models", message));
    }
    let averaging = asked.averaging.kind();
    if !rule.averaging.contains(&averaging) {
        let message = format!(
            "averaging by {averaging} is not allowed; add `{averaging}` to `train.averaging` to allow this"
        );
        found.push(("train.averaging", message));
    }
    found.extend(few_colluding(rule, asked));
    if asked.least < rule.min_providers {
        let message = format!(
            "averages of {} providers would be opened, {} are the least; set `min_providers` of the job to {}, or \
             `train.min_providers` to {} to allow this",
            asked.least, rule.min_providers, rule.min_providers, asked.least
        );
        found.push(("train.min_providers", message));
    }
    if asked.rounds > rule.max_rounds {
        let message = format!(
            "{} rounds are asked for and {} are allowed; set `train.max_rounds` to {} to allow this",
            asked.rounds, rule.max_rounds, asked.rounds
        );
        found.push(("train.max_rounds", message));
    }
    let parameters = asked.parameters().unwrap_or(usize::MAX);
    if let Some(most) = rule.max_parameters.filter(|most| parameters > *most as usize) {
        let message = format!(
            "the model has {parameters} parameters and {most} are allowed; set `train.max_parameters` to {parameters} to allow this"
        );
        found.push(("train.max_parameters", message));
    }
    found.extend(small_leaves(rule, asked));
    if let Some(gate) = asked.gate.as_ref().map(GateSpec::kind)
        && !rule.gates.contains(&gate)
    {
        let message = format!(
            "a {gate} gate would tell in every round whose update was refused; add `{gate}` to `train.gates` to allow this"
        );
        found.push(("train.gates", message));
    }
    found.extend(privacy::refusals(rule.privacy.as_ref(), asked));
    if asked.valuation.is_some() && !rule.contribution {
        let message = "the receipt would tell what each provider's updates were worth; set `train.contribution` to allow this";
        found.push(("train.contribution", message.to_owned()));
    }
    if asked.strategy.solves() && !rule.moments {
        let message = "exact sums of the products of all columns over all rows would be opened, and not a model alone; ask for another \
                       `strategy`, or set `train.moments` to allow this";
        found.push(("train.moments", message.to_owned()));
    }
    if asked.metrics.is_some() && !rule.metrics {
        let message = "how many rows of all providers together are of which class, and what the model says of them, or the mean of the \
                       label and of its square, would be opened; ask without `metrics`, or set `train.metrics` to allow this";
        found.push(("train.metrics", message.to_owned()));
    }
    found.extend(small_classes(rule, asked));
    found
}

/// What stands in the way of metrics that may rest on few rows.
fn small_classes(rule: &TrainRule, asked: &Training) -> Option<(&'static str, String)> {
    let (asked, least) = (asked.metrics?.least_rows, rule.min_class_rows);
    (asked < least).then(|| {
        let message = format!(
            "metrics could rest on {asked} rows of a class, {least} are the least; set `least_rows` of the job's metrics to {least}, or \
             `train.min_class_rows` to {asked} to allow this"
        );
        ("train.min_class_rows", message)
    })
}

/// What stands in the way of masks that come off for too few in league.
fn few_colluding(rule: &TrainRule, asked: &Training) -> Option<(&'static str, String)> {
    let (asked, least) = (asked.averaging.colluding()?, rule.min_colluding);
    (asked < least).then(|| {
        let message = format!(
            "masks would withstand {asked} providers in league with the one that adds up, {least} are the least; set `colluding` of \
             the job's averaging to {least}, or `train.min_colluding` to {asked} to allow this"
        );
        ("train.min_colluding", message)
    })
}

/// What stands in the way of trees whose leaves may rest on few rows.
fn small_leaves(rule: &TrainRule, asked: &Training) -> Option<(&'static str, String)> {
    let asked = asked.model.trees()?.least_rows;
    let least = rule.min_leaf_rows;
    (asked < least).then(|| {
        let message = format!(
            "a leaf could rest on {asked} rows, {least} are the least; set `least_rows` of the job's model to {least}, or \
             `train.min_leaf_rows` to {asked} to allow this"
        );
        ("train.min_leaf_rows", message)
    })
}

/// What a policy's author should know of what it says of training.
pub(super) fn lint_train(policy: &PolicyDocument, notes: &mut Notes) {
    let allowed = policy.operators.kinds.contains(&JobKindName::Train);
    let Some(rule) = &policy.train else {
        if allowed {
            notes.error(
                "train",
                "`train` is among `operators.kinds`, but nothing says what of it is allowed",
            );
        }
        return;
    };
    if !allowed {
        notes.error("train", "has no effect: add `train` to `operators.kinds`");
    }
    if rule.models.is_empty() {
        notes.warn("train.models", "is empty, so every training is refused");
    }
    if rule.averaging.is_empty() {
        notes.warn("train.averaging", "is empty, so every training is refused");
    }
    if rule.min_providers < 3 {
        notes.warn(
            "train.min_providers",
            "of an average of two, each of them knows the other's update: ask for three and more",
        );
    }
    if rule.privacy.as_ref().is_some_and(|privacy| !privacy.required) {
        notes.warn(
            "train.privacy.required",
            "is false: trainings without noise are in no budget, and undo what the others hide",
        );
    }
    if rule.privacy.is_some() && policy.train_vertical.is_some() {
        notes.warn(
            "train_vertical",
            "models of joined rows have no noise, and are not in the budget of `train.privacy`",
        );
    }
    let solved = [ModelFamily::Linear, ModelFamily::Logistic];
    if rule.moments && !solved.iter().any(|family| rule.models.contains(family)) {
        notes.warn(
            "train.moments",
            "has no effect: only a `linear` or `logistic` model is solved for from such sums",
        );
    }
    if rule.models.contains(&ModelFamily::Trees) && rule.min_leaf_rows < 2 {
        notes.warn(
            "train.min_leaf_rows",
            "lets a leaf show the label of a single row; 20 is what holds where it is left out",
        );
    }
    if rule.metrics && rule.min_class_rows < 2 {
        notes.warn(
            "train.min_class_rows",
            "lets metrics tell of a single row of a class; 20 is what holds where it is left out",
        );
    }
    let large = [ModelFamily::Network, ModelFamily::Trees, ModelFamily::Plugin];
    if rule.max_parameters.is_none() && large.iter().any(|family| rule.models.contains(family)) {
        notes.warn(
            "train.max_parameters",
            "a large model can remember single rows: bound it, and what may be asked of it",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        job::{JobKind, MetricsSpec},
        policy::fixtures::policy,
        sql::{
            compile,
            tests::train::{asked, world},
        },
    };

    #[test]
    fn a_policy_hears_what_its_rule_does_not_do() {
        let found = |change: &dyn Fn(&mut PolicyDocument)| {
            let mut policy = policy();
            policy.operators.kinds.push(JobKindName::Train);
            policy.train = Some(TrainRule {
                models: vec![ModelFamily::Logistic],
                min_providers: 3,
                max_rounds: 10,
                max_parameters: None,
                min_leaf_rows: twenty(),
                averaging: on_shares(),
                min_colluding: 1,
                gates: Vec::new(),
                privacy: None,
                contribution: false,
                moments: false,
                metrics: false,
                min_class_rows: 20,
            });
            change(&mut policy);
            let mut notes = Notes(Vec::new());
            lint_train(&policy, &mut notes);
            notes.0.into_iter().map(|finding| finding.field).collect::<Vec<_>>()
        };
        let rule = |change: &dyn Fn(&mut TrainRule)| {
            found(&|policy| policy.train.iter_mut().for_each(change))
        };
        assert!(found(&|_| ()).is_empty());
        assert_eq!(found(&|policy| policy.train = None), ["train"]);
        assert_eq!(found(&|policy| policy.operators.kinds.clear()), ["train"]);
        assert_eq!(rule(&|rule| rule.min_providers = 2), ["train.min_providers"]);
        assert_eq!(rule(&|rule| rule.models.clear()), ["train.models"]);
        assert_eq!(rule(&|rule| rule.averaging.clear()), ["train.averaging"]);
        let free = r#"{"unit": "client", "max_epsilon": 3, "delta": 1e-6, "required": false}"#;
        let free = |rule: &mut TrainRule| rule.privacy = serde_json::from_str(free).unwrap();
        assert_eq!(rule(&free), ["train.privacy.required"]);
        assert_eq!(rule(&|rule| rule.models.push(ModelFamily::Network)), ["train.max_parameters"]);
        let trees = |rule: &mut TrainRule| rule.models.push(ModelFamily::Trees);
        assert_eq!(rule(&trees), ["train.max_parameters"]);
        assert!(rule(&|rule| rule.moments = true).is_empty());
        let network = |rule: &mut TrainRule| {
            (rule.models, rule.moments) = (vec![ModelFamily::Softmax], true);
        };
        assert_eq!(rule(&network), ["train.moments"]);
        let single = |rule: &mut TrainRule| {
            trees(rule);
            (rule.max_parameters, rule.min_leaf_rows) = (Some(1000), 1);
        };
        assert_eq!(rule(&single), ["train.min_leaf_rows"]);
    }

    #[test]
    fn sums_of_products_are_opened_where_the_policy_says_so() {
        let refused = |policy: &str, strategy: &str| {
            let rule: TrainRule = serde_json::from_str(&format!(
                r#"{{"models": ["logistic"], "min_providers": 2, "max_rounds": 10{policy}}}"#
            ))
            .unwrap();
            let (descriptors, terms) = world(&["a", "b"]);
            let mut job = asked(&["a", "b"], &["age"], "income = 'high'");
            let JobKind::Train(train) = &mut job.kind else { unreachable!() };
            train.strategy = serde_json::from_str(&format!(r#"{{"kind": "{strategy}"}}"#)).unwrap();
            train.metrics =
                policy.contains("metrics").then_some(MetricsSpec { bins: 2, least_rows: 10 });
            let plan = compile(&job, &descriptors, &terms).unwrap().plan;
            refusals(Some(&rule), &plan).into_iter().map(|(field, _)| field).collect::<Vec<_>>()
        };
        assert_eq!(refused("", "newton"), ["train.moments"]);
        assert!(refused(r#", "moments": true"#, "newton").is_empty());
        assert!(refused("", "average").is_empty());
        let both = ["train.metrics", "train.min_class_rows"];
        assert_eq!(refused(r#", "metrics": false"#, "average"), both);
        assert_eq!(refused(r#", "metrics": true"#, "average"), ["train.min_class_rows"]);
        assert!(refused(r#", "metrics": true, "min_class_rows": 10"#, "average").is_empty());
    }

    #[test]
    fn masks_withstand_as_many_in_league_as_the_policy_says() {
        let (descriptors, terms) = world(&["a", "b"]);
        let plan = compile(&asked(&["a", "b"], &["age"], "income = 'high'"), &descriptors, &terms);
        let plan = plan.unwrap().plan;
        let (_, asked) = plan.training().unwrap();
        let few = |policy: &str, averaging: &str| {
            let rule: TrainRule = serde_json::from_str(&format!(
                r#"{{"models": [], "min_providers": 2, "max_rounds": 10{policy}}}"#
            ))
            .unwrap();
            let averaging = serde_json::from_str(averaging).unwrap();
            few_colluding(&rule, &Training { averaging, ..asked.clone() }).is_some()
        };
        let (none, one) = (r#"{"kind": "masks", "colluding": 0}"#, r#"{"kind": "masks"}"#);
        assert!(few("", none) && !few("", one) && !few("", r#"{"kind": "shares"}"#));
        assert!(few(r#", "min_colluding": 2"#, one) && !few(r#", "min_colluding": 0"#, none));
    }

    #[test]
    fn leaves_rest_on_as_many_rows_as_the_policy_says() {
        let refused = |policy: &str, model: &str| {
            let rule: TrainRule = serde_json::from_str(&format!(
                r#"{{"models": ["trees", "logistic"], "min_providers": 2, "max_rounds": 1000{policy}}}"#
            ))
            .unwrap();
            let (descriptors, terms) = world(&["a", "b"]);
            let mut job = asked(&["a", "b"], &["age"], "income = 'high'");
            let JobKind::Train(train) = &mut job.kind else { unreachable!() };
            train.model = serde_json::from_str(model).unwrap();
            let plan = compile(&job, &descriptors, &terms).unwrap().plan;
            refusals(Some(&rule), &plan)
        };
        let trees = |rows: u32| format!(r#"{{"kind": "trees", "least_rows": {rows}}}"#);
        let [(field, why)] = &refused("", &trees(19))[..] else { panic!("one refusal is due") };
        assert_eq!(*field, "train.min_leaf_rows");
        assert!(why.contains("`least_rows` of the job's model to 20"), "{why}");
        assert!(refused("", &trees(20)).is_empty());
        assert!(refused(r#", "min_leaf_rows": 5"#, &trees(5)).is_empty());
        assert_eq!(refused(r#", "min_leaf_rows": 30"#, &trees(29)).len(), 1);
        assert!(refused("", r#"{"kind": "logistic"}"#).is_empty());
    }
}
