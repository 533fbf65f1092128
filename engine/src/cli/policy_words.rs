//! A policy in words. Every field of the document is taken apart here, so that none can be added and not be told of.

use std::fmt::Write as _;

use crate::policy::{
    Approval, ColumnRule, OutputRule, PolicyDocument, PrivacyRule, PsiRule, ReleaseForm, TrainRule,
    VerticalRule,
};

/// What a policy allows.
pub(super) fn in_words(policy: &PolicyDocument, signature: &str) -> String {
    #[rustfmt::skip]
    let PolicyDocument {
        schema: _, id, version, assigner: _, dataset, entity_key, recipients, purposes, validity, operators, columns, output, psi,
        train, train_vertical, approval,
    } = policy;
    let mut text = String::new();
    let mut line = |words: &str| {
        let _ = writeln!(text, "{words}");
    };
    line(&format!("policy {id} version {version} of {dataset}"));
    line(&format!("  {signature}"));
    line(&format!("  hash          {}", policy.hash()));
    line(&format!("  recipients    {}", list(recipients.iter().map(|r| &r.party))));
    line(&format!("  purposes      {}", purposes.join(", ")));
    line(&format!("  kinds of job  {}", list(operators.kinds.iter().map(word))));
    let parties = list(operators.compute_parties.iter().map(|c| &c.party));
    let security = word(&operators.min_security);
    line(&format!("  computed by   any three of {parties}; security {security} at least"));
    line(&format!("  from {} until {}", validity.not_before, validity.expires));
    line(match approval {
        Approval::Auto => "  consent       the daemon gives it where the policy allows a job",
        Approval::Manual => "  consent       a person answers each job: `unseen consent`",
    });
    let OutputRule { min_group_entities, max_groups } = output;
    let whom =
        entity_key.as_deref().map_or_else(|| "rows".to_owned(), |key| format!("entities ({key})"));
    line(&format!(
        "  every released row rests on at least {min_group_entities} {whom}; at most {max_groups} groups"
    ));
    psi.iter().for_each(|rule| line(intersections(rule).trim_end()));
    train.iter().for_each(|rule| line(training(rule).trim_end()));
    train_vertical.iter().for_each(|rule| line(&joined(rule)));
    for (name, rule) in columns {
        line(&format!("  column {name}: {}", column(rule)));
    }
    text
}

fn intersections(rule: &PsiRule) -> String {
    #[rustfmt::skip]
    let PsiRule {
        forms, recipients, min_intersection, noise, max_queries, max_lookups, lookup_changes,
    } = rule;
    let to: Vec<_> = recipients.iter().map(ToString::to_string).collect();
    let mut text = format!("  intersections: {} to {}\n", list(forms), to.join(" and "));
    let _ = match min_intersection {
        0 | 1 => writeln!(text, "    however few keys are in common"),
        least => writeln!(text, "    of {least} common keys at least; fewer are not shown"),
    };
    let _ = match noise {
        Some(noise) => writeln!(text, "    counts and sums with noise of {noise} or more"),
        None => writeln!(text, "    counts and sums may be exact"),
    };
    let _ = match max_queries {
        Some(most) => writeln!(text, "    {most} for each recipient in all"),
        None => writeln!(text, "    as many as are asked for"),
    };
    let _ = match max_lookups {
        Some(most) => writeln!(
            text,
            "    keys that each recipient may look up: {most} keys of its choice, and so all that can be guessed within that"
        ),
        None => writeln!(text, "    keys that each recipient may look up: none"),
    };
    if let Some(rows) = lookup_changes {
        let _ = writeln!(
            text,
            "    where no more than {rows} rows of what is looked up have changed, a change of so many is published; whoever asks \
             learns whether the row of a key was changed"
        );
    }
    text
}

fn training(rule: &TrainRule) -> String {
    #[rustfmt::skip]
    let TrainRule {
        models, min_providers, max_rounds, max_parameters, min_leaf_rows, averaging, min_colluding, gates, privacy, contribution,
        moments, metrics, min_class_rows,
    } = rule;
    let mut text = format!(
        "  training: {} models, averages of {min_providers} providers at least, at most {max_rounds} rounds\n",
        list(models)
    );
    let most = max_parameters
        .map_or("of any size".to_owned(), |most| format!("at most {most} parameters"));
    let _ = writeln!(text, "    models {most}; leaves of trees: {min_leaf_rows} rows at least");
    let _ = writeln!(
        text,
        "    averaged by {}, under masks against {min_colluding} in league at least",
        list(averaging)
    );
    let gates = if gates.is_empty() { "none".to_owned() } else { list(gates) };
    let _ = writeln!(text, "    gates, which tell whose updates they refuse: {gates}");
    let yes = |allowed: &bool| if *allowed { "allowed" } else { "not allowed" };
    let _ = writeln!(text, "    telling what updates were worth: {}", yes(contribution));
    let _ = writeln!(text, "    opening exact sums of products of columns: {}", yes(moments));
    let _ = writeln!(
        text,
        "    metrics beyond loss and accuracy: {}, of {min_class_rows} rows of a class (of a linear model: of all) at least",
        yes(metrics)
    );
    match privacy {
        Some(PrivacyRule { unit, max_epsilon, delta, required }) => {
            let required = if *required { "required" } else { "not required" };
            let _ = writeln!(
                text,
                "    noise in trainings: {required}; all of them with it may come to ε = {max_epsilon} with δ = {delta} for each {unit}"
            );
        }
        None => text += "    noise in trainings: not required, and no budget\n",
    }
    text
}

fn joined(rule: &VerticalRule) -> String {
    let VerticalRule { min_rows, max_weights } = rule;
    let most = max_weights.map_or_else(String::new, |most| format!(", {most} weights at most"));
    format!("  training on joined rows: models of {min_rows} rows at least{most}")
}

fn column(rule: &ColumnRule) -> String {
    let ColumnRule { release, join_with, aggregates, domain } = rule;
    let forms = release.iter().map(|form| match form {
        ReleaseForm::JoinKey => format!("join key with {}", join_with.join(", ")),
        ReleaseForm::Aggregate => format!("under {}", list(aggregates.iter().map(|a| a.as_str()))),
        ReleaseForm::GroupKey if !domain.is_empty() => {
            format!("group key of {} listed values", domain.len())
        }
        other => other.as_str().replace('_', " "),
    });
    let forms: Vec<_> = forms.collect();
    if forms.is_empty() { "nothing".to_owned() } else { forms.join("; ") }
}

/// A value as the document writes it.
fn word(value: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn list<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<_> = items.into_iter().map(|item| item.to_string()).collect();
    items.join(", ")
}
