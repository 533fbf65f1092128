//! What an expression becomes: a column of the plan with what is known of it.

use datafusion::{arrow::datatypes::DataType, logical_expr::Expr};

use super::bounds::Bounds;
use crate::plan::{Decode, Ref};

/// An expression's value on every row of the present level, and the bit that says it is not NULL (none: it never is).
#[derive(Clone, Debug)]
pub(super) struct Value {
    pub(super) data: Data,
    pub(super) present: Option<Ref>,
}

#[derive(Clone, Debug)]
pub(super) enum Data {
    /// A truth value; 0 where absent.
    Flag(Ref),
    Number(Number),
    Text(Text),
    Ratio(Box<Ratio>),
}

/// An integer underneath. Arbitrary where absent, unless it comes straight from an input.
#[derive(Clone, Debug)]
pub(super) struct Number {
    pub(super) at: Place,
    pub(super) bounds: Bounds,
    pub(super) scale: u8,
    pub(super) meaning: Meaning,
}

/// Where a number is: an owner's expression that can still be shared in the form that suits, or a column of the plan.
#[derive(Clone, Debug)]
pub(super) enum Place {
    Owner { table: usize, expr: Expr },
    Word(Ref),
    Bits { at: Ref, min: i128 },
    Constant(i128),
}

/// What an integer stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    Integer,
    Decimal,
    Date,
    Timestamp,
}

/// A string of a public list, or one that only its owner can read.
#[derive(Clone, Debug)]
pub(super) enum Text {
    Owner { table: usize, expr: Expr, domain: Option<Vec<String>> },
    Code { at: Ref, domain: Vec<String> },
    Constant(String),
    Null,
}

/// AVG: a sum and the count it is to be divided by.
#[derive(Clone, Debug)]
pub(super) struct Ratio {
    pub(super) sum: Number,
    pub(super) count: Number,
    pub(super) decode: Decode,
}

impl Value {
    pub(super) fn flag(at: Ref, present: Option<Ref>) -> Self {
        Self { data: Data::Flag(at), present }
    }

    pub(super) fn number(number: Number, present: Option<Ref>) -> Self {
        Self { data: Data::Number(number), present }
    }
}

impl Number {
    pub(super) fn word(at: Ref, bounds: Bounds, scale: u8, meaning: Meaning) -> Self {
        Self { at: Place::Word(at), bounds, scale, meaning }
    }

    pub(super) fn constant(value: i128, scale: u8, meaning: Meaning) -> Self {
        Self { at: Place::Constant(value), bounds: Bounds::of(value), scale, meaning }
    }
}

/// What numbers of a type mean; none for other types and for timestamps in other units.
pub(super) fn meaning(ty: &DataType) -> Option<Meaning> {
    use datafusion::arrow::datatypes::TimeUnit;
    match ty {
        t if t.is_integer() => Some(Meaning::Integer),
        t if t.is_decimal() => Some(Meaning::Decimal),
        DataType::Date32 => Some(Meaning::Date),
        DataType::Timestamp(TimeUnit::Microsecond, None) => Some(Meaning::Timestamp),
        _ => None,
    }
}
