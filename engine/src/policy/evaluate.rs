//! Whether a plan keeps to a policy. Every refusal names the rule and the smallest change of the policy that would allow it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{
    document::{JobKindName, PolicyDocument, ReleaseForm},
    lookups, psi, train, vertical,
};
use crate::{
    identity::{PartyName, Pins, PublicKey},
    job::{Failure, JobKind, JobSpec, Reason, Security, Stage},
    plan::{ColumnUse, Op, Plan, UseForm},
};

/// One thing a policy does not allow. Holds names and rules, never a value of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(deny_unknown_fields)]
#[error("{party} refuses ({rule}): {message}")]
pub struct Refusal {
    /// The provider that refuses.
    pub party: PartyName,
    /// The field of its policy.
    pub rule: String,
    /// The column (`party.dataset.column`), where there is one.
    pub column: Option<String>,
    /// What was asked, why it is refused, and what would allow it.
    pub message: String,
}

impl Refusal {
    /// The end of a job that there is no plan for under this policy.
    #[must_use]
    pub fn failure(&self) -> Failure {
        Failure::new(Reason::PolicyRefused, Stage::Validate, self.to_string()).at(&self.party)
    }
}

/// What a policy is evaluated on.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The plan this party compiled itself.
    pub plan: &'a Plan,
    /// The job it was compiled from.
    pub spec: &'a JobSpec,
    /// This party's own pins.
    pub pins: &'a Pins,
    /// Now, UTC milliseconds.
    pub now_ms: i64,
}

/// Evaluates one policy: at consent, when preparing, and before release, each time at that moment's `now_ms`.
///
/// # Errors
/// Everything the policy does not allow, in the order of its fields.
pub fn evaluate(policy: &PolicyDocument, request: &Request<'_>) -> Result<(), Vec<Refusal>> {
    let mut review = Review { policy, request, refusals: Vec::new() };
    review.check_document();
    review.check_recipient();
    review.check_purpose();
    review.check_validity();
    review.check_operators();
    review.check_compute_parties();
    review.check_columns();
    review.check_output();
    review.check_psi();
    review.check_train();
    if review.refusals.is_empty() { Ok(()) } else { Err(review.refusals) }
}

struct Review<'a> {
    policy: &'a PolicyDocument,
    request: &'a Request<'a>,
    refusals: Vec<Refusal>,
}

