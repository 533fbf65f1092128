//! What a buyer asks for. Signed by the buyer, immutable, the same bytes for every party.

use serde::{Deserialize, Serialize};

use crate::identity::{PartyName, SealingPublicKey};

/// A job as the buyer signs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobSpec {
    /// `unseen.job/v1`.
    pub schema: String,
    /// Chosen by the buyer; submitting twice with one id runs once.
    pub request_id: String,
    /// Who asks and who opens the result.
    pub buyer: PartyName,
    /// The key the result is sealed to.
    pub sealing_key: SealingPublicKey,
    /// What is asked.
    pub kind: JobKind,
    /// What for; policies name the purposes they allow.
    pub purpose: String,
    /// P0, P1, P2: three distinct organisations, none of them the buyer.
    pub compute: [PartyName; 3],
    /// When the buyer issued it, UTC milliseconds; `now()` in SQL means this.
    #[serde(with = "crate::identity::int_string")]
    pub issued_at_ms: i64,
    /// When it ends at the latest, UTC milliseconds.
    #[serde(with = "crate::identity::int_string")]
    pub expires_at_ms: i64,
    /// The adversary model asked for.
    pub security: Security,
    /// The links between the compute parties, for the planner and the quoted seconds.
    pub network: NetworkProfile,
}

/// The kinds of job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum JobKind {
    /// One SELECT over several providers' tables.
    Sql {
        /// The statement.
        sql: String,
    },
}

/// Which adversary the parties are protected against. One corrupted compute party of three.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Security {
    /// Follows the protocol, looks at everything it sees.
    SemiHonest,
    /// May deviate. Not implemented: refused.
    Malicious,
}

/// A link's figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkProfile {
    /// Round-trip time in microseconds.
    pub rtt_us: u32,
    /// Bandwidth in Mbit/s.
    pub bandwidth_mbps: u32,
}
