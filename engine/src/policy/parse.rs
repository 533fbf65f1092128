//! Reading policies: strict, and every error names the field.

use serde::de::DeserializeOwned;

use super::document::{POLICY_DOMAIN, POLICY_SCHEMA, PolicyDocument};
use crate::identity::{PublicKey, Signed};

/// A policy that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// The JSON is no policy.
    #[error("policy field `{field}`: {message}")]
    Field {
        /// Its path in the document; `.` is the document itself.
        field: String,
        /// What is wrong, and where it stands.
        message: String,
    },
    /// The document names another version of the format.
    #[error("policy field `schema`: `{0}` is not supported; this program reads `{POLICY_SCHEMA}`")]
    Schema(String),
    /// It grants on behalf of another provider.
    #[error("policy field `{field}`: `{found}` does not belong to the assigner `{assigner}`")]
    Owner {
        /// `dataset` or `party` (of the signature).
        field: &'static str,
        /// What it says.
        found: String,
        /// Who grants.
        assigner: String,
    },
    /// It was not signed by the key it must be signed by.
    #[error("the policy's signature by {0} does not hold; sign it again with `unseen policy sign`")]
    Signature(String),
    /// It names another key than the one that is pinned.
    #[error("policy field `assigner.key`: {found} is not the key pinned of {party}")]
    Key {
        /// Who grants.
        party: String,
        /// The key named.
        found: String,
    },
}

/// Reads a policy without its signature, as `unseen policy lint` and `sign` do.
///
/// # Errors
/// [`PolicyError`] naming the first field that is wrong.
pub fn parse(json: &str) -> Result<PolicyDocument, PolicyError> {
    let document = read(json)?;
    check(&document)?;
    Ok(document)
}

/// Reads a signed policy and checks its signature with `key`, the key pinned of the provider.
///
/// # Errors
/// [`PolicyError`] naming the first field that is wrong, or the signature.
pub fn parse_signed(json: &str, key: &PublicKey) -> Result<Signed<PolicyDocument>, PolicyError> {
    let signed: Signed<PolicyDocument> = read(json)?;
    check(&signed.body)?;
    let assigner = &signed.body.assigner;
    if signed.party != assigner.party {
        return Err(PolicyError::Owner {
            field: "party",
            found: signed.party.to_string(),
            assigner: assigner.party.to_string(),
        });
    }
    if assigner.key != *key {
        return Err(PolicyError::Key {
            party: assigner.party.to_string(),
            found: assigner.key.to_string(),
        });
    }
    signed
        .verify(POLICY_DOMAIN, key)
        .map_err(|_| PolicyError::Signature(assigner.party.to_string()))?;
    Ok(signed)
}

fn read<T: DeserializeOwned>(json: &str) -> Result<T, PolicyError> {
    let mut reader = serde_json::Deserializer::from_str(json);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        PolicyError::Field { field: error.path().to_string(), message: error.inner().to_string() }
    })?;
    reader
        .end()
        .map_err(|error| PolicyError::Field { field: ".".into(), message: error.to_string() })?;
    Ok(value)
}

fn check(document: &PolicyDocument) -> Result<(), PolicyError> {
    if document.schema != POLICY_SCHEMA {
        return Err(PolicyError::Schema(document.schema.chars().take(40).collect()));
    }
    let owner = document.dataset.split_once('.').map(|(party, _)| party);
    if owner != Some(document.assigner.party.as_str()) {
        return Err(PolicyError::Owner {
            field: "dataset",
            found: document.dataset.clone(),
            assigner: document.assigner.party.to_string(),
        });
    }
    Ok(())
}
