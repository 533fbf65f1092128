//! What is wrong with a dataset. Messages name file, line, column and the kind of value; never the value.

use std::path::PathBuf;

/// Why a dataset cannot be used. It is always its provider's to mend.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogError {
    /// The file cannot be read.
    #[error("dataset `{dataset}`: {path}: {source}")]
    Io {
        /// Dataset.
        dataset: String,
        /// File.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is neither CSV nor Parquet, or not a whole one.
    #[error("dataset `{dataset}`: {file}: {what}")]
    File {
        /// Dataset.
        dataset: String,
        /// File.
        file: String,
        /// What is wrong with it.
        what: String,
    },
    /// A CSV cell that its column's type does not allow.
    #[error(
        "dataset `{dataset}`: {file}, line {line}, column `{column}`: {found} where {due} is due"
    )]
    Cell {
        /// Dataset.
        dataset: String,
        /// File.
        file: String,
        /// Line, the header being the first.
        line: u64,
        /// Column.
        column: String,
        /// What kind of value stands there.
        found: &'static str,
        /// What kind is due.
        due: String,
    },
    /// The configuration of a dataset contradicts itself or the file.
    #[error("dataset `{dataset}`, column `{column}`: {what}")]
    Column {
        /// Dataset.
        dataset: String,
        /// Column.
        column: String,
        /// What is wrong.
        what: String,
    },
    /// A value breaks what is declared of its column.
    #[error("dataset `{dataset}`, row {row}, column `{column}`: {what}")]
    Value {
        /// Dataset.
        dataset: String,
        /// Row, counted from 1.
        row: u64,
        /// Column.
        column: String,
        /// What is broken.
        what: Broken,
    },
    /// More rows than the published bound.
    #[error(
        "dataset `{dataset}` has more rows than its published bound of {rows_max}; publish a larger one"
    )]
    Rows {
        /// Dataset.
        dataset: String,
        /// The bound.
        rows_max: u64,
    },
    /// The dataset as a whole is declared wrongly.
    #[error("dataset `{dataset}`: {what}")]
    Dataset {
        /// Dataset.
        dataset: String,
        /// What is wrong.
        what: String,
    },
    /// The file of a large table is gone, or not the one that was checked and that jobs are committed to.
    #[error(
        "dataset `{dataset}`: its file is not what it was when the job was planned; submit the job again, and it is taken as it is then"
    )]
    Changed {
        /// Dataset.
        dataset: String,
    },
    /// The file changed, and what it is now does not keep what is declared of it.
    #[error(
        "dataset `{dataset}`: its file changed and is refused, its provider's log says why; submit the job again once it is corrected"
    )]
    Refused {
        /// Dataset.
        dataset: String,
    },
    /// The file changed while it was read.
    #[error("dataset `{dataset}`: its file is being written; move a whole one to its place")]
    Unsettled {
        /// Dataset.
        dataset: String,
    },
    /// What a check takes beyond memory has no place on disk.
    #[error("dataset `{dataset}`: {source}")]
    Scratch {
        /// Dataset.
        dataset: String,
        /// Why.
        source: tables::TableError,
    },
    /// No dataset of this name.
    #[error("no dataset `{dataset}` here")]
    Unknown {
        /// As asked.
        dataset: String,
    },
}

/// Which promise of a column a value breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Broken {
    /// NULL where none may be.
    #[error("NULL in a column that is not declared nullable")]
    Null,
    /// NULL in a unique column or entity key.
    #[error("NULL in a column declared unique or entity key")]
    NullKey,
    /// A value twice in a unique column or entity key.
    #[error("a value that an earlier row has too, in a column declared unique or entity key")]
    Duplicate,
    /// Outside the declared range.
    #[error("a value outside the declared range")]
    Range,
    /// Not in the declared list.
    #[error("a text that is not in the declared domain")]
    Domain,
    /// Longer than declared.
    #[error("a text of more bytes than declared")]
    Length,
}
