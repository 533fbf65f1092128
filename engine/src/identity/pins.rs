//! Pins: which key a party has, as this daemon's own configuration says. Links and signatures are checked against them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{key::PublicKey, name::PartyName, sealing::SealingPublicKey};

/// What is pinned of one party.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// Its identity.
    pub key: PublicKey,
    /// The organisation that runs it; the three compute parties of a job must be of three.
    pub organisation: String,
    /// A buyer's sealing key.
    #[serde(default)]
    pub sealing_key: Option<SealingPublicKey>,
}

/// All pins of one daemon, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pins(BTreeMap<PartyName, Pin>);

/// A party that is not pinned here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not pinned here: add its key under [pins] in the configuration")]
pub struct UnknownParty(pub String);

impl Pins {
    /// Pins a party, replacing what was pinned of it.
    pub fn insert(&mut self, name: PartyName, pin: Pin) {
        self.0.insert(name, pin);
    }

    /// What is pinned of a party.
    ///
    /// # Errors
    /// [`UnknownParty`].
    pub fn of(&self, name: &PartyName) -> Result<&Pin, UnknownParty> {
        self.0.get(name).ok_or_else(|| UnknownParty(name.to_string()))
    }

    /// The organisation that runs a party: what budgets are counted for. One that is not pinned goes by its own name.
    #[must_use]
    pub fn organisation(&self, name: &PartyName) -> String {
        self.of(name).map_or_else(|_| name.to_string(), |pin| pin.organisation.clone())
    }

    /// Whose key this is.
    ///
    /// # Errors
    /// [`UnknownParty`] naming the key.
    pub fn name_of(&self, key: &PublicKey) -> Result<&PartyName, UnknownParty> {
        let found = self.0.iter().find(|(_, pin)| pin.key == *key);
        found.map(|(name, _)| name).ok_or_else(|| UnknownParty(key.to_string()))
    }

    /// All of them, in name order.
    pub fn iter(&self) -> impl Iterator<Item = (&PartyName, &Pin)> {
        self.0.iter()
    }
}
