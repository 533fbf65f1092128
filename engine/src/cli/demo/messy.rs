//! Tables whose keys were typed by people: the same account number in upper and lower case, with spaces, in full-width digits,
//! twice, or not at all. Made from the demo's tables, the same each time.

use std::fmt::Write as _;

use datafusion::arrow::{
    array::RecordBatch,
    util::display::{ArrayFormatter, FormatOptions},
};

use super::super::exit::{CliError, chain};
use crate::catalog::{Catalog, DatasetConfig, Source, Table};

/// A table of accounts: whose people, which of their columns, and how its typists spell.
#[derive(Clone, Copy, Debug)]
pub(super) struct Accounts {
    /// The Parquet file of the people.
    pub(super) content: &'static [u8],
    /// What comes from it, beside the account.
    pub(super) columns: &'static [&'static str],
    /// Persons whose number leaves this rest by this divisor have no account here.
    pub(super) without: (u64, u64),
    /// One person in so many has one.
    pub(super) one_in: u64,
    /// One in so many rows is spelled in a way of its own.
    pub(super) habit: u64,
}

impl Accounts {
    /// The table as CSV.
    ///
    /// # Errors
    /// Failed: the Parquet file cannot be read.
    pub(super) fn csv(&self) -> Result<Vec<u8>, CliError> {
        let people = read(self.content)?;
        let failed = |error: datafusion::arrow::error::ArrowError| CliError::failed(error);
        let options = FormatOptions::default();
        let mut texts = Vec::new();
        for name in std::iter::once(&"person_id").chain(self.columns) {
            let column = people.column_by_name(name);
            let column = column.ok_or_else(|| CliError::failed(format!("demo: no `{name}`")))?;
            texts.push(ArrayFormatter::try_new(column.as_ref(), &options).map_err(failed)?);
        }
        let mut csv = format!("record_no,account,{}\n", self.columns.join(","));
        let mut record = 0_u64;
        let (rest, divisor) = self.without;
        for row in 0..people.num_rows() {
            let person: u64 = texts[0].value(row).to_string().parse().map_err(CliError::failed)?;
            let account = person / 4;
            if !person.is_multiple_of(4)
                || account % divisor == rest
                || !account.is_multiple_of(self.one_in)
            {
                continue;
            }
            let cells: Vec<_> = texts[1..].iter().map(|t| t.value(row).to_string()).collect();
            // Some people stand here twice, spelled in two ways.
            let times = if (person / 4).is_multiple_of(20) { 2 } else { 1 };
            for time in 0..times {
                record += 1;
                let account = self.spelled(person, time);
                // Writing to a String cannot fail.
                let _ = writeln!(csv, "{record},{account},{}", cells.join(","));
            }
        }
        Ok(csv.into_bytes())
    }

    /// A person's account number as somebody typed it; nothing where nobody did.
    fn spelled(&self, person: u64, time: u64) -> String {
        let plain = format!("AC-{person}");
        let wide = |text: &str| -> String {
            let wide = |c: char| char::from_u32(c as u32 + 0xfee0).filter(|_| c.is_ascii_graphic());
            text.chars().map(|c| wide(c).unwrap_or(c)).collect()
        };
        match (person / self.habit + time) % 6 {
            _ if person % 97 == self.habit => String::new(),
            0 => plain.to_lowercase(),
            1 => format!("  {plain} "),
            2 => format!("AC-{}", wide(&person.to_string())),
            3 => wide(&plain),
            4 => format!("\u{3000}ac-{}", wide(&person.to_string())),
            _ => plain,
        }
    }
}

/// The rows of one of the demo's files.
pub(super) fn read(content: &'static [u8]) -> Result<RecordBatch, CliError> {
    let party = "demo".parse().map_err(CliError::failed)?;
    let config = DatasetConfig {
        name: "people".to_owned(),
        source: Source::Bytes("people.parquet".to_owned(), content.into()),
        entity_key: None,
        rows_max: None,
        columns: Vec::new(),
    };
    let failed = |error| CliError::failed(chain(&error));
    let catalog = Catalog::open(&party, vec![config]).map_err(failed)?;
    catalog.table("people").and_then(Table::collect).map_err(failed)
}
