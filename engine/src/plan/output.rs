//! What is sealed to the buyer, and what it means.

use serde::{Deserialize, Serialize};

use super::refs::Ref;

/// What the buyer gets: every column here is 0 where `live` is 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// Which rows exist (Bits(1)).
    pub live: Ref,
    /// Columns in SELECT order.
    pub columns: Vec<OutputColumn>,
}

/// One result column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputColumn {
    /// Its name.
    pub name: String,
    /// The value.
    pub value: Ref,
    /// Where the value may be NULL: the bit that says it is there.
    pub present: Option<Ref>,
    /// AVG: the buyer divides by this (Z64).
    pub divisor: Option<Ref>,
    /// What the integer means.
    pub decode: Decode,
}

/// How the buyer turns an opened integer into a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Decode {
    /// A 64-bit integer: the value plus `offset`. (Integers beyond 64 bits are decimals without digits behind the point.)
    Integer {
        /// Added after opening.
        #[serde(with = "crate::identity::int_string")]
        offset: i128,
    },
    /// A decimal with `scale` digits behind the point, after adding `offset`.
    Decimal {
        /// Added after opening.
        #[serde(with = "crate::identity::int_string")]
        offset: i128,
        /// Digits behind the point.
        scale: u8,
    },
    /// A quotient `value / divisor` as a double, `value` having `scale` digits behind the point (AVG of integers).
    Quotient {
        /// Digits behind the point.
        scale: u8,
    },
    /// A quotient as a decimal with `scale` digits, the sum having `from` digits (AVG of decimals, as DataFusion rounds it).
    DecimalQuotient {
        /// Digits of the sum.
        from: u8,
        /// Digits of the quotient.
        scale: u8,
    },
    /// A boolean.
    Bool,
    /// Days since 1970-01-01, after adding `offset`.
    Date {
        /// Added after opening.
        #[serde(with = "crate::identity::int_string")]
        offset: i128,
    },
    /// Microseconds since 1970-01-01T00:00:00Z, after adding `offset`.
    Timestamp {
        /// Added after opening.
        #[serde(with = "crate::identity::int_string")]
        offset: i128,
    },
    /// An index in a public list.
    Code {
        /// The list.
        domain: Vec<String>,
    },
}
