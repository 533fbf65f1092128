//! How a provider names its datasets in its configuration.

use std::{fmt, path::PathBuf, sync::Arc};

use serde::{Deserialize, Serialize};

use super::descriptor::ColumnType;
use crate::identity::one_entry_at_most;

/// One dataset: a file and what the provider promises of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatasetConfig {
    /// Its name in SQL, after the party's: lower case letters, digits and `_`, starting with a letter.
    pub name: String,
    /// Where its rows are.
    #[serde(rename = "path")]
    pub source: Source,
    /// The column that identifies the entity a row is about.
    #[serde(default)]
    pub entity_key: Option<String>,
    /// Public bound on the number of rows. Default: the row count rounded up to a multiple of 1,024.
    #[serde(default)]
    pub rows_max: Option<u64>,
    /// The columns to publish. None listed: all columns of the file, with the types found there and no promises.
    #[serde(default)]
    pub columns: Vec<ColumnConfig>,
}

/// Where rows come from.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "PathBuf", into = "PathBuf")]
pub enum Source {
    /// A file; `.csv` or `.parquet`.
    Path(PathBuf),
    /// A file's bytes in memory, with its name.
    Bytes(String, Arc<[u8]>),
}

/// A source prints its name, not the rows in it.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({})", self.name())
    }
}

impl From<PathBuf> for Source {
    fn from(path: PathBuf) -> Self {
        Self::Path(path)
    }
}

impl From<Source> for PathBuf {
    fn from(source: Source) -> Self {
        match source {
            Source::Path(path) => path,
            Source::Bytes(name, _) => name.into(),
        }
    }
}

impl Source {
    /// The file's name, for messages.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Path(path) => path.display().to_string(),
            Self::Bytes(name, _) => name.clone(),
        }
    }
}

/// One column to publish.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnConfig {
    /// Its name in the file and in SQL.
    pub name: String,
    /// Its type. Default: as found in the file.
    #[serde(default, rename = "type", deserialize_with = "one_entry_at_most")]
    pub ty: Option<ColumnType>,
    /// Whether values may be NULL (an empty CSV cell).
    #[serde(default)]
    pub nullable: bool,
    /// Whether no two rows share a value.
    #[serde(default)]
    pub unique: bool,
    /// Smallest value, as an integer, or as text in the column's own form (`"2020-01-31"`, `"12.50"`).
    #[serde(default)]
    pub min: Option<Bound>,
    /// Largest value, likewise.
    #[serde(default)]
    pub max: Option<Bound>,
    /// The public list of values of a string column; order and repetitions do not matter.
    #[serde(default)]
    pub domain: Option<Vec<String>>,
    /// The longest text of a string column in bytes.
    #[serde(default)]
    pub max_bytes: Option<u32>,
}

/// An end of a range.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Bound {
    /// A whole number.
    Integer(i64),
    /// A value as a CSV cell would have it.
    Text(String),
}
