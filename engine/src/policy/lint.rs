//! What a policy's author should know before signing it.

use super::{
    document::{PolicyDocument, ReleaseForm},
    finding::{Finding, Notes},
    lint_psi::lint_psi,
    privacy::lint_privacy,
    train::lint_train,
    vertical::lint_vertical,
};
use crate::{
    catalog::{ColumnType, DatasetDescriptor},
    job::Security,
};

/// Looks a policy over; with the dataset's descriptor also whether the two fit.
#[must_use]
pub fn lint(policy: &PolicyDocument, dataset: Option<&DatasetDescriptor>) -> Vec<Finding> {
    let mut notes = Notes(Vec::new());
    lint_grants(policy, &mut notes);
    lint_columns(policy, &mut notes);
    lint_output(policy, &mut notes);
    lint_psi(policy, &mut notes);
    lint_train(policy, &mut notes);
    lint_vertical(policy, &mut notes);
    if let Some(dataset) = dataset {
        lint_dataset(policy, dataset, &mut notes);
    }
    notes.0.sort_by_key(|finding| finding.level);
    notes.0
}

fn lint_grants(policy: &PolicyDocument, notes: &mut Notes) {
    let operators = &policy.operators;
    let empty = [
        ("recipients", policy.recipients.is_empty()),
        ("purposes", policy.purposes.is_empty()),
        ("operators.kinds", operators.kinds.is_empty()),
        ("columns", policy.columns.is_empty()),
    ];
    for (field, _) in empty.iter().filter(|(_, empty)| *empty) {
        notes.warn(*field, "is empty, so every job is refused");
    }
    if policy.validity.not_before >= policy.validity.expires {
        notes.error("validity", "`expires` must come after `not_before`");
    }
    for recipient in policy.recipients.iter().filter(|r| r.sealing_keys.is_empty()) {
        notes.error(
            format!("recipients.{}", recipient.party),
            "has no sealing key: no result could be sealed to it; add one to `sealing_keys`",
        );
    }
    if operators.compute_parties.len() < 3 {
        notes.error("operators.compute_parties", "a run needs three; name at least three");
    }
    for party in &operators.compute_parties {
        if policy.recipients.iter().any(|r| r.party == party.party) {
            notes.warn(
                "operators.compute_parties",
                format!("`{}` is a recipient too; it cannot be both in one job", party.party),
            );
        }
    }
    if operators.min_security == Security::Malicious {
        notes.warn(
            "operators.min_security",
            "`malicious` is not implemented, so every job is refused",
        );
    }
}

fn lint_columns(policy: &PolicyDocument, notes: &mut Notes) {
    for (name, rule) in &policy.columns {
        let field = |part: &str| format!("columns.{name}.{part}");
        let pairs = [
            (ReleaseForm::JoinKey, "join_with", rule.join_with.is_empty()),
            (ReleaseForm::Aggregate, "aggregates", rule.aggregates.is_empty()),
        ];
        for (form, list, empty) in pairs {
            match (rule.grants(form), empty) {
                (true, true) => notes.error(
                    field(list),
                    format!("`{form}` is granted, but nothing is listed in `{list}`"),
                ),
                (false, false) => notes.error(
                    field(list),
                    format!("has no effect: add `{form}` to `release` or remove the list"),
                ),
                _ => {}
            }
        }
        if !rule.domain.is_empty() && !rule.grants(ReleaseForm::GroupKey) {
            notes.warn(
                field("domain"),
                "publishes the column's values, but `group_key` is not granted",
            );
        }
        if !rule.domain.windows(2).all(|pair| pair[0] < pair[1]) {
            notes.error(field("domain"), "must be ascending, without repetitions");
        }
    }
}

fn lint_output(policy: &PolicyDocument, notes: &mut Notes) {
    let k = policy.output.min_group_entities;
    if k < 2 {
        notes.warn(
            "output.min_group_entities",
            "lets a result show one person; 10 is a usual minimum",
        );
    }
    if k > 0 && policy.entity_key.is_none() {
        notes.error(
            "entity_key",
            "`min_group_entities` counts entities: name the column that identifies them",
        );
    }
    if policy.output.max_groups == 0 {
        notes.warn("output.max_groups", "is 0, so every GROUP BY is refused");
    }
    let single =
        [ReleaseForm::List, ReleaseForm::Extrema, ReleaseForm::Score, ReleaseForm::Validate];
    for (name, rule) in policy.columns.iter().filter(|_| k > 1) {
        for form in single.into_iter().filter(|form| rule.grants(*form)) {
            notes.warn(
                format!("columns.{name}.release"),
                format!("`{form}` shows a single entity's value, although groups are held to {k}"),
            );
        }
    }
    for (name, _) in policy.columns.iter().filter(|(_, rule)| rule.grants(ReleaseForm::Score)) {
        notes.warn(
            format!("columns.{name}.release"),
            "`score` can spell out every number of a row to a recipient in league with whoever chose the weights",
        );
    }
}

fn lint_dataset(policy: &PolicyDocument, dataset: &DatasetDescriptor, notes: &mut Notes) {
    let name = format!("{}.{}", dataset.party, dataset.name);
    if policy.dataset != name {
        return notes
            .error("dataset", format!("is `{}`, the catalog's is `{name}`", policy.dataset));
    }
    if policy.entity_key.is_some() && policy.entity_key != dataset.entity_key {
        let published = dataset.entity_key.as_deref().unwrap_or("none");
        notes.error("entity_key", format!("differs from the catalog's, which is `{published}`"));
    }
    lint_privacy(policy, dataset, notes);
    for (column, rule) in &policy.columns {
        let Some(spec) = dataset.columns.iter().find(|spec| spec.name == *column) else {
            notes.error(format!("columns.{column}"), "is no column of the dataset");
            continue;
        };
        if spec.ty == ColumnType::String
            && rule.grants(ReleaseForm::GroupKey)
            && rule.domain.is_empty()
            && spec.domain.is_none()
        {
            notes.error(
                format!("columns.{column}.domain"),
                "a text group key needs its public list of values here or in the catalog",
            );
        }
        let published = spec.domain.as_ref().is_none_or(|domain| *domain == rule.domain);
        if !rule.domain.is_empty() && !published {
            notes.error(
                format!("columns.{column}.domain"),
                "differs from the list in the catalog; make them equal",
            );
        }
    }
    for spec in dataset.columns.iter().filter(|s| !policy.columns.contains_key(&s.name)) {
        notes.warn(format!("columns.{}", spec.name), "is not mentioned, so it may not be used");
    }
}
