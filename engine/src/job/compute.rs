//! Who computes in a job.

use std::ops::{Deref, DerefMut};

use serde::{Deserialize, Serialize};

use crate::identity::PartyName;

/// The parties that compute: three, in the order of their roles, or the one that adds up masked updates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<PartyName>", into = "Vec<PartyName>")]
pub struct Compute(Vec<PartyName>);

/// Another number of parties.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`compute` names {0} parties; three compute, or one where updates are averaged by masks")]
pub struct NotThree(usize);

impl Compute {
    /// One party, for a training by masks.
    #[must_use]
    pub fn alone(party: PartyName) -> Self {
        Self(vec![party])
    }

    /// The one party, if it is alone.
    #[must_use]
    pub fn single(&self) -> Option<&PartyName> {
        match &self.0[..] {
            [one] => Some(one),
            _ => None,
        }
    }
}

impl From<[PartyName; 3]> for Compute {
    fn from(three: [PartyName; 3]) -> Self {
        Self(three.into())
    }
}

impl TryFrom<Vec<PartyName>> for Compute {
    type Error = NotThree;

    fn try_from(parties: Vec<PartyName>) -> Result<Self, NotThree> {
        match parties.len() {
            1 | 3 => Ok(Self(parties)),
            other => Err(NotThree(other)),
        }
    }
}

impl From<Compute> for Vec<PartyName> {
    fn from(compute: Compute) -> Self {
        compute.0
    }
}

impl Deref for Compute {
    type Target = [PartyName];

    fn deref(&self) -> &[PartyName] {
        &self.0
    }
}

impl DerefMut for Compute {
    fn deref_mut(&mut self) -> &mut [PartyName] {
        &mut self.0
    }
}

impl<'a> IntoIterator for &'a Compute {
    type Item = &'a PartyName;
    type IntoIter = std::slice::Iter<'a, PartyName>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}
