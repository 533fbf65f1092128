//! Column types as Arrow has them.

use std::{collections::BTreeSet, sync::Arc};

use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use super::{
    descriptor::{ColumnSpec, ColumnType, DatasetDescriptor},
    promises::contradiction,
};
use crate::identity::PartyName;

/// Most rows of a dataset.
const MAX_ROWS: u64 = 1 << 32;

impl ColumnType {
    /// Whether a key of this type can equal one of the other.
    #[must_use]
    pub fn same_keys(self, other: Self) -> bool {
        let class = |ty| match ty {
            Self::Bool => 0,
            Self::Int8 | Self::Int16 | Self::Int32 | Self::Int64 | Self::Decimal { .. } => 1,
            Self::Date => 2,
            Self::Timestamp => 3,
            Self::String => 4,
        };
        class(self) == class(other)
    }

    /// The Arrow type that a column of this type has in every table of the engine.
    #[must_use]
    pub fn arrow(self) -> DataType {
        match self {
            Self::Bool => DataType::Boolean,
            Self::Int8 => DataType::Int8,
            Self::Int16 => DataType::Int16,
            Self::Int32 => DataType::Int32,
            Self::Int64 => DataType::Int64,
            Self::Decimal { precision, scale } => {
                DataType::Decimal128(precision, scale.cast_signed())
            }
            Self::Date => DataType::Date32,
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
            Self::String => DataType::Utf8,
        }
    }

    /// The bounds that the type alone sets on the integer representation; none for strings.
    #[must_use]
    pub fn bounds(self) -> Option<(i128, i128)> {
        match self {
            Self::Bool => Some((0, 1)),
            Self::Int8 => Some((i8::MIN.into(), i8::MAX.into())),
            Self::Int16 => Some((i16::MIN.into(), i16::MAX.into())),
            Self::Int32 | Self::Date => Some((i32::MIN.into(), i32::MAX.into())),
            Self::Int64 | Self::Timestamp => Some((i64::MIN.into(), i64::MAX.into())),
            Self::Decimal { precision, .. } => {
                let limit = 10_i128.checked_pow(precision.into()).map_or(i128::MAX, |p| p - 1);
                Some((-limit, limit))
            }
            Self::String => None,
        }
    }
}

impl ColumnSpec {
    /// Declared bounds, or those of the type.
    #[must_use]
    pub fn bounds(&self) -> Option<(i128, i128)> {
        self.range.map(|r| (r.min, r.max)).or_else(|| self.ty.bounds())
    }
}

impl DatasetDescriptor {
    /// The Arrow schema of the table.
    #[must_use]
    pub fn arrow_schema(&self) -> SchemaRef {
        let field = |c: &ColumnSpec| Field::new(&c.name, c.ty.arrow(), self.is_nullable(c));
        Arc::new(Schema::new(self.columns.iter().map(field).collect::<Vec<_>>()))
    }

    /// Whether a value of this column may be NULL; never in unique columns and the entity key.
    #[must_use]
    pub fn is_nullable(&self, column: &ColumnSpec) -> bool {
        column.nullable && !self.is_unique(column)
    }

    /// Whether no two rows share a value of this column.
    #[must_use]
    pub fn is_unique(&self, column: &ColumnSpec) -> bool {
        column.unique || self.entity_key.as_deref() == Some(column.name.as_str())
    }

    /// The column of this name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&ColumnSpec> {
        self.columns.iter().find(|c| c.name == name)
    }

    /// What contradicts itself in this description, if anything does. Descriptions come from other parties.
    #[must_use]
    pub fn contradiction(&self) -> Option<String> {
        if PartyName::try_from(self.name.as_str()).is_err() {
            return Some("its name is not of lower case letters, digits and `_`".into());
        }
        if self.rows_max == 0 || self.rows_max > MAX_ROWS {
            return Some(format!("{} rows, 1 to {MAX_ROWS} are possible", self.rows_max));
        }
        if self.entity_key.as_ref().is_some_and(|key| self.column(key).is_none()) {
            return Some("its entity key is none of its columns".into());
        }
        let mut names = BTreeSet::new();
        if let Some(twice) = self.columns.iter().find(|c| !names.insert(&c.name)) {
            return Some(format!("column `{}` is listed twice", twice.name));
        }
        let wrong = |c: &ColumnSpec| Some(format!("column `{}`: {}", c.name, contradiction(c)?));
        self.columns.iter().find_map(wrong)
    }

    /// `party.name`, as SQL names it.
    #[must_use]
    pub fn table(&self) -> String {
        format!("{}.{}", self.party, self.name)
    }
}
