//! Consents: each participant's signature under one plan, and the proof that all of them are there.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    identity::{Hash32, PartyName, Pins, SealingPublicKey, Signed, canonical_hash, int_string},
    plan::{Plan, PolicyRef},
};

/// The domain tag under which consents are signed and hashed.
pub const CONSENT_DOMAIN: &str = "unseen.consent/v1";

/// What a participant signs to let one run of one plan start. Single use: its party journals it before the start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consent {
    /// Hash of the job specification.
    pub job: Hash32,
    /// Hash of the plan this party compiled itself.
    pub plan: Hash32,
    /// [`policies_root`] of the plan's policies.
    pub policies_root: Hash32,
    /// Who consents; also who signs.
    pub party: PartyName,
    /// The key the result is sealed to.
    pub recipient: SealingPublicKey,
    /// Until when a run may start, UTC milliseconds.
    #[serde(with = "int_string")]
    pub not_after_ms: i64,
    /// 32 random bytes: two consents to one plan are two.
    pub nonce: Hash32,
}

/// What consents are checked against: this party's own view of the job.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// The plan this party compiled itself.
    pub plan: &'a Plan,
    /// Its hash.
    pub plan_hash: Hash32,
    /// The sealing key of the job specification.
    pub recipient: SealingPublicKey,
    /// This party's own pins.
    pub pins: &'a Pins,
    /// Now, UTC milliseconds.
    pub now_ms: i64,
}

/// Proof that every participant consented to one plan. Only [`verify`] makes one.
#[derive(Debug)]
pub struct Release {
    job: Hash32,
    plan: Hash32,
    consents_root: Hash32,
    recipient: SealingPublicKey,
}

/// Consents that do not let a run start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConsentError {
    /// A participant has not consented.
    #[error("{0} has not consented; its operator can with `unseen consent approve`")]
    Missing(PartyName),
    /// A participant's consent is there twice.
    #[error("two consents of {0} were given; exactly one is due")]
    Twice(PartyName),
    /// A party that takes no part consented.
    #[error("{0} consented, but takes no part in this plan")]
    Stranger(PartyName),
    /// A party is not pinned here.
    #[error("consent of {0}: it is not pinned here; add its key under [pins] in the configuration")]
    NotPinned(PartyName),
    /// A signature does not hold.
    #[error("consent of {0}: its signature does not hold under the key pinned here")]
    Signature(PartyName),
    /// The signer and the consent's party differ.
    #[error("{signer} signed a consent in the name of {party}")]
    Impersonated {
        /// Who signed.
        signer: PartyName,
        /// In whose name.
        party: PartyName,
    },
    /// It is about something else.
    #[error("consent of {party}: its `{field}` is not this run's; the parties see different jobs")]
    Differs {
        /// Whose consent.
        party: PartyName,
        /// Which field.
        field: &'static str,
    },
    /// It has run out.
    #[error("consent of {0} has expired; submit the job again")]
    Expired(PartyName),
}

/// The hash of the policies that a plan was compiled under.
#[must_use]
pub fn policies_root(policies: &[PolicyRef]) -> Hash32 {
    canonical_hash("unseen.policies/v1", &policies)
}

/// The hash that names one consent.
#[must_use]
pub fn consent_hash(consent: &Consent) -> Hash32 {
    canonical_hash(CONSENT_DOMAIN, consent)
}

/// The hash of all consents of a run by party name, independent of the order they came in.
#[must_use]
pub fn consents_root(by_party: &BTreeMap<PartyName, Hash32>) -> Hash32 {
    canonical_hash("unseen.consents/v1", by_party)
}

/// Who has to consent: the providers of the inputs and the three compute parties.
#[must_use]
pub fn participants(plan: &Plan) -> BTreeSet<PartyName> {
    plan.inputs.iter().map(|input| &input.party).chain(&plan.compute).cloned().collect()
}

/// Checks that every participant consented exactly once to this plan, this recipient and these policies.
///
/// # Errors
/// [`ConsentError`] naming the party and what is wrong with its consent.
///
/// # Security
/// Freshness is not checked here: each party must find its own consent among these, unspent, and journal it first.
pub fn verify(consents: &[Signed<Consent>], terms: &Terms<'_>) -> Result<Release, ConsentError> {
    let due = participants(terms.plan);
    let mut given = BTreeMap::new();
    for consent in consents {
        let party = &consent.party;
        if !due.contains(party) {
            return Err(ConsentError::Stranger(party.clone()));
        }
        check(consent, terms)?;
        if given.insert(party.clone(), consent_hash(&consent.body)).is_some() {
            return Err(ConsentError::Twice(party.clone()));
        }
    }
    if let Some(missing) = due.into_iter().find(|party| !given.contains_key(party)) {
        return Err(ConsentError::Missing(missing));
    }
    Ok(Release {
        job: terms.plan.job,
        plan: terms.plan_hash,
        consents_root: consents_root(&given),
        recipient: terms.recipient,
    })
}

fn check(consent: &Signed<Consent>, terms: &Terms<'_>) -> Result<(), ConsentError> {
    let party = &consent.party;
    let pin = terms.pins.of(party).map_err(|_| ConsentError::NotPinned(party.clone()))?;
    let body = consent
        .verify(CONSENT_DOMAIN, &pin.key)
        .map_err(|_| ConsentError::Signature(party.clone()))?;
    if body.party != *party {
        return Err(ConsentError::Impersonated {
            signer: party.clone(),
            party: body.party.clone(),
        });
    }
    let same = [
        ("job", body.job == terms.plan.job),
        ("plan", body.plan == terms.plan_hash),
        ("policies_root", body.policies_root == policies_root(&terms.plan.policies)),
        ("recipient", body.recipient == terms.recipient),
    ];
    if let Some((field, _)) = same.into_iter().find(|(_, same)| !same) {
        return Err(ConsentError::Differs { party: party.clone(), field });
    }
    if terms.now_ms > body.not_after_ms {
        return Err(ConsentError::Expired(party.clone()));
    }
    Ok(())
}

impl Release {
    /// Hash of the job specification.
    #[must_use]
    pub fn job(&self) -> Hash32 {
        self.job
    }

    /// Hash of the plan that may run.
    #[must_use]
    pub fn plan(&self) -> Hash32 {
        self.plan
    }

    /// Hash of the consents it rests on.
    #[must_use]
    pub fn consents_root(&self) -> Hash32 {
        self.consents_root
    }

    /// The key the result may be sealed to.
    #[must_use]
    pub fn recipient(&self) -> SealingPublicKey {
        self.recipient
    }
}
