//! What a buyer asks for. Signed by the buyer, immutable, the same bytes for every party.

use std::collections::BTreeSet;

use protocols::{psi::planner::Means, session::Profile};
use serde::{Deserialize, Serialize};

use super::{
    averaging::check_compute, compute::Compute, joining::JoinBy, psi::PsiSpec, score::ScoreSpec,
    shown::all_show, train::TrainSpec, vertical::VerticalSpec,
};
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
    /// P0, P1, P2: three distinct organisations, none of them the buyer; or the one that adds up masked updates.
    pub compute: Compute,
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
    /// How the first two tables of a statement or a scoring are joined.
    #[serde(default, skip_serializing_if = "JoinBy::is_auto")]
    pub joins: JoinBy,
}

/// The kinds of job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[expect(clippy::large_enum_variant, reason = "one a job, and never in a long list")]
pub enum JobKind {
    /// One SELECT over several providers' tables.
    Sql {
        /// The statement.
        sql: String,
    },
    /// A private set intersection of two providers' sets.
    Psi(PsiSpec),
    /// A model trained on several providers' rows.
    Train(TrainSpec),
    /// A model trained on rows of which several providers know a part each.
    TrainVertical(VerticalSpec),
    /// Rows scored by a model that their owners do not see.
    Score(ScoreSpec),
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
    /// Processors that each party has for it.
    #[serde(default = "two", skip_serializing_if = "is_two")]
    pub cores: u32,
}

const fn two() -> u32 {
    2
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's way")]
const fn is_two(cores: &u32) -> bool {
    *cores == two()
}

impl NetworkProfile {
    /// Links like these, between parties with two processors.
    #[must_use]
    pub const fn new(rtt_us: u32, bandwidth_mbps: u32) -> Self {
        Self { rtt_us, bandwidth_mbps, cores: two() }
    }

    /// The links.
    #[must_use]
    pub const fn links(&self) -> Profile {
        Profile { rtt_us: self.rtt_us, bandwidth_mbps: self.bandwidth_mbps }
    }

    /// What a choice between protocols rests on.
    #[must_use]
    pub const fn means(&self) -> Means {
        Means { profile: self.links(), cores: self.cores }
    }
}

/// Domain tag of a signed specification, and its [`JobSpec::schema`].
pub const SPEC_DOMAIN: &str = "unseen.job/v1";

/// Longest life of a job, in milliseconds: 30 days.
const MAX_LIFE_MS: i64 = 30 * 24 * 3600 * 1000;
/// How far two clocks may be apart, in milliseconds.
const MAX_SKEW_MS: i64 = 2 * 60 * 1000;

/// A specification that no party may accept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpecError {
    /// A field has a value it cannot have.
    #[error("{field}: {why}")]
    Field {
        /// Which.
        field: &'static str,
        /// Why not.
        why: &'static str,
    },
    /// Its time is over.
    #[error("the job expired; issue it anew")]
    Expired,
    /// A security model that is not implemented.
    #[error("security `malicious` is not implemented; nothing weaker is run in its place")]
    Malicious,
}

impl JobKind {
    /// As policies name it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sql { .. } => "sql",
            Self::Psi(_) => "psi",
            Self::Train(_) => "train",
            Self::TrainVertical(_) => "train_vertical",
            Self::Score(_) => "score",
        }
    }

    /// The question, for people.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Sql { sql } => sql.clone(),
            Self::Psi(psi) => psi.to_string(),
            Self::Train(train) => train.to_string(),
            Self::TrainVertical(train) => train.to_string(),
            Self::Score(score) => score.to_string(),
        }
    }
}

impl JobSpec {
    /// Whether both ask for the same, be it at different times: a request that is repeated by hand is signed anew.
    #[must_use]
    pub fn repeats(&self, earlier: &Self) -> bool {
        let lasts = |spec: &Self| spec.expires_at_ms.saturating_sub(spec.issued_at_ms);
        let (issued_at_ms, expires_at_ms) = (earlier.issued_at_ms, earlier.expires_at_ms);
        lasts(self) == lasts(earlier)
            && Self { issued_at_ms, expires_at_ms, ..self.clone() } == *earlier
    }

    /// What can be checked without tables or policies. Organisations are checked against pins elsewhere.
    ///
    /// # Errors
    /// The first [`SpecError`].
    pub fn check(&self, now_ms: i64) -> Result<(), SpecError> {
        let field = |holds: bool, field, why| {
            if holds { Ok(()) } else { Err(SpecError::Field { field, why }) }
        };
        let id = self.request_id.len();
        field(self.schema == SPEC_DOMAIN, "schema", "must be `unseen.job/v1`")?;
        field((1..=128).contains(&id), "request_id", "must have 1 to 128 bytes")?;
        // People approve it by what they read of it.
        let why =
            "has a control character in a text, other than the ends of lines and tabs; remove it";
        field(all_show(self), "job", why)?;
        let distinct: BTreeSet<_> = self.compute.iter().collect();
        field(distinct.len() == self.compute.len(), "compute", "names a party twice")?;
        let train = match &self.kind {
            JobKind::Train(train) => Some(train),
            _ => None,
        };
        check_compute(self, train).map_err(|(field, why)| SpecError::Field { field, why })?;
        field(!self.compute.contains(&self.buyer), "compute", "the buyer cannot compute")?;
        field(self.issued_at_ms <= now_ms + MAX_SKEW_MS, "issued_at_ms", "lies in the future")?;
        let life = self.expires_at_ms.saturating_sub(self.issued_at_ms);
        field(
            (1..=MAX_LIFE_MS).contains(&life),
            "expires_at_ms",
            "must be within 30 days of issue",
        )?;
        let NetworkProfile { rtt_us: _, bandwidth_mbps, cores } = self.network;
        field(cores > 0, "network.cores", "is 1 at least")?;
        field(bandwidth_mbps > 0, "network.bandwidth_mbps", "is 1 at least")?;
        let joins =
            self.joins.is_auto() || matches!(self.kind, JobKind::Sql { .. } | JobKind::Score(_));
        let why = "is for `sql` and `score`: an intersection has its `protocol`, a training joins by sorting; leave it out";
        field(joins, "joins", why)?;
        if now_ms >= self.expires_at_ms {
            return Err(SpecError::Expired);
        }
        let kind = match &self.kind {
            JobKind::Sql { .. } => Ok(()),
            JobKind::Psi(psi) => psi.check(),
            JobKind::Train(train) => train.check(),
            JobKind::TrainVertical(train) => train.check(),
            JobKind::Score(score) => score.check(),
        };
        kind.map_err(|(field, why)| SpecError::Field { field, why })?;
        match self.security {
            Security::SemiHonest => Ok(()),
            Security::Malicious => Err(SpecError::Malicious),
        }
    }
}
