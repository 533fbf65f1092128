//! `unseen policy`: checks, signs and explains policy documents.

use std::{fmt::Write as _, fs, path::Path};

use super::{
    exit::{CliError, chain},
    policy_words::in_words,
};
use crate::{
    identity::{IdentityKey, Signed},
    policy::{Level, POLICY_DOMAIN, PolicyDocument, lint, parse, parse_signed},
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
    fn all_that_a_policy_allows_is_told_before_it_is_signed() {
        let mut policy: serde_json::Value =
            serde_json::from_str(&document(&IdentityKey::from_seed(&[1; 32]))).unwrap();
        policy["operators"]["kinds"] = serde_json::json!(["sql", "psi", "train"]);
        policy["approval"] = "manual".into();
        policy["psi"] = serde_json::json!({"forms": ["inner"], "recipients": ["owners"],
            "min_intersection": 30, "noise": {"epsilon_milli": 250}, "max_queries": 7});
        policy["train"] = serde_json::json!({"models": ["logistic"], "min_providers": 3,
            "max_rounds": 40, "max_parameters": 900, "gates": ["norm"], "moments": true});
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("p.json");
        fs::write(&path, policy.to_string()).unwrap();
        let shown = show_file(&path).unwrap();
        for due in [
            "kinds of job  sql, psi, train",
            "a person answers each job",
            "of 30 common keys at least",
            "noise of ε = 0.250",
            "7 for each recipient",
            "look up: none",
            "at most 900 parameters",
            "refuse: norm",
            "worth: not allowed",
            "products of columns: allowed",
            "averaged by shares",
        ] {
            assert!(shown.contains(due), "{due}: {shown}");
        }
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
