//! The demo's tables and what their providers say and allow of them.

use std::{borrow::Cow, collections::BTreeMap};

use super::{
    super::exit::CliError,
    joined::{JOINED, Trains},
    messy::Accounts,
    models::{SCORES, weights},
    regions::{RESIDENTS, Region},
};
use crate::{
    catalog::{ColumnSpec, ColumnType, DatasetDescriptor, Range},
    identity::{PartyName, Pins, UnknownParty},
    job::{PsiFormName, Security},
    policy::{
        Aggregate, Approval, Assigner, ColumnRule, ComputeParty, JobKindName, Operators,
        OutputRule, POLICY_SCHEMA, PolicyDocument, PsiRecipient, PsiRule, Recipient, ReleaseForm,
        UtcTime, Validity,
    },
};

/// One table of the demo.
#[derive(Clone, Copy, Debug)]
pub(super) struct DemoTable {
    /// Its provider.
    pub(super) party: &'static str,
    /// Its name.
    pub(super) name: &'static str,
    /// Its file, beside its provider's configuration.
    pub(super) file: &'static str,
    pub(super) content: Content,
    /// The other providers' tables that it may be joined with.
    pub(super) joined_with: &'static [&'static str],
    pub(super) columns: &'static [Column],
    /// The column that identifies whom a row is about.
    pub(super) entity: &'static str,
    pub(super) rows_max: u64,
    /// What may be asked of intersections.
    pub(super) psi: Option<(&'static [PsiFormName], u32)>,
    /// How many keys may be looked up; then results of intersections go to owners of sets, and not to the buyer.
    pub(super) lookups: Option<u32>,
    /// What may be trained.
    pub(super) train: Option<Trains>,
}

/// Where a table's rows come from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Content {
    Parquet(&'static [u8]),
    Made(Accounts),
    Region(Region),
    Weights,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) ty: ColumnType,
    pub(super) nullable: bool,
    pub(super) range: Option<(i64, i64)>,
    pub(super) domain: &'static [&'static str],
    pub(super) release: &'static [ReleaseForm],
}

/// Rows rounded up to a multiple of 1,024: public.
pub(super) const ROWS_MAX: u64 = 49_152;
/// The smallest group that leaves the computation.
const MIN_GROUP_ENTITIES: u32 = 20;
const MAX_GROUPS: u32 = 1_024;
const DAY_MS: i64 = 86_400_000;

/// All tables.
pub(super) fn tables() -> impl Iterator<Item = &'static DemoTable> {
    TABLES.iter().chain(&RESIDENTS).chain(&JOINED).chain(&SCORES)
}