impl Review<'_> {
    fn refuse(&mut self, rule: impl Into<String>, column: Option<String>, message: String) {
        let party = self.policy.assigner.party.clone();
        self.refusals.push(Refusal { party, rule: rule.into(), column, message });
    }

    /// The plan must have been compiled under exactly this document: another version may have been in force since.
    fn check_document(&mut self) {
        let policy = self.policy;
        let named = self.request.plan.policies.iter().find(|entry| entry.dataset == policy.dataset);
        if named.is_some_and(|entry| entry.hash == policy.hash()) {
            return;
        }
        let found = named
            .map_or_else(|| "no policy".into(), |e| format!("`{}` version {}", e.id, e.version));
        let message = format!(
            "the plan was compiled under {found} for `{}`, in force is `{}` version {}; submit the job again",
            policy.dataset, policy.id, policy.version
        );
        self.refuse("version", None, message);
    }

    fn check_recipient(&mut self) {
        let (policy, spec) = (self.policy, self.request.spec);
        let buyer = &spec.buyer;
        if *buyer != self.request.plan.buyer {
            let message =
                format!("the plan is for `{}`, the job for `{buyer}`", self.request.plan.buyer);
            self.refuse("recipients", None, message);
        }
        let Some(recipient) = policy.recipients.iter().find(|r| r.party == *buyer) else {
            let message = format!(
                "`{buyer}` is no recipient of `{}`; add it to `recipients` with its keys to allow this",
                policy.dataset
            );
            return self.refuse("recipients", None, message);
        };
        if let Some(message) = self.key_fault(buyer, &recipient.key) {
            self.refuse("recipients.key", None, message);
        }
        if !recipient.sealing_keys.contains(&spec.sealing_key) {
            let message = format!(
                "the result would be sealed to {}, which is no key of `{buyer}` here; \
                 add it to the recipient's `sealing_keys` to allow this",
                spec.sealing_key
            );
            self.refuse("recipients.sealing_keys", None, message);
        }
    }

    /// What is wrong with a key that the policy gives a party: it must be the pinned one.
    fn key_fault(&self, party: &PartyName, key: &PublicKey) -> Option<String> {
        match self.request.pins.of(party) {
            Ok(pin) if pin.key == *key => None,
            Ok(_) => Some(format!(
                "the policy names another key of `{party}` than the one pinned here; correct whichever is outdated"
            )),
            Err(unknown) => Some(unknown.to_string()),
        }
    }

    fn check_purpose(&mut self) {
        let purpose = &self.request.spec.purpose;
        if !self.policy.purposes.contains(purpose) {
            let message = format!(
                "purpose `{purpose}` is not allowed, these are: {}; add it to `purposes` to allow this",
                listed(&self.policy.purposes)
            );
            self.refuse("purposes", None, message);
        }
    }

    fn check_validity(&mut self) {
        let (validity, now) = (self.policy.validity, self.request.now_ms);
        if now < validity.not_before.as_ms() {
            let message = format!("the policy is in force from {} on", validity.not_before);
            self.refuse("validity.not_before", None, message);
        }
        if now >= validity.expires.as_ms() {
            let message = format!(
                "the policy expired at {}; sign a version with a later `expires` to allow this",
                validity.expires
            );
            self.refuse("validity.expires", None, message);
        }
    }

    fn check_operators(&mut self) {
        let (operators, spec) = (&self.policy.operators, self.request.spec);
        let kind = match spec.kind {
            JobKind::Sql { .. } => JobKindName::Sql,
            JobKind::Psi(_) => JobKindName::Psi,
            JobKind::Train(_) => JobKindName::Train,
            JobKind::TrainVertical(_) => JobKindName::TrainVertical,
            JobKind::Score(_) => JobKindName::Score,
        };
        if !operators.kinds.contains(&kind) {
            let name = spec.kind.name();
            let message = format!(
                "jobs of kind `{name}` are not allowed; add `{name}` to `operators.kinds` to allow this"
            );
            self.refuse("operators.kinds", None, message);
        }
        if operators.min_security == Security::Malicious && spec.security == Security::SemiHonest {
            let message = "the policy asks for `malicious` security and the job for `semi_honest`; \
                           set `operators.min_security` to `semi_honest` to allow this";
            self.refuse("operators.min_security", None, message.into());
        }
    }

    fn check_compute_parties(&mut self) {
        const RULE: &str = "operators.compute_parties";
        let (policy, request) = (self.policy, self.request);
        if request.spec.compute != request.plan.compute {
            self.refuse(RULE, None, "the plan and the job name different compute parties".into());
        }
        let mut organisations = BTreeSet::new();
        for party in &request.spec.compute {
            if *party == request.spec.buyer {
                let message =
                    format!("the buyer `{party}` would compute as well; name a third party");
                self.refuse(RULE, None, message);
            }
            match policy.operators.compute_parties.iter().find(|named| named.party == *party) {
                None => {
                    let message = format!(
                        "`{party}` may not compute on `{}`; add it to `operators.compute_parties` to allow this",
                        policy.dataset
                    );
                    self.refuse(RULE, None, message);
                }
                Some(named) => {
                    if let Some(message) = self.key_fault(party, &named.key) {
                        self.refuse(RULE, None, message);
                    }
                }
            }
            let organisation = request.pins.of(party).map(|pin| pin.organisation.as_str());
            if organisation.is_ok_and(|name| !organisations.insert(name)) {
                let message = format!(
                    "`{party}` is run by the same organisation as another compute party; \
                     together they could read every share, so name a party of a third one"
                );
                self.refuse(RULE, None, message);
            }
        }
    }

    fn check_columns(&mut self) {
        let policy = self.policy;
        let mine = self.request.plan.uses.iter().filter(|used| {
            policy.dataset.strip_prefix(used.party.as_str()).and_then(|rest| rest.strip_prefix('.'))
                == Some(used.dataset.as_str())
        });
        for used in mine {
            self.check_column(used);
        }
    }

    fn check_column(&mut self, used: &ColumnUse) {
        let name = &used.column;
        let rule = self.policy.columns.get(name);
        let (form, detail) = asked(&used.form);
        let granted = rule.is_some_and(|rule| match &used.form {
            UseForm::JoinKey(with) => rule.grants(form) && rule.join_with.contains(with),
            UseForm::Aggregate(function) => rule.grants_aggregate(function),
            _ => rule.grants(form),
        });
        if granted {
            return;
        }
        let (field, change) = remedy(name, form, &used.form, rule.is_some_and(|r| r.grants(form)));
        let allowed = rule.map(|rule| &rule.release).filter(|forms| !forms.is_empty()).map_or_else(
            || "for nothing".to_owned(),
            |forms| {
                format!(
                    "as {} only",
                    listed(&forms.iter().map(|f| f.as_str().to_owned()).collect::<Vec<_>>())
                )
            },
        );
        let message = format!(
            "column `{name}` of `{}` is used {detail}, which needs `{form}`; it may be used {allowed}. {change} to allow this",
            self.policy.dataset
        );
        self.refuse(field, Some(format!("{}.{name}", self.policy.dataset)), message);
    }

    fn check_psi(&mut self) {
        let Some(asked) = &self.request.plan.psi else { return };
        for (field, message) in psi::refusals(self.policy.psi.as_ref(), asked) {
            self.refuse(field, None, message);
        }
        if let Some(message) = lookups::refusal(self.policy, self.request.plan) {
            self.refuse("psi.max_lookups", None, message);
        }
    }

    fn check_train(&mut self) {
        for (field, message) in train::refusals(self.policy.train.as_ref(), self.request.plan) {
            self.refuse(field, None, message);
        }
        let rule = self.policy.train_vertical.as_ref();
        for (field, message) in vertical::refusals(rule, self.request.plan) {
            self.refuse(field, None, message);
        }
    }

    fn check_output(&mut self) {
        let (rule, plan) = (self.policy.output, self.request.plan);
        // A model has no rows or groups: `train` says what holds for it.
        if plan.training().is_some() {
            return;
        }
        if plan.min_group_entities < rule.min_group_entities {
            let (least, asked) = (plan.min_group_entities, rule.min_group_entities);
            let rest =
                if least < 2 { "one entity alone".to_owned() } else { format!("{least} entities") };
            let message = format!(
                "released rows can rest on {rest}, {asked} are asked for; set `output.min_group_entities` to {least} to allow this"
            );
            self.refuse("output.min_group_entities", None, message);
        }
        let groups = plan.nodes.iter().filter_map(|node| match node {
            Op::GroupBy { keys, groups, .. } if !keys.is_empty() => Some(*groups),
            _ => None,
        });
        let largest = groups.max().unwrap_or(0);
        if largest > u64::from(rule.max_groups) {
            let message = format!(
                "the query could give {largest} groups, at most {} are allowed; group by fewer columns, \
                 or set `output.max_groups` to {largest} to allow this",
                rule.max_groups
            );
            self.refuse("output.max_groups", None, message);
        }
    }
}

