//! What a provider publishes about a dataset: its schema with declared ranges, and a public row bound. Never a statistic.

use serde::{Deserialize, Serialize};

use crate::identity::PartyName;

/// One dataset as its provider publishes it. In SQL it is the table `party.name`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatasetDescriptor {
    /// The provider that holds the rows.
    pub party: PartyName,
    /// The dataset's name: lower case letters, digits and `_`, starting with a letter.
    pub name: String,
    /// Public bound on the number of rows (default: the row count rounded up to a multiple of 1,024).
    pub rows_max: u64,
    /// Name of the column that identifies the entity (person, company) a row is about, if there is one.
    pub entity_key: Option<String>,
    /// The columns, in table order.
    pub columns: Vec<ColumnSpec>,
}

/// One column: its type, and what the provider promises of its values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnSpec {
    /// The column's name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub ty: ColumnType,
    /// Whether a value may be NULL.
    #[serde(default)]
    pub nullable: bool,
    /// Whether no two rows share a value (checked by the provider when it reads the table).
    #[serde(default)]
    pub unique: bool,
    /// Inclusive bounds, in the column's integer representation (a decimal times 10^scale, days, microseconds).
    #[serde(default)]
    pub range: Option<Range>,
    /// The public list of values of a string column, ascending; such a column travels as a code.
    #[serde(default)]
    pub domain: Option<Vec<String>>,
    /// The longest text of a string column in bytes (UTF-8), where it may be a label of a published table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u32>,
}

/// Inclusive integer bounds. They are strings in JSON (canonical form).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// Smallest value.
    #[serde(with = "crate::identity::int_string")]
    pub min: i128,
    /// Largest value.
    #[serde(with = "crate::identity::int_string")]
    pub max: i128,
}

/// The types a shared column can have. All but strings are integers underneath.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ColumnType {
    /// `true` or `false`.
    Bool,
    /// A signed integer of 8 bits.
    Int8,
    /// A signed integer of 16 bits.
    Int16,
    /// A signed integer of 32 bits.
    Int32,
    /// A signed integer of 64 bits.
    Int64,
    /// A decimal of `precision` digits, `scale` of them behind the point; precision at most 38.
    Decimal {
        /// Digits in all.
        precision: u8,
        /// Digits behind the point.
        scale: u8,
    },
    /// Days since 1970-01-01.
    Date,
    /// Microseconds since 1970-01-01T00:00:00Z.
    Timestamp,
    /// Text.
    String,
}
