//! Party names: short, lower case, usable unquoted in SQL and in host configuration.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The name of an organisation's party: `[a-z][a-z0-9_]{0,31}`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PartyName(String);

/// A name that is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no party name: use 1 to 32 lower case letters, digits and `_`, starting with a letter"
)]
pub struct BadName(String);

impl PartyName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for PartyName {
    type Error = BadName;

    fn try_from(name: String) -> Result<Self, BadName> {
        let mut letters = name.bytes();
        let starts = letters.next().is_some_and(|b| b.is_ascii_lowercase());
        let rest = letters.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if starts && rest && name.len() <= 32 {
            Ok(Self(name))
        } else {
            Err(BadName(name.chars().take(40).collect()))
        }
    }
}

impl TryFrom<&str> for PartyName {
    type Error = BadName;

    fn try_from(name: &str) -> Result<Self, BadName> {
        Self::try_from(name.to_owned())
    }
}

impl std::str::FromStr for PartyName {
    type Err = BadName;

    fn from_str(name: &str) -> Result<Self, BadName> {
        Self::try_from(name)
    }
}

impl From<PartyName> for String {
    fn from(name: PartyName) -> Self {
        name.0
    }
}

impl fmt::Display for PartyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for PartyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_lower_case_words() {
        for good in ["census", "p0", "bank_a"] {
            assert_eq!(PartyName::try_from(good).unwrap().as_str(), good);
        }
        for bad in ["", "0p", "Bank", "a-b", "a.b", &"x".repeat(33), "ä"] {
            assert!(PartyName::try_from(bad).is_err(), "{bad}");
        }
    }
}
