//! What can be wrong with a file, by file, column and row; never a value.

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
