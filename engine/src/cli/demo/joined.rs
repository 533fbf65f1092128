//! Tables that a model is trained on once they are joined: what two providers know of the same people.

use super::tables::{
    Column, Content, DemoTable, EDUCATION, JOBS, LABEL, MARITAL_STATUS, NUMBER, OCCUPATION, PEOPLE,
    PERSON, ROWS_MAX,
};
use crate::{
    catalog::ColumnType,
    job::{AveragingKind, ModelFamily},
    policy::{ReleaseForm, TrainRule, VerticalRule},
};

/// What may be trained on a table.
#[derive(Clone, Copy, Debug)]
pub(super) enum Trains {
    /// Which models on rows that stay, the fewest providers of an average, and the most rounds.
    Rounds(&'static [ModelFamily], u32, u32),
    /// Models of joined rows; of so many at least.
    Joined(u32),
    /// None: rows are scored.
    Scores,
}

impl Trains {
    /// As a policy says it of rows that stay.
    pub(super) fn rounds(self) -> Option<TrainRule> {
        let Self::Rounds(models, min_providers, max_rounds) = self else { return None };
        Some(TrainRule {
            models: models.to_vec(),
            min_providers,
            max_rounds,
            max_parameters: None,
            min_leaf_rows: 20,
            averaging: vec![AveragingKind::Shares],
            min_colluding: 1,
            privacy: None,
            gates: Vec::new(),
            contribution: false,
            moments: false,
            metrics: false,
            min_class_rows: 20,
        })
    }

    /// As a policy says it of joined rows.
    pub(super) fn joined(self) -> Option<VerticalRule> {
        let Self::Joined(min_rows) = self else { return None };
        Some(VerticalRule { min_rows, max_weights: Some(100) })
    }
}

/// Both tables, joined.
pub(super) const BOTH: &str =
    "census.households h JOIN employers.contracts c ON h.person_id = c.person_id";

const TRAIN: &[ReleaseForm] = &[ReleaseForm::Train];

const KEY: Column = Column {
    name: "person_id",
    ty: ColumnType::Int64,
    release: &[ReleaseForm::JoinKey, ReleaseForm::Filter],
    ..PERSON
};

const SHOWN: Column =
    Column { release: &[ReleaseForm::JoinKey, ReleaseForm::Filter, ReleaseForm::List], ..KEY };

const SCORE: &[ReleaseForm] = &[ReleaseForm::Score];

/// The columns of both that people are scored by.
pub(super) const SCORED: [&[Column]; 2] = [
    &[
        SHOWN,
        Column { name: "age", range: Some((17, 90)), release: SCORE, ..NUMBER },
        Column { name: "marital_status", domain: MARITAL_STATUS, release: SCORE, ..LABEL },
    ],
    &[
        KEY,
        Column { name: "hours_per_week", range: Some((1, 99)), release: SCORE, ..NUMBER },
        Column { name: "capital_gain", range: Some((0, 99_999)), release: SCORE, ..NUMBER },
        Column { name: "capital_loss", range: Some((0, 4_356)), release: SCORE, ..NUMBER },
    ],
];

const HOUSEHOLDS: &[Column] = &[
    KEY,
    Column { name: "age", range: Some((17, 90)), release: TRAIN, ..NUMBER },
    Column { name: "education", domain: EDUCATION, release: TRAIN, ..LABEL },
    Column { name: "sex", domain: &["Female", "Male"], release: &[], ..LABEL },
    Column { name: "marital_status", domain: MARITAL_STATUS, release: TRAIN, ..LABEL },
    Column { name: "income", domain: &["<=50K", ">50K"], release: TRAIN, ..LABEL },
];

const CONTRACTS: &[Column] = &[
    KEY,
    Column { name: "occupation", domain: OCCUPATION, nullable: true, release: TRAIN, ..LABEL },
    Column { name: "hours_per_week", range: Some((1, 99)), release: TRAIN, ..NUMBER },
    Column { name: "capital_gain", range: Some((0, 99_999)), release: TRAIN, ..NUMBER },
    Column { name: "capital_loss", range: Some((0, 4_356)), release: TRAIN, ..NUMBER },
];

/// One table at each of two providers.
pub(super) const JOINED: [DemoTable; 2] = [
    DemoTable {
        party: "census",
        name: "households",
        file: "census_households.parquet",
        content: Content::Parquet(PEOPLE),
        entity: "person_id",
        rows_max: ROWS_MAX,
        psi: None,
        lookups: None,
        train: Some(Trains::Joined(1_000)),
        joined_with: &["employers.contracts"],
        columns: HOUSEHOLDS,
    },
    DemoTable {
        party: "employers",
        name: "contracts",
        file: "employers_contracts.parquet",
        content: Content::Parquet(JOBS),
        entity: "person_id",
        rows_max: ROWS_MAX,
        psi: None,
        lookups: None,
        train: Some(Trains::Joined(1_000)),
        joined_with: &["census.households"],
        columns: CONTRACTS,
    },
];
