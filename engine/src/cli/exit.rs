//! How a command ends: exit codes and messages that say who, where and what to do next.

use std::{fmt, process::ExitCode};

use crate::job::Failure;

/// The exit codes that scripts may rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The job failed.
    Failed,
    /// Usage or configuration.
    Usage,
    /// Refused by policy.
    Refused,
}

/// Why a command ended early.
#[derive(Debug)]
pub struct CliError {
    /// Which exit code.
    pub ending: Ending,
    /// Who, where, what.
    pub message: String,
    /// What to do next.
    pub next: Option<String>,
}

impl CliError {
    /// The job, or a part of it, failed.
    pub fn failed(message: impl fmt::Display) -> Self {
        Self { ending: Ending::Failed, message: message.to_string(), next: None }
    }

    /// What was asked for, or configured, cannot be.
    pub fn usage(message: impl fmt::Display) -> Self {
        Self { ending: Ending::Usage, message: message.to_string(), next: None }
    }

    /// A policy refused.
    pub fn refused(message: impl fmt::Display) -> Self {
        Self { ending: Ending::Refused, message: message.to_string(), next: None }
    }

    /// Adds what to do next.
    #[must_use]
    pub fn next(mut self, advice: impl fmt::Display) -> Self {
        self.next = Some(advice.to_string());
        self
    }
}

impl From<Failure> for CliError {
    fn from(failure: Failure) -> Self {
        let ending = match failure.reason.exit_code() {
            3 => Ending::Refused,
            2 => Ending::Usage,
            _ => Ending::Failed,
        };
        let party = failure.party.as_ref().map(|party| format!(", party {party}"));
        let (reason, stage) = (failure.reason, failure.stage.as_str());
        let place = format!("{reason} at stage {stage}{}", party.unwrap_or_default());
        Self { ending, message: format!("{place}: {}", failure.message), next: None }
            .next(reason.hint())
    }
}

impl Ending {
    /// The number.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Refused => 3,
        }
    }
}

impl From<Ending> for ExitCode {
    fn from(ending: Ending) -> Self {
        ending.code().into()
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unseen: {}", self.message)?;
        match &self.next {
            Some(next) => write!(f, "\n  next: {next}"),
            None => Ok(()),
        }
    }
}

/// An error chain in one line: `outer: inner: innermost`, without repeating what an outer message already says.
#[must_use]
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        source = inner.source();
    }
    text
}

/// What is wrong with a TOML file, and in which field of it.
#[must_use]
pub(super) fn in_words(error: &figment::Error) -> String {
    let all: Vec<_> = error
        .clone()
        .into_iter()
        .map(|one| {
            let what = one.kind.to_string();
            let field = one.path.join(".");
            if field.is_empty() || what.contains(&field) {
                what
            } else {
                format!("{what} in `{field}`")
            }
        })
        .collect();
    all.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{Reason, Stage};

    #[test]
    fn a_failure_says_where_who_and_what_to_do() {
        let census = "census".parse().unwrap();
        let failure = Failure::new(Reason::PartyLost, Stage::Run, "the link closed").at(&census);
        let text = CliError::from(failure).to_string();
        assert!(text.contains("PARTY_LOST at stage run, party census: the link closed"), "{text}");
        assert!(text.contains("next: check that the party's daemon is up"), "{text}");
    }

    #[test]
    fn every_reason_ends_with_the_exit_code_of_the_table() {
        for reason in Reason::ALL {
            let error = CliError::from(Failure::new(reason, Stage::Submit, ""));
            assert_eq!(error.ending.code(), reason.exit_code(), "{reason}");
        }
    }
}
