//! Two providers' tables, as their operators would write them down; tests change what they are about.

use std::fmt::Write as _;

use serde_json::{Value, json};

/// The join that most tests ask for.
pub(crate) const BY_SECTOR: &str = "SELECT j.sector, COUNT(*) AS people, SUM(j.pay) AS pay
FROM census.people p JOIN employers.jobs j ON p.person_id = j.person_id
WHERE p.age >= 18
GROUP BY j.sector
ORDER BY j.sector";

/// What [`BY_SECTOR`] answers on [`Cast::small`].
pub(crate) const SMALL_ANSWER: &str = "sector,people,pay\ncare,6,6030\ntrade,6,6036\n";

/// A table with its configuration and its policy.
#[derive(Clone)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) csv: String,
    pub(crate) rows_max: u64,
    pub(crate) columns: Vec<Column>,
    pub(crate) expires: &'static str,
    /// The policy's smallest group.
    pub(crate) least: u32,
    /// What the policy says of intersections; null: nothing.
    pub(crate) psi: Value,
    /// What it says of training.
    pub(crate) train: Value,
    /// What it says of training on joined rows.
    pub(crate) train_vertical: Value,
    /// Kinds of job that it allows, beyond those that it says something of.
    pub(crate) kinds: Vec<&'static str>,
}

/// A column: its configuration as TOML lines, and its rule in the policy.
#[derive(Clone)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) config: String,
    rule: Value,
}

/// What a world is made of.
#[derive(Clone)]
pub(crate) struct Cast {
    pub(crate) people: Table,
    pub(crate) jobs: Table,
    /// The third party's, if it has one.
    pub(crate) third: Option<Table>,
    /// One of a fourth party, which only provides.
    pub(crate) fourth: Option<Table>,
    /// `auto` or `manual`, at both providers.
    pub(crate) consent: &'static str,
    /// For how long participants wait for each other.
    pub(crate) stall_seconds: u32,
    /// Whether census stands outside, and a neutral lab computes in its place.
    pub(crate) outside: bool,
}

impl Column {
    pub(crate) fn new(name: &'static str, config: &str, rule: Value) -> Self {
        Self { name, config: config.to_owned(), rule }
    }

    /// A column to join on.
    pub(crate) fn key(config: &str, with: &str) -> Self {
        Self::new("person_id", config, json!({"release": ["join_key"], "join_with": [with]}))
    }

    /// The column to group by.
    pub(crate) fn sector(domain: &[String]) -> Self {
        let config = format!("type = \"string\"\ndomain = {domain:?}");
        let rule = json!({"release": ["group_key", "filter"], "domain": domain});
        Self::new("sector", &config, rule)
    }
}

impl Table {
    pub(crate) fn new(name: &'static str, csv: String, columns: Vec<Column>) -> Self {
        let (expires, psi) = ("2099-01-01T00:00:00Z", Value::Null);
        let (train, train_vertical) = (Value::Null, Value::Null);
        let (rows_max, least, kinds) = (64, 2, vec!["sql"]);
        Self { name, csv, rows_max, columns, expires, least, psi, train, train_vertical, kinds }
    }

    /// The entry of the provider's configuration.
    pub(crate) fn entry(&self) -> String {
        let (name, rows_max) = (self.name, self.rows_max);
        let mut text = format!(
            "[[datasets]]\nname = \"{name}\"\npath = \"{name}.csv\"\npolicy = \"{name}.policy.signed.json\"\n\
             rows_max = {rows_max}\nentity_key = \"person_id\"\n"
        );
        for Column { name, config, .. } in &self.columns {
            let _ = write!(text, "\n[[datasets.columns]]\nname = \"{name}\"\n{config}\n");
        }
        text
    }

    /// The rules of the policy.
    pub(crate) fn rules(&self) -> Value {
        self.columns.iter().map(|column| (column.name.to_owned(), column.rule.clone())).collect()
    }
}

impl Cast {
    /// Twelve people, all of age, in two sectors.
    pub(crate) fn small() -> Self {
        let mut people = String::from("person_id,age\n");
        let mut jobs = String::from("person_id,sector,pay\n");
        for i in 0..12 {
            let _ = writeln!(people, "{},{}", 100 + i, 20 + i);
            let _ = writeln!(jobs, "{},{},{}", 100 + i, ["care", "trade"][i % 2], 1000 + i);
        }
        let key = "type = \"int64\"\nunique = true\nmin = 0\nmax = 100000";
        let age = "type = \"int32\"\nmin = 0\nmax = 127";
        let pay = "type = \"int64\"\nmin = 0\nmax = 1000000";
        let people_columns = vec![
            Column::key(key, "employers.jobs"),
            Column::new("age", age, json!({"release": ["filter"]})),
        ];
        let summed = json!({"release": ["aggregate"], "aggregates": ["SUM", "AVG"]});
        let jobs_columns = vec![
            Column::key(key, "census.people"),
            Column::sector(&["care", "trade"].map(str::to_owned)),
            Column::new("pay", pay, summed),
        ];
        Self {
            people: Table::new("people", people, people_columns),
            jobs: Table::new("jobs", jobs, jobs_columns),
            third: None,
            fourth: None,
            consent: "auto",
            stall_seconds: 60,
            outside: false,
        }
    }

    /// The same rows with a large public bound, so that a run takes seconds.
    pub(crate) fn slow() -> Self {
        let mut cast = Self::small();
        cast.people.rows_max = 1 << 17;
        cast.jobs.rows_max = 1 << 17;
        cast
    }
}