/// The form that a use needs, and how to say what it is used for.
fn asked(form: &UseForm) -> (ReleaseForm, String) {
    match form {
        UseForm::Filter => (ReleaseForm::Filter, "in a condition on rows".into()),
        UseForm::JoinKey(with) => (ReleaseForm::JoinKey, format!("to join with `{with}`")),
        UseForm::GroupKey => (ReleaseForm::GroupKey, "in GROUP BY".into()),
        UseForm::Aggregate(function) => (ReleaseForm::Aggregate, format!("under {function}")),
        UseForm::Extrema(function) => {
            (ReleaseForm::Extrema, format!("under {function}, which shows one entity's value"))
        }
        UseForm::List => (ReleaseForm::List, "row by row in the result".into()),
        UseForm::Validate => (
            ReleaseForm::Validate,
            "to weigh updates by, which shows it to the compute parties row by row".into(),
        ),
        UseForm::Train => (ReleaseForm::Train, "to train a model".into()),
        UseForm::Score => (ReleaseForm::Score, "to score rows".into()),
    }
}

/// The field that stands in the way, and the smallest change that removes it.
fn remedy(name: &str, form: ReleaseForm, used: &UseForm, granted: bool) -> (String, String) {
    let (list, entry) = match used {
        UseForm::JoinKey(with) => ("join_with", Some(with)),
        UseForm::Aggregate(function) => ("aggregates", Some(function)),
        _ => ("release", None),
    };
    let of = |field: &str| format!("columns.{name}.{field}");
    match entry {
        Some(entry) if granted => (of(list), format!("Add `{entry}` to `{}`", of(list))),
        Some(entry) => (
            of("release"),
            format!("Add `{form}` to `{}` and `{entry}` to `{}`", of("release"), of(list)),
        ),
        None => (of("release"), format!("Add `{form}` to `{}`", of("release"))),
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        return "none".into();
    }
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
