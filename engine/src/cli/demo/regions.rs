//! Tables of one kind at several providers: the people of one region each, with all that is known of them.

use std::{collections::BTreeMap, fmt::Write as _};

use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};

use super::{
    super::exit::CliError,
    joined::Trains,
    messy::read,
    tables::{
        Column, Content, DemoTable, EDUCATION, JOBS, LABEL, MARITAL_STATUS, NUMBER, OCCUPATION,
        PEOPLE, PERSON,
    },
};
use crate::{catalog::ColumnType, job::ModelFamily, policy::ReleaseForm};

/// How many regions there are: one has nobody who takes part.
const REGIONS: u64 = 4;

/// The people of one region.
#[derive(Clone, Copy, Debug)]
pub(super) struct Region(u64);

const OF_PEOPLE: &[&str] = &["age", "education", "sex", "marital_status", "income"];
const OF_JOBS: &[&str] = &["occupation", "hours_per_week", "capital_gain", "capital_loss"];

impl Region {
    /// The table as CSV.
    ///
    /// # Errors
    /// Failed: the tables that it is made of cannot be read.
    pub(super) fn csv(self) -> Result<Vec<u8>, CliError> {
        let (people, jobs) = (cells(PEOPLE, OF_PEOPLE)?, cells(JOBS, OF_JOBS)?);
        let mut csv = format!("person_id,{},{}\n", OF_PEOPLE.join(","), OF_JOBS.join(","));
        for (person, cells) in people.iter().filter(|(person, _)| *person % REGIONS == self.0) {
            if let Some(job) = jobs.get(person) {
                // Writing to a String cannot fail.
                let _ = writeln!(csv, "{person},{cells},{job}");
            }
        }
        Ok(csv.into_bytes())
    }
}

/// Some cells of each person, as CSV has them.
fn cells(content: &'static [u8], columns: &[&str]) -> Result<BTreeMap<u64, String>, CliError> {
    let table = read(content)?;
    let options = FormatOptions::default();
    let mut texts = Vec::new();
    for name in std::iter::once(&"person_id").chain(columns) {
        let column = table.column_by_name(name);
        let column = column.ok_or_else(|| CliError::failed(format!("demo: no `{name}`")))?;
        let text = ArrayFormatter::try_new(column.as_ref(), &options);
        texts.push(text.map_err(CliError::failed)?);
    }
    let mut people = BTreeMap::new();
    for row in 0..table.num_rows() {
        let person = texts[0].value(row).to_string().parse().map_err(CliError::failed)?;
        let cells: Vec<_> = texts[1..].iter().map(|text| text.value(row).to_string()).collect();
        people.insert(person, cells.join(","));
    }
    Ok(people)
}

const TRAIN: &[ReleaseForm] = &[ReleaseForm::Train];

const COLUMNS: &[Column] = &[
    Column { name: "person_id", ty: ColumnType::Int64, release: &[], ..PERSON },
    Column { name: "age", range: Some((17, 90)), release: TRAIN, ..NUMBER },
    Column { name: "education", domain: EDUCATION, release: TRAIN, ..LABEL },
    Column { name: "sex", domain: &["Female", "Male"], release: &[], ..LABEL },
    Column { name: "marital_status", domain: MARITAL_STATUS, release: TRAIN, ..LABEL },
    Column { name: "income", domain: &["<=50K", ">50K"], release: TRAIN, ..LABEL },
    Column { name: "occupation", domain: OCCUPATION, nullable: true, release: TRAIN, ..LABEL },
    Column { name: "hours_per_week", range: Some((1, 99)), release: TRAIN, ..NUMBER },
    Column { name: "capital_gain", range: Some((0, 99_999)), release: TRAIN, ..NUMBER },
    Column { name: "capital_loss", range: Some((0, 4_356)), release: TRAIN, ..NUMBER },
];

const fn residents(party: &'static str, region: u64) -> DemoTable {
    DemoTable {
        party,
        name: "residents",
        file: "residents.csv",
        content: Content::Region(Region(region)),
        entity: "person_id",
        rows_max: 13_312,
        psi: None,
        lookups: None,
        train: Some(Trains::Rounds(&[ModelFamily::Logistic, ModelFamily::Trees], 3, 50)),
        joined_with: &[],
        columns: COLUMNS,
    }
}

/// One table at each of three providers.
pub(super) const RESIDENTS: [DemoTable; 3] =
    [residents("census", 0), residents("employers", 1), residents("tax", 2)];