const TABLES: &[DemoTable] = &[
    DemoTable {
        party: "census",
        name: "people",
        file: "census_people.parquet",
        content: Content::Parquet(PEOPLE),
        entity: "person_id",
        rows_max: ROWS_MAX,
        psi: None,
        lookups: None,
        train: None,
        joined_with: &["employers.jobs"],
        columns: &[
            Column { name: "person_id", ty: ColumnType::Int64, ..PERSON },
            Column {
                name: "age",
                range: Some((17, 90)),
                release: &[ReleaseForm::Filter],
                ..NUMBER
            },
            Column { name: "education", domain: EDUCATION, ..LABEL },
            Column { name: "sex", domain: &["Female", "Male"], ..LABEL },
            Column { name: "marital_status", domain: MARITAL_STATUS, release: &[], ..LABEL },
            Column {
                name: "income",
                domain: &["<=50K", ">50K"],
                release: FILTER_AGGREGATE,
                ..LABEL
            },
        ],
    },
    DemoTable {
        party: "employers",
        name: "jobs",
        file: "employers_jobs.parquet",
        content: Content::Parquet(JOBS),
        entity: "person_id",
        rows_max: ROWS_MAX,
        psi: None,
        lookups: None,
        train: None,
        joined_with: &["census.people"],
        columns: &[
            Column { name: "person_id", ty: ColumnType::Int64, ..PERSON },
            Column { name: "occupation", domain: OCCUPATION, nullable: true, ..LABEL },
            Column { name: "hours_per_week", range: Some((1, 99)), ..NUMBER },
            Column { name: "capital_gain", range: Some((0, 99_999)), ..NUMBER },
            Column { name: "capital_loss", range: Some((0, 4_356)), ..NUMBER },
        ],
    },
    DemoTable {
        party: "census",
        name: "clients",
        file: "census_clients.csv",
        content: Content::Made(Accounts {
            content: PEOPLE,
            columns: &["age", "education"],
            without: (0, 3),
            one_in: 1,
            habit: 7,
        }),
        entity: "record_no",
        rows_max: ACCOUNTS_MAX,
        psi: Some(ACCOUNT_FORMS),
        lookups: None,
        train: None,
        joined_with: &["employers.staff", "tax.payers"],
        columns: &[
            RECORD,
            ACCOUNT,
            Column { name: "age", range: Some((17, 90)), release: FILTER_LIST, ..NUMBER },
            Column { name: "education", domain: EDUCATION, release: GROUP_LIST, ..LABEL },
        ],
    },
    DemoTable {
        party: "employers",
        name: "staff",
        file: "employers_staff.csv",
        content: Content::Made(Accounts {
            content: JOBS,
            columns: &["hours_per_week"],
            without: (1, 3),
            one_in: 1,
            habit: 11,
        }),
        entity: "record_no",
        rows_max: ACCOUNTS_MAX,
        psi: Some(ACCOUNT_FORMS),
        lookups: None,
        train: None,
        joined_with: &["census.clients", "tax.payers"],
        columns: &[
            RECORD,
            ACCOUNT,
            Column {
                name: "hours_per_week",
                range: Some((1, 99)),
                release: &[ReleaseForm::Aggregate, ReleaseForm::List],
                ..NUMBER
            },
        ],
    },
    DemoTable {
        party: "census",
        name: "inquiries",
        file: "census_inquiries.csv",
        content: Content::Made(Accounts {
            content: PEOPLE,
            columns: &["age"],
            without: (0, 3),
            one_in: 512,
            habit: 7,
        }),
        entity: "record_no",
        rows_max: 32,
        psi: Some(LOOKUP_FORMS),
        lookups: Some(0),
        train: None,
        joined_with: &["employers.register"],
        columns: &[
            RECORD,
            ACCOUNT,
            Column { name: "age", range: Some((17, 90)), release: FILTER_LIST, ..NUMBER },
        ],
    },
    DemoTable {
        party: "employers",
        name: "register",
        file: "employers_register.csv",
        content: Content::Made(Accounts {
            content: JOBS,
            columns: &["hours_per_week", "occupation"],
            without: (1, 3),
            one_in: 16,
            habit: 11,
        }),
        entity: "record_no",
        rows_max: 1_024,
        psi: Some(LOOKUP_FORMS),
        lookups: Some(256),
        train: None,
        joined_with: &["census.inquiries"],
        columns: &[
            RECORD,
            ACCOUNT,
            Column {
                name: "hours_per_week",
                range: Some((1, 99)),
                release: &[ReleaseForm::List],
                ..NUMBER
            },
            Column {
                name: "occupation",
                domain: OCCUPATION,
                nullable: true,
                release: &[ReleaseForm::List],
                ..LABEL
            },
        ],
    },
    DemoTable {
        party: "tax",
        name: "payers",
        file: "tax_payers.csv",
        content: Content::Made(Accounts {
            content: JOBS,
            columns: &["capital_gain"],
            without: (3, 5),
            one_in: 1,
            habit: 13,
        }),
        entity: "record_no",
        rows_max: PAYERS_MAX,
        psi: Some((&[PsiFormName::Cardinality, PsiFormName::Sum], 10)),
        lookups: None,
        train: None,
        joined_with: &["census.clients", "employers.staff"],
        columns: &[
            RECORD,
            ACCOUNT,
            Column {
                name: "capital_gain",
                range: Some((0, 99_999)),
                release: &[ReleaseForm::Aggregate],
                ..NUMBER
            },
        ],
    },
];

pub(super) const PEOPLE: &[u8] = include_bytes!("../../../../testdata/adult/census_people.parquet");
pub(super) const JOBS: &[u8] = include_bytes!("../../../../testdata/adult/employers_jobs.parquet");

