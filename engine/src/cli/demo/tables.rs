//! The demo's tables and what their providers say and allow of them.

use std::collections::BTreeMap;

use crate::{
    catalog::{ColumnSpec, ColumnType, DatasetDescriptor, Range},
    identity::{PartyName, Pins, UnknownParty},
    job::Security,
    policy::{
        Aggregate, Approval, Assigner, ColumnRule, ComputeParty, JobKindName, Operators,
        OutputRule, POLICY_SCHEMA, PolicyDocument, Recipient, ReleaseForm, UtcTime, Validity,
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
    /// The Parquet file.
    pub(super) content: &'static [u8],
    /// The other provider's table, which it may be joined with.
    joined_with: &'static str,
    columns: &'static [Column],
}

#[derive(Clone, Copy, Debug)]
struct Column {
    name: &'static str,
    ty: ColumnType,
    nullable: bool,
    range: Option<(i64, i64)>,
    domain: &'static [&'static str],
    release: &'static [ReleaseForm],
}

/// Rows rounded up to a multiple of 1,024: public.
const ROWS_MAX: u64 = 49_152;
/// The smallest group that leaves the computation.
const MIN_GROUP_ENTITIES: u32 = 20;
const MAX_GROUPS: u32 = 1_024;
const DAY_MS: i64 = 86_400_000;

/// Both tables.
pub(super) const TABLES: &[DemoTable] = &[
    DemoTable {
        party: "census",
        name: "people",
        file: "census_people.parquet",
        content: include_bytes!("../../../../testdata/adult/census_people.parquet"),
        joined_with: "employers.jobs",
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
        content: include_bytes!("../../../../testdata/adult/employers_jobs.parquet"),
        joined_with: "census.people",
        columns: &[
            Column { name: "person_id", ty: ColumnType::Int64, ..PERSON },
            Column { name: "occupation", domain: OCCUPATION, nullable: true, ..LABEL },
            Column { name: "hours_per_week", range: Some((1, 99)), ..NUMBER },
            Column { name: "capital_gain", range: Some((0, 99_999)), ..NUMBER },
            Column { name: "capital_loss", range: Some((0, 4_356)), ..NUMBER },
        ],
    },
];

const FILTER_AGGREGATE: &[ReleaseForm] = &[ReleaseForm::Filter, ReleaseForm::Aggregate];

const PERSON: Column = Column {
    name: "",
    ty: ColumnType::Int64,
    nullable: false,
    range: Some((100_000, 165_535)),
    domain: &[],
    release: &[ReleaseForm::JoinKey],
};

const NUMBER: Column = Column { ty: ColumnType::Int32, release: FILTER_AGGREGATE, ..PERSON };

const LABEL: Column = Column {
    ty: ColumnType::String,
    range: None,
    release: &[ReleaseForm::Filter, ReleaseForm::GroupKey],
    ..PERSON
};

const EDUCATION: &[&str] = &[
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

const MARITAL_STATUS: &[&str] = &[
    "Divorced",
    "Married-AF-spouse",
    "Married-civ-spouse",
    "Married-spouse-absent",
    "Never-married",
    "Separated",
    "Widowed",
];

const OCCUPATION: &[&str] = &[
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
            rows_max: ROWS_MAX,
            entity_key: Some("person_id".to_owned()),
            columns: self.columns.iter().map(Column::spec).collect(),
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
            entity_key: Some("person_id".to_owned()),
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
                kinds: vec![JobKindName::Sql],
                compute_parties,
                min_security: Security::SemiHonest,
            },
            columns: self.rules(),
            output: OutputRule { min_group_entities: MIN_GROUP_ENTITIES, max_groups: MAX_GROUPS },
            approval: Approval::Auto,
        })
    }

    fn rules(&self) -> BTreeMap<String, ColumnRule> {
        let rule = |column: &Column| {
            let joins = column.release.contains(&ReleaseForm::JoinKey);
            let grouped = column.release.contains(&ReleaseForm::GroupKey);
            let summed = column.release.contains(&ReleaseForm::Aggregate);
            let functions = vec![Aggregate::Count, Aggregate::Sum, Aggregate::Avg];
            ColumnRule {
                release: column.release.to_vec(),
                join_with: joins.then(|| self.joined_with.to_owned()).into_iter().collect(),
                aggregates: if summed { functions } else { Vec::new() },
                domain: if grouped { owned(column.domain) } else { Vec::new() },
            }
        };
        self.columns.iter().map(|column| (column.name.to_owned(), rule(column))).collect()
    }
}

impl Column {
    fn spec(&self) -> ColumnSpec {
        ColumnSpec {
            name: self.name.to_owned(),
            ty: self.ty,
            nullable: self.nullable,
            unique: self.name == "person_id",
            range: self.range.map(|(min, max)| Range { min: min.into(), max: max.into() }),
            domain: (!self.domain.is_empty()).then(|| owned(self.domain)),
        }
    }
}

fn owned(list: &[&str]) -> Vec<String> {
    list.iter().map(|&value| value.to_owned()).collect()
}
