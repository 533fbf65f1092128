//! The name of a job.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::spec::{JobSpec, SPEC_DOMAIN};
use crate::identity::{Hash32, canonical_hash};

/// A job's name: the hash of its specification, so that nobody can swap the specification behind it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(Hash32);

/// Text that names no job.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a job's name is 64 hexadecimal digits")]
pub struct BadJobId;

impl JobId {
    /// The name of the job that a specification asks for.
    #[must_use]
    pub fn of(spec: &JobSpec) -> Self {
        Self(canonical_hash(SPEC_DOMAIN, spec))
    }

    /// The hash behind the name.
    #[must_use]
    pub fn hash(self) -> Hash32 {
        self.0
    }
}

impl From<Hash32> for JobId {
    fn from(hash: Hash32) -> Self {
        Self(hash)
    }
}

impl std::str::FromStr for JobId {
    type Err = BadJobId;

    fn from_str(text: &str) -> Result<Self, BadJobId> {
        text.parse().map(Self).map_err(|_| BadJobId)
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