/// A table of accounts has fewer rows.
const ACCOUNTS_MAX: u64 = 9_216;
/// Of the tax office's accounts, where fewer people are missing.
const PAYERS_MAX: u64 = 11_264;

/// What may be asked of intersections of accounts, and the fewest accounts in one.
const ACCOUNT_FORMS: (&[PsiFormName], u32) =
    (&[PsiFormName::Inner, PsiFormName::Cardinality, PsiFormName::Sum], 10);

/// What may be asked of lookups.
const LOOKUP_FORMS: (&[PsiFormName], u32) = (&[PsiFormName::Inner, PsiFormName::Left], 0);

const FILTER_LIST: &[ReleaseForm] = &[ReleaseForm::Filter, ReleaseForm::List];
const GROUP_LIST: &[ReleaseForm] = &[ReleaseForm::GroupKey, ReleaseForm::List];

const RECORD: Column = Column {
    name: "record_no",
    ty: ColumnType::Int32,
    range: Some((1, 16_384)),
    release: &[],
    ..PERSON
};

const ACCOUNT: Column =
    Column { name: "account", ty: ColumnType::String, nullable: true, range: None, ..PERSON };

const FILTER_AGGREGATE: &[ReleaseForm] = &[ReleaseForm::Filter, ReleaseForm::Aggregate];

pub(super) const PERSON: Column = Column {
    name: "",
    ty: ColumnType::Int64,
    nullable: false,
    range: Some((100_000, 165_535)),
    domain: &[],
    release: &[ReleaseForm::JoinKey],
};

pub(super) const NUMBER: Column =
    Column { ty: ColumnType::Int32, release: FILTER_AGGREGATE, ..PERSON };

pub(super) const LABEL: Column = Column {
    ty: ColumnType::String,
    range: None,
    release: &[ReleaseForm::Filter, ReleaseForm::GroupKey],
    ..PERSON
};

pub(super) const EDUCATION: &[&str] = &[
    "10th",
    "11th",
    "12th",
    "1st-4th",
    "5th-6th",
    "7th-8th",
    "9th",
    "Assoc-acdm",
    "Assoc-voc",
    "Bachelors",
    "Doctorate",
    "HS-grad",
    "Masters",
    "Preschool",
    "Prof-school",
    "Some-college",
];

pub(super) const MARITAL_STATUS: &[&str] = &[
    "Divorced",
    "Married-AF-spouse",
    "Married-civ-spouse",
    "Married-spouse-absent",
    "Never-married",
    "Separated",
    "Widowed",
];

pub(super) const OCCUPATION: &[&str] = &[
    "Adm-clerical",
    "Armed-Forces",
    "Craft-repair",
    "Exec-managerial",
    "Farming-fishing",
    "Handlers-cleaners",
    "Machine-op-inspct",
    "Other-service",
    "Priv-house-serv",
    "Prof-specialty",
    "Protective-serv",
    "Sales",
    "Tech-support",
    "Transport-moving",
];

impl DemoTable {
    /// What its provider publishes.
    pub(super) fn descriptor(&self, party: PartyName) -> DatasetDescriptor {
        DatasetDescriptor {
            party,
            name: self.name.to_owned(),
            rows_max: self.rows_max,
            entity_key: Some(self.entity.to_owned()),
            columns: self.columns.iter().map(|column| column.spec(self.entity)).collect(),
        }
    }

