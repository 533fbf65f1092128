//! What can be wrong with a file, by file, column and row; never a value.

use arrow_schema::ArrowError;

use super::quotes::open_line;

/// Why a table cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// The file cannot be opened, read or written.
    #[error("{file}: {source}")]
    Io {
        /// The file.
        file: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not what its name says.
    #[error("{file}: {what}")]
    File {
        /// The file.
        file: String,
        /// What is wrong with it.
        what: String,
    },
    /// A column is missing or cannot be used.
    #[error("column `{column}`: {what}")]
    Column {
        /// The column.
        column: String,
        /// What is wrong with it.
        what: String,
    },
    /// One row cannot be used.
    #[error("row {row}, column `{column}`: {what}")]
    Row {
        /// The row, counted from 1.
        row: u64,
        /// The column.
        column: String,
        /// What is wrong there.
        what: &'static str,
    },
}

/// What is wrong with a file that Arrow cannot read, by kind: its own text may quote a cell.
#[must_use]
pub fn complaint(error: &ArrowError) -> String {
    let open = match error {
        ArrowError::IoError(text, _) | ArrowError::CsvError(text) => open_line(text),
        _ => None,
    };
    if let Some(line) = open {
        return format!(
            "has a quote on line {line} that is never closed: close it; a quote within a cell is written twice"
        );
    }
    match error {
        ArrowError::CsvError(text) if text.contains("incorrect number of fields") => {
            let line = text
                .split("line ")
                .nth(1)
                .and_then(|t| t.split(|c: char| !c.is_ascii_digit()).next());
            format!("line {} has another number of cells than the header", line.unwrap_or("?"))
        }
        ArrowError::CsvError(_) => "is not readable as CSV in UTF-8".to_owned(),
        ArrowError::ParquetError(_) => "is not readable as Parquet".to_owned(),
        _ => "is not readable".to_owned(),
    }
}
