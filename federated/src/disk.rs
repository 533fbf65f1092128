//! What a party's disk says, in words for that party alone.

use std::io;

/// Why something could not be kept, and whether the disk was full: that alone is for others to know, since the words name files.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{words}")]
pub struct DiskError {
    words: String,
    full: bool,
}

impl DiskError {
    /// These words; `full` says that there was no room left.
    #[must_use]
    pub fn new(words: impl Into<String>, full: bool) -> Self {
        Self { words: words.into(), full }
    }

    /// Of a file, or of what was under way.
    pub(crate) fn of(what: impl std::fmt::Display, error: &io::Error) -> Self {
        Self::new(format!("{what}: {error}"), is_full(error.kind()))
    }

    /// Whether there was no room left, on the disk or of what this user may take of it.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.full
    }
}

impl From<&io::Error> for DiskError {
    fn from(error: &io::Error) -> Self {
        Self::new(error.to_string(), is_full(error.kind()))
    }
}

/// Whatever is wrong besides: the disk is not full.
impl From<String> for DiskError {
    fn from(words: String) -> Self {
        Self::new(words, false)
    }
}

fn is_full(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