    /// What its provider allows, from yesterday until tomorrow.
    ///
    /// # Errors
    /// A party of the cast that is not pinned.
    pub(super) fn policy(
        &self,
        pins: &Pins,
        party: &PartyName,
        buyer: &PartyName,
        compute: &[PartyName],
        now_ms: i64,
    ) -> Result<PolicyDocument, UnknownParty> {
        let insurer = pins.of(buyer)?;
        let compute_parties = compute
            .iter()
            .map(|name| Ok(ComputeParty { party: name.clone(), key: pins.of(name)?.key }))
            .collect::<Result<_, UnknownParty>>()?;
        Ok(PolicyDocument {
            schema: POLICY_SCHEMA.to_owned(),
            id: format!("demo-{}-{}", self.party, self.name),
            version: 1,
            assigner: Assigner { party: party.clone(), key: pins.of(party)?.key },
            dataset: format!("{}.{}", self.party, self.name),
            entity_key: Some(self.entity.to_owned()),
            recipients: vec![Recipient {
                party: buyer.clone(),
                key: insurer.key,
                sealing_keys: insurer.sealing_key.into_iter().collect(),
            }],
            purposes: vec![super::jobs::PURPOSE.to_owned()],
            validity: Validity {
                not_before: UtcTime::from_ms(now_ms.saturating_sub(DAY_MS)),
                expires: UtcTime::from_ms(now_ms.saturating_add(DAY_MS)),
            },
            operators: Operators {
                kinds: vec![self.kind()],
                compute_parties,
                min_security: Security::SemiHonest,
            },
            columns: self.rules(),
            output: OutputRule {
                min_group_entities: if self.shows_rows() { 0 } else { MIN_GROUP_ENTITIES },
                max_groups: MAX_GROUPS,
            },
            psi: self.psi.map(|(forms, min_intersection)| PsiRule {
                forms: forms.to_vec(),
                recipients: vec![match self.lookups {
                    Some(_) => PsiRecipient::Owners,
                    None => PsiRecipient::Buyer,
                }],
                min_intersection,
                noise: None,
                max_queries: None,
                max_lookups: self.lookups.filter(|most| *most > 0),
                lookup_changes: None,
            }),
            train: self.train.and_then(Trains::rounds),
            train_vertical: self.train.and_then(Trains::joined),
            approval: Approval::Auto,
        })
    }

    /// The table's file.
    ///
    /// # Errors
    /// Failed: what it is made of cannot be read.
    pub(super) fn content(&self) -> Result<Cow<'static, [u8]>, CliError> {
        match self.content {
            Content::Parquet(bytes) => Ok(Cow::Borrowed(bytes)),
            Content::Made(accounts) => accounts.csv().map(Cow::Owned),
            Content::Region(region) => region.csv().map(Cow::Owned),
            Content::Weights => Ok(Cow::Owned(weights())),
        }
    }

    /// Whether what is asked of it is not about groups.
    fn shows_rows(&self) -> bool {
        self.psi.is_some() || matches!(self.train, Some(Trains::Scores))
    }

    fn kind(&self) -> JobKindName {
        match (self.psi, self.train) {
            (Some(_), _) => JobKindName::Psi,
            (None, Some(Trains::Rounds(..))) => JobKindName::Train,
            (None, Some(Trains::Joined(_))) => JobKindName::TrainVertical,
            (None, Some(Trains::Scores)) => JobKindName::Score,
            (None, None) => JobKindName::Sql,
        }
    }

    fn rules(&self) -> BTreeMap<String, ColumnRule> {
        let rule = |column: &Column| {
            let joins = column.release.contains(&ReleaseForm::JoinKey);
            let grouped = column.release.contains(&ReleaseForm::GroupKey);
            let summed = column.release.contains(&ReleaseForm::Aggregate);
            let functions = vec![Aggregate::Count, Aggregate::Sum, Aggregate::Avg];
            ColumnRule {
                release: column.release.to_vec(),
                join_with: if joins { owned(self.joined_with) } else { Vec::new() },
                aggregates: if summed { functions } else { Vec::new() },
                domain: if grouped { owned(column.domain) } else { Vec::new() },
            }
        };
        self.columns.iter().map(|column| (column.name.to_owned(), rule(column))).collect()
    }
}

impl Column {
    fn spec(&self, entity: &str) -> ColumnSpec {
        ColumnSpec {
            name: self.name.to_owned(),
            ty: self.ty,
            nullable: self.nullable,
            unique: self.name == entity,
            range: self.range.map(|(min, max)| Range { min: min.into(), max: max.into() }),
            domain: (!self.domain.is_empty()).then(|| owned(self.domain)),
            max_bytes: None,
        }
    }
}

fn owned(list: &[&str]) -> Vec<String> {
    list.iter().map(|&value| value.to_owned()).collect()
}
