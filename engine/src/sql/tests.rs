//! The demo's cast and statement, shared by the tests of this room.

mod buckets;
mod clip;
mod determinism;
mod differential;
mod encoding;
mod held;
mod joins;
mod lookup;
mod many;
mod noise;
mod owner;
pub(crate) mod psi;
mod refused;
pub(crate) mod score;
mod streamed;
mod told;
pub(crate) mod train;
pub(crate) mod vertical;
mod wide;
pub(crate) mod world;

use crate::{
    catalog::{ColumnSpec, ColumnType, DatasetDescriptor, Range},
    identity::{Hash32, PartyName, SealingKey},
    job::{JobKind, JobSpec, JoinBy, NetworkProfile, Security},
    plan::{PolicyRef, PolicyTerms},
};

pub(crate) const DEMO: &str = "SELECT j.occupation, p.education, COUNT(*) AS people, \
    AVG(j.hours_per_week) AS avg_hours, \
    AVG(CASE WHEN p.income = '>50K' THEN 1.0 ELSE 0.0 END) AS high_income_share \
    FROM census.people p JOIN employers.jobs j ON p.person_id = j.person_id \
    WHERE p.age BETWEEN 25 AND 64 AND j.hours_per_week >= 20 \
    GROUP BY j.occupation, p.education ORDER BY people DESC, occupation, education";

pub(crate) fn party(name: &str) -> PartyName {
    PartyName::try_from(name).unwrap()
}

pub(crate) fn column(name: &str, ty: ColumnType, range: Option<(i64, i64)>) -> ColumnSpec {
    ColumnSpec {
        name: name.into(),
        ty,
        nullable: false,
        unique: false,
        range: range.map(|(min, max)| Range { min: min.into(), max: max.into() }),
        domain: None,
        max_bytes: None,
    }
}

pub(crate) fn listed(name: &str, domain: &[&str]) -> ColumnSpec {
    let mut domain: Vec<String> = domain.iter().map(|s| (*s).to_owned()).collect();
    domain.sort();
    ColumnSpec { domain: Some(domain), ..column(name, ColumnType::String, None) }
}

pub(crate) fn nullable(spec: ColumnSpec) -> ColumnSpec {
    ColumnSpec { nullable: true, ..spec }
}

pub(crate) fn spec(sql: &str) -> JobSpec {
    JobSpec {
        schema: "unseen.job/v1".into(),
        request_id: "r1".into(),
        buyer: party("insurer"),
        sealing_key: SealingKey::from_bytes([7; 32]).public(),
        kind: JobKind::Sql { sql: sql.into() },
        purpose: "test".into(),
        compute: [party("census"), party("employers"), party("neutral")].into(),
        issued_at_ms: 1_800_000_000_000,
        expires_at_ms: 1_900_000_000_000,
        security: Security::SemiHonest,
        network: NetworkProfile::new(100, 1000),
        joins: JoinBy::Auto,
    }
}

pub(crate) fn people() -> DatasetDescriptor {
    DatasetDescriptor {
        party: party("census"),
        name: "people".into(),
        rows_max: 1024,
        entity_key: Some("person_id".into()),
        columns: vec![
            column("person_id", ColumnType::Int64, Some((1, 1_000_000))),
            column("age", ColumnType::Int32, Some((0, 120))),
            listed("education", &["Bachelors", "HS-grad", "Masters"]),
            listed("income", &["<=50K", ">50K"]),
        ],
    }
}

pub(crate) fn jobs() -> DatasetDescriptor {
    DatasetDescriptor {
        party: party("employers"),
        name: "jobs".into(),
        rows_max: 2048,
        entity_key: Some("person_id".into()),
        columns: vec![
            column("person_id", ColumnType::Int64, Some((1, 1_000_000))),
            nullable(listed("occupation", &["Sales", "Tech-support"])),
            column("hours_per_week", ColumnType::Int32, Some((1, 99))),
            column("capital_gain", ColumnType::Int32, Some((0, 99_999))),
        ],
    }
}

pub(crate) fn terms(dataset: &str, k: u32) -> PolicyTerms {
    let policy =
        PolicyRef { dataset: dataset.into(), id: "t".into(), version: 1, hash: Hash32([0; 32]) };
    PolicyTerms {
        policy,
        min_group_entities: k,
        min_intersection: 0,
        min_rows: 0,
        lookups: None,
        lookup_changes: None,
        noise: None,
        max_groups: None,
        domains: Default::default(),
    }
}
