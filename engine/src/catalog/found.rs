//! The types that a file suggests where none is declared.

use datafusion::arrow::{
    array::{ArrayRef, AsArray as _},
    datatypes::DataType,
};

use super::{cell, descriptor::ColumnType, error::CatalogError, source::RawFile};

/// The types of some columns, as the file suggests them. A CSV file is read for it.
pub(super) fn found_types(
    raw: &RawFile,
    columns: &[usize],
) -> Result<Vec<Result<ColumnType, CatalogError>>, CatalogError> {
    let mut types: Vec<_> =
        columns.iter().map(|at| raw.schema.field(*at).data_type().clone()).collect();
    if raw.csv && !columns.is_empty() {
        let mut chosen = columns.to_vec();
        chosen.sort_unstable();
        chosen.dedup();
        let mut guesses: Vec<Guess> = chosen.iter().map(|_| Guess::new()).collect();
        for batch in raw.batches(&chosen)? {
            let batch = batch.map_err(|error| raw.unreadable(&error))?;
            for (guess, column) in guesses.iter_mut().zip(batch.columns()) {
                guess.see(column);
            }
        }
        let of = |at: &usize| guesses[chosen.partition_point(|other| other < at)].ty();
        types = columns.iter().map(of).collect();
    }
    let shared = |(at, found): (&usize, &DataType)| {
        column_type(found).ok_or_else(|| {
            let what = format!(
                "type {found} cannot be shared; declare another one, a decimal for instance"
            );
            raw.wrong(raw.schema.field(*at).name(), what)
        })
    };
    Ok(columns.iter().zip(&types).map(shared).collect())
}

/// Which types all cells seen so far of a CSV column have.
struct Guess {
    any: bool,
    words: bool,
    /// Those that are left, the first one winning.
    shared: Vec<ColumnType>,
    numbers: bool,
}

impl Guess {
    fn new() -> Self {
        let shared = vec![ColumnType::Int64, ColumnType::Date, ColumnType::Timestamp];
        Self { any: false, words: true, shared, numbers: true }
    }

    fn see(&mut self, column: &ArrayRef) {
        let Some(cells) = column.as_string_opt::<i32>() else { return };
        for text in cells.iter().flatten() {
            self.any = true;
            self.words &= matches!(text.trim().to_ascii_lowercase().as_str(), "true" | "false");
            self.shared.retain(|ty| cell::integer(text, *ty).is_some());
            let whole = self.shared.first() == Some(&ColumnType::Int64);
            self.numbers = self.numbers && (whole || text.trim().parse::<f64>().is_ok());
        }
    }

    fn ty(&self) -> DataType {
        match self.shared.first() {
            _ if !self.any => DataType::Utf8,
            _ if self.words => DataType::Boolean,
            Some(ty) => ty.arrow(),
            None if self.numbers => DataType::Float64,
            None => DataType::Utf8,
        }
    }
}

fn column_type(found: &DataType) -> Option<ColumnType> {
    Some(match found {
        DataType::Boolean => ColumnType::Bool,
        DataType::Int8 => ColumnType::Int8,
        DataType::Int16 | DataType::UInt8 => ColumnType::Int16,
        DataType::Int32 | DataType::UInt16 => ColumnType::Int32,
        DataType::Int64 | DataType::UInt32 => ColumnType::Int64,
        DataType::Date32 | DataType::Date64 => ColumnType::Date,
        DataType::Timestamp(..) => ColumnType::Timestamp,
        DataType::Decimal128(precision, scale) => {
            ColumnType::Decimal { precision: *precision, scale: u8::try_from(*scale).ok()? }
        }
        text if is_text(text) => ColumnType::String,
        _ => return None,
    })
}

pub(super) fn is_text(ty: &DataType) -> bool {
    match ty {
        DataType::Dictionary(_, values) => is_text(values),
        other => matches!(other, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View),
    }
}
