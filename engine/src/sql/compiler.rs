//! The state of one compilation, and how owners' expressions become shared columns.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::{arrow::datatypes::DataType, logical_expr::Expr};

use super::{
    bounds::{Bounds, bounds, check_arithmetic, domain, is_text, scale_of, type_of},
    builder::Builder,
    error::CompileError,
    relate::Relation,
    tables::Tables,
    uses::Uses,
    value::{Data, Meaning, Number, Place, Text, Value, meaning},
};
use crate::plan::{Encoding, Ref};

/// The rows that expressions are lowered on.
#[derive(Debug)]
pub(super) enum Level {
    /// The joined rows: of this relation.
    Rows(usize),
    /// The groups, with the value of each column of the grouping.
    Groups(BTreeMap<String, Value>),
}

/// One compilation.
#[derive(Debug)]
pub(super) struct Compiler<'a> {
    pub(super) tables: Tables<'a>,
    pub(super) b: Builder,
    pub(super) relations: Vec<Relation>,
    /// Conditions that each table's owner applies.
    pub(super) filters: Vec<Vec<Expr>>,
    pub(super) level: Level,
    /// How many rows the level has, and which exist.
    pub(super) rows: u64,
    pub(super) live: Ref,
    pub(super) uses: Uses,
    pub(super) notes: BTreeSet<String>,
    /// The clause being lowered, for messages.
    pub(super) clause: &'static str,
}

impl<'a> Compiler<'a> {
    pub(super) fn new(tables: Tables<'a>) -> Self {
        let count = tables.len();
        let rows: Vec<u64> = (0..count).map(|t| tables.get(t).dataset.rows_max).collect();
        let b = Builder::new(&rows);
        Self {
            tables,
            relations: Vec::new(),
            filters: vec![Vec::new(); count],
            level: Level::Rows(0),
            rows: 0,
            live: b.input_live(0),
            b,
            uses: Uses::default(),
            notes: BTreeSet::new(),
            clause: "SELECT",
        }
    }

    pub(super) fn unsupported(&self, construct: impl Into<String>, hint: &str) -> CompileError {
        CompileError::unsupported(construct, self.clause, hint)
    }

    /// The value of an expression that one owner can work out alone.
    pub(super) fn owned(&mut self, table: usize, expr: &Expr) -> Result<Value, CompileError> {
        check_arithmetic(expr, &self.tables)?;
        let ty = type_of(expr, self.tables.schema())?;
        let data = if ty == DataType::Boolean {
            Data::Flag(self.share(table, expr, Encoding::Flag))
        } else if is_text(&ty) {
            let domain = domain(expr, &self.tables);
            Data::Text(Text::Owner { table, expr: expr.clone(), domain })
        } else {
            Data::Number(self.owned_number(table, expr, &ty)?)
        };
        let nullable = self.tables.nullable(expr);
        let present = nullable.then(|| self.share(table, expr, Encoding::Present));
        Ok(Value { data, present })
    }

    fn owned_number(
        &self,
        table: usize,
        expr: &Expr,
        ty: &DataType,
    ) -> Result<Number, CompileError> {
        let (Some(meaning), Some(bounds)) = (meaning(ty), bounds(expr, &self.tables)?) else {
            return Err(self.unsupported(
                format!("`{expr}` of type {ty}"),
                "shared values are BOOL, integers, DECIMAL, DATE, TIMESTAMP and public strings; \
                 CAST it to DECIMAL",
            ));
        };
        let at = Place::Owner { table, expr: expr.clone() };
        Ok(Number { at, bounds, scale: scale_of(ty), meaning })
    }

    /// Has the owner share an expression, and brings the column to the joined rows.
    pub(super) fn share(&mut self, table: usize, expr: &Expr, encoding: Encoding) -> Ref {
        let at = self.b.input(table, expr, encoding);
        match self.level {
            Level::Rows(relation) => self.bring(relation, table, at),
            Level::Groups(_) => at,
        }
    }

    /// A number as Z64.
    pub(super) fn word(&mut self, number: &Number) -> Ref {
        match &number.at {
            Place::Owner { table, expr } => {
                let (min, max) = number.bounds.words().unwrap_or((i64::MIN, i64::MAX));
                self.share(*table, expr, Encoding::Word { min, max })
            }
            Place::Word(at) => *at,
            Place::Bits { at, min } => self.b.bits_to_word(*at, *min),
            Place::Constant(value) => self.b.constant_word(*value, self.rows),
        }
    }

    /// A number as bits of `value - range.min`, wide enough for the range, which holds all its values.
    pub(super) fn bits(&mut self, number: &Number, range: Bounds) -> Ref {
        let (min, max) = range.words().unwrap_or((i64::MIN, i64::MAX));
        let width = range.width();
        match &number.at {
            Place::Owner { table, expr } => {
                self.share(*table, expr, Encoding::Offset { min, max, width })
            }
            Place::Bits { at, min: own } if *own == min && self.b.width(*at) == width => *at,
            Place::Constant(value) => {
                self.b.constant_bits(value.wrapping_sub(min), width, self.rows)
            }
            _ => {
                let word = self.word(number);
                self.b.word_to_bits(word, min, width)
            }
        }
    }

    /// Both numbers with the larger scale of the two.
    pub(super) fn aligned(
        &mut self,
        a: &Number,
        b: &Number,
    ) -> Result<(Number, Number), CompileError> {
        let scale = a.scale.max(b.scale);
        Ok((self.rescale(a, scale)?, self.rescale(b, scale)?))
    }

    /// The number with more digits behind the point.
    pub(super) fn rescale(&mut self, n: &Number, scale: u8) -> Result<Number, CompileError> {
        let digits = u32::from(scale.saturating_sub(n.scale));
        if digits == 0 {
            return Ok(n.clone());
        }
        let bounds = n.bounds.shift(digits);
        let factor = 10_i64.checked_pow(digits);
        let (Some(factor), Some(_)) = (factor, bounds.words()) else {
            return Err(overflow(self.clause, bounds));
        };
        let at = if let Place::Constant(value) = n.at {
            Place::Constant(value * factor)
        } else {
            let word = self.word(n);
            Place::Word(self.b.affine(word, factor, 0))
        };
        Ok(Number { at, bounds, scale, meaning: Meaning::Decimal })
    }
}

/// The refusal of a value beyond 64 bits.
pub(super) fn overflow(what: &str, found: Bounds) -> CompileError {
    CompileError::Overflow {
        expression: what.to_owned(),
        low: found.min.to_string(),
        high: found.max.to_string(),
        limit: "64 bits".into(),
        hint: "declare narrower ranges for its columns or a smaller rows_max".into(),
    }
}
