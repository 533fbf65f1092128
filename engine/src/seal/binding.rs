//! What a sealed share is bound to: it opens for one job, plan, attempt, party and recipient, and for nothing else.

use protocols::party::Role;
use serde::{Deserialize, Serialize};

use crate::{
    identity::{
        Hash32, PartyName, Pins, SealingPublicKey, canonical_hash, canonical_message, int_string,
    },
    plan::Shape,
};

/// The domain tag under which manifests of sealed shares are signed.
pub const SEALED_DOMAIN: &str = "unseen.sealed/v1";

/// What the ciphertext is bound to (its canonical message is the additional data of every chunk).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Binding {
    /// Hash of the job specification.
    pub job: Hash32,
    /// Hash of the plan.
    pub plan: Hash32,
    /// Which attempt at running it.
    pub attempt: u32,
    /// 0, 1 or 2: whose share this is.
    pub role: u8,
    /// The summands inside: the role and the one after it.
    pub summands: [u8; 2],
    /// The compute party of that role.
    pub party: PartyName,
    /// The key it is sealed to.
    pub recipient: SealingPublicKey,
    /// Hash of the consents that the run rests on.
    pub consents_root: Hash32,
    /// [`layout_hash`] of the result's columns.
    pub layout: Hash32,
}

/// What a compute party signs about its sealed share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedManifest {
    /// What the share is bound to.
    pub binding: Binding,
    /// The encapsulated HPKE key, 64 hexadecimal digits.
    pub enc: Hash32,
    /// SHA-256 of the ciphertext.
    pub ciphertext_sha256: Hash32,
    /// Its length in bytes, which depends on public sizes only.
    #[serde(with = "int_string")]
    pub length: u64,
}

/// What the buyer expects of all three sealed shares; from its own job, the plan and the consents.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// Hash of the job specification.
    pub job: Hash32,
    /// Hash of the plan.
    pub plan: Hash32,
    /// The attempt that the receipt is about.
    pub attempt: u32,
    /// P0, P1, P2; or the one that adds up, in the place of P0.
    pub compute: &'a [PartyName],
    /// Hash of the consents.
    pub consents_root: Hash32,
    /// The shapes of the result's columns, in order.
    pub shapes: &'a [Shape],
    /// The buyer's own pins.
    pub pins: &'a Pins,
}

/// The hash of the result's layout: its columns' shapes, in order.
#[must_use]
pub fn layout_hash(shapes: &[Shape]) -> Hash32 {
    canonical_hash("unseen.layout/v1", &shapes)
}

impl Binding {
    /// The additional authenticated data of every chunk.
    pub(super) fn aad(&self) -> Vec<u8> {
        canonical_message("unseen.result-share/v1", self)
    }

    /// The first field in which this is not `other`.
    pub(super) fn difference(&self, other: &Self) -> Option<&'static str> {
        let fields = [
            ("job", self.job == other.job),
            ("plan", self.plan == other.plan),
            ("attempt", self.attempt == other.attempt),
            ("role", self.role == other.role),
            ("summands", self.summands == other.summands),
            ("party", self.party == other.party),
            ("recipient", self.recipient == other.recipient),
            ("consents_root", self.consents_root == other.consents_root),
            ("layout", self.layout == other.layout),
        ];
        fields.into_iter().find(|(_, same)| !same).map(|(field, _)| field)
    }
}

impl Expected<'_> {
    /// The binding due of one role's share.
    pub(super) fn binding(&self, role: Role, recipient: SealingPublicKey) -> Binding {
        Binding {
            job: self.job,
            plan: self.plan,
            attempt: self.attempt,
            role: role as u8,
            summands: [role as u8, role.next() as u8],
            party: self.compute[role.index()].clone(),
            recipient,
            consents_root: self.consents_root,
            layout: layout_hash(self.shapes),
        }
    }
}
