//! `unseen policy`: checks, signs and explains policy documents.

use std::{fmt::Write as _, fs, path::Path};

use super::exit::{CliError, chain};
use crate::{
    identity::{IdentityKey, Signed},
    job::ModelFamily,
    policy::{Level, POLICY_DOMAIN, PolicyDocument, ReleaseForm, lint, parse, parse_signed},
};

/// What is wrong or unwise in a document, a line each.
///
/// # Errors
/// Usage: the document cannot be read, is no policy, or has an error in it.
pub(super) fn lint_file(path: &Path) -> Result<String, CliError> {
    let document = load(path)?;
    let mut lines = String::new();
    let findings = lint(&document, None);
    for finding in &findings {
        let level = match finding.level {
            Level::Error => "error",
            Level::Warning => "warning",
        };
        let _ = writeln!(lines, "{level}: {}: {}", finding.field, finding.message);
    }
    if findings.iter().any(|finding| finding.level == Level::Error) {
        let message = format!("policy {}:\n{}", path.display(), lines.trim_end());
        return Err(CliError::usage(message).next("mend the errors, then sign it"));
    }
    let (id, version) = (&document.id, document.version);
    let _ = writeln!(lines, "{}: policy {id} version {version} can be signed", path.display());
    Ok(lines)
}

/// Signs a document with the assigner's key.
///
/// # Errors
/// Usage: a file cannot be read or written, the document has an error, or the key is not the assigner's.
pub(super) fn sign_file(path: &Path, key: &Path, out: &Path) -> Result<String, CliError> {
    let document = load(path)?;
    lint_file(path)?;
    let key = IdentityKey::load(key).map_err(|error| CliError::usage(chain(&error)))?;
    if key.public() != document.assigner.key {
        let message = format!(
            "policy {}: `assigner.key` is {}, but this key is {}",
            path.display(),
            document.assigner.key,
            key.public()
        );
        return Err(CliError::usage(message).next("sign with the assigner's own key"));
    }
    let (assigner, hash) = (document.assigner.party.clone(), document.hash());
    let signed = Signed::new(POLICY_DOMAIN, document, assigner, &key);
    let json = serde_json::to_string_pretty(&signed).map_err(CliError::failed)?;
    fs::write(out, json + "\n")
        .map_err(|error| CliError::usage(format!("cannot write {}: {error}", out.display())))?;
    Ok(format!("signed policy {hash} written to {}\n", out.display()))
}

/// What a policy allows, in words.
///
/// # Errors
/// Usage: the document cannot be read, is no policy, or its signature does not hold.
pub(super) fn show_file(path: &Path) -> Result<String, CliError> {
    let text = read(path)?;
    let (document, signature) = match serde_json::from_str::<Signed<PolicyDocument>>(&text) {
        Ok(signed) => {
            let key = signed.body.assigner.key;
            let signed = parse_signed(&text, &key).map_err(|error| wrong(path, &error))?;
            (signed.body, format!("signed by {key} (compare it with the key you pinned)"))
        }
        Err(_) => (load(path)?, "not signed".to_owned()),
    };
    Ok(in_words(&document, &signature))
}

fn in_words(policy: &PolicyDocument, signature: &str) -> String {
    let names = |parties: Vec<String>| parties.join(", ");
    let recipients = names(policy.recipients.iter().map(|r| r.party.to_string()).collect());
    let compute =
        names(policy.operators.compute_parties.iter().map(|c| c.party.to_string()).collect());
    let mut text = String::new();
    let _ = writeln!(text, "policy {} version {} of {}", policy.id, policy.version, policy.dataset);
    let _ = writeln!(text, "  {signature}");
    let _ = writeln!(text, "  hash          {}", policy.hash());
    let _ = writeln!(text, "  recipients    {recipients}");
    let _ = writeln!(text, "  purposes      {}", policy.purposes.join(", "));
    let _ = writeln!(text, "  computed by   any three of {compute}");
    let (from, until) = (policy.validity.not_before, policy.validity.expires);
    let _ = writeln!(text, "  from {from} until {until}");
    let _ = writeln!(
        text,
        "  every released row rests on at least {} entities; at most {} groups",
        policy.output.min_group_entities, policy.output.max_groups
    );
    if let Some(psi) = &policy.psi {
        let forms: Vec<_> = psi.forms.iter().map(ToString::to_string).collect();
        let to: Vec<_> = psi.recipients.iter().map(ToString::to_string).collect();
        let _ = writeln!(text, "  intersections: {} to {}", forms.join(", "), to.join(" and "));
        let most = psi.max_lookups.map(|most| {
            format!("{most} keys of its choice, and so all that can be guessed within that")
        });
        let most = most.unwrap_or_else(|| "none".to_owned());
        let _ = writeln!(text, "  keys that each recipient may look up: {most}");
    }
    if let Some(train) = &policy.train {
        let models: Vec<_> = train.models.iter().map(ToString::to_string).collect();
        let _ = writeln!(
            text,
            "  training: {} models, averages of {} providers at least, at most {} rounds",
            models.join(", "),
            train.min_providers,
            train.max_rounds
        );
        if train.models.contains(&ModelFamily::Trees) {
            let _ = writeln!(text, "  leaves of trees: {} rows at least", train.min_leaf_rows);
        }
        if let Some(rule) = &train.privacy {
            let required = if rule.required { "required" } else { "not required" };
            let _ = writeln!(
                text,
                "  noise in trainings: {required}; all of them with it may come to ε = {} with δ = {} for each {}",
                rule.max_epsilon, rule.delta, rule.unit
            );
        }
    }
    if let Some(rule) = &policy.train_vertical {
        let _ = writeln!(
            text,
            "  training on joined rows: models of {} rows at least{}",
            rule.min_rows,
            rule.max_weights.map_or_else(String::new, |most| format!(", {most} weights at most"))
        );
    }
    for (name, rule) in &policy.columns {
        let forms = rule.release.iter().map(|form| match form {
            ReleaseForm::JoinKey => format!("join key with {}", rule.join_with.join(", ")),
            ReleaseForm::Aggregate => {
                let functions: Vec<_> = rule.aggregates.iter().map(|a| a.as_str()).collect();
                format!("under {}", functions.join(", "))
            }
            other => other.as_str().replace('_', " "),
        });
        let forms: Vec<_> = forms.collect();
        let allowed = if forms.is_empty() { "nothing".to_owned() } else { forms.join("; ") };
        let _ = writeln!(text, "  column {name}: {allowed}");
    }
    text
}

fn load(path: &Path) -> Result<PolicyDocument, CliError> {
    parse(&read(path)?).map_err(|error| wrong(path, &error))
}

fn wrong(path: &Path, error: &dyn std::error::Error) -> CliError {
    CliError::usage(format!("policy {}: {}", path.display(), chain(error)))
        .next("engine/examples has policies to start from")
}

fn read(path: &Path) -> Result<String, CliError> {
    fs::read_to_string(path)
        .map_err(|error| CliError::usage(format!("cannot read {}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::SealingPublicKey;

    fn document(key: &IdentityKey) -> String {
        let key = key.public();
        let sealing = SealingPublicKey([3; 32]);
        let compute: Vec<_> = ["a", "b", "c"]
            .iter()
            .map(|party| serde_json::json!({"party": party, "key": key}))
            .collect();
        let policy = serde_json::json!({
            "schema": "unseen.policy/v1", "id": "p1", "version": 1,
            "assigner": {"party": "census", "key": key}, "dataset": "census.people",
            "entity_key": "id",
            "recipients": [{"party": "insurer", "key": key, "sealing_keys": [sealing]}],
            "purposes": ["test"],
            "validity": {"not_before": "2025-01-01T00:00:00Z", "expires": "2035-01-01T00:00:00Z"},
            "operators": {"kinds": ["sql"], "compute_parties": compute, "min_security": "semi_honest"},
            "columns": {"id": {"release": ["join_key"], "join_with": ["employers.jobs"]},
                        "age": {"release": ["filter", "aggregate"], "aggregates": ["AVG"]},
                        "name": {"release": []}},
            "output": {"min_group_entities": 20, "max_groups": 400}, "approval": "auto"
        });
        policy.to_string()
    }

    #[test]
    fn a_signed_policy_shows_what_it_allows_and_a_changed_one_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let key = IdentityKey::from_seed(&[1; 32]);
        key.save(&at("identity.key")).unwrap();
        fs::write(at("p.json"), document(&key)).unwrap();
        sign_file(&at("p.json"), &at("identity.key"), &at("signed.json")).unwrap();
        let shown = show_file(&at("signed.json")).unwrap();
        assert!(shown.contains("at least 20 entities"), "{shown}");
        assert!(shown.contains("column age: filter; under AVG"), "{shown}");
        assert!(shown.contains("column id: join key with employers.jobs"), "{shown}");
        assert!(shown.contains("column name: nothing"), "{shown}");
        let changed = fs::read_to_string(at("signed.json")).unwrap().replace("400", "401");
        fs::write(at("signed.json"), changed).unwrap();
        assert!(show_file(&at("signed.json")).unwrap_err().message.contains("signature"));
    }

    #[test]
    fn only_the_assigner_signs() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("p.json"), document(&IdentityKey::from_seed(&[1; 32]))).unwrap();
        IdentityKey::from_seed(&[2; 32]).save(&at("other.key")).unwrap();
        let error = sign_file(&at("p.json"), &at("other.key"), &at("signed.json")).unwrap_err();
        assert!(error.message.contains("assigner.key"), "{}", error.message);
        assert!(!at("signed.json").exists());
    }

    #[test]
    fn a_document_that_is_no_policy_is_a_usage_error_naming_the_field() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("p.json");
        let text = document(&IdentityKey::from_seed(&[1; 32]));
        fs::write(&path, text.replace("\"max_groups\":400", "\"max_groups\":\"many\"")).unwrap();
        let error = lint_file(&path).unwrap_err();
        assert_eq!(error.ending, super::super::exit::Ending::Usage);
        assert!(error.message.contains("output.max_groups"), "{}", error.message);
    }
}
