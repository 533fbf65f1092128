//! The state of one compilation, and how owners' expressions become shared columns.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::{arrow::datatypes::DataType, logical_expr::Expr};

use super::{
    bounds::{Bounds, bounds, check_arithmetic, domain, is_text, scale_of, type_of, wider},
    builder::Builder,
    error::CompileError,
    joins::Joins,
    relate::Relation,
    tables::Tables,
    uses::Uses,
    value::{Data, Meaning, Number, Place, Text, Value, meaning},
};
use crate::plan::{Encoding, Kind, Ref};

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
    /// The ring that words are wanted in at least: that of the sum whose argument is being lowered.
    pub(super) ring: Kind,
    pub(super) uses: Uses,
    pub(super) notes: BTreeSet<String>,
    /// The clause being lowered, for messages.
    pub(super) clause: &'static str,
    /// How tables of two owners are joined where there is a choice.
    pub(super) joins: Joins,
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
            ring: Kind::Z64,
            b,
            uses: Uses::default(),
            notes: BTreeSet::new(),
            clause: "SELECT",
            joins: Joins::Sorted,
        }
    }

    /// The same with this way of joining.
    pub(super) fn joining(self, joins: Joins) -> Self {
        Self { joins, ..self }
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

    /// The ring that a number's words are in, or would be.
    pub(super) fn ring_of(&self, number: &Number) -> Kind {
        match number.at {
            Place::Word(at) => self.b.shape(at).kind,
            _ => wider(self.ring, number.bounds.ring()),
        }
    }

    /// A number as words, in the smaller ring that will do.
    pub(super) fn word(&mut self, number: &Number) -> Ref {
        self.word_in(number, self.ring_of(number))
    }

    /// A number as words of this ring, which is at least its own.
    pub(super) fn word_in(&mut self, number: &Number, ring: Kind) -> Ref {
        let Bounds { min, max } = number.bounds;
        match &number.at {
            Place::Owner { table, expr } => {
                let wide = ring == Kind::Z128;
                let encoding =
                    if wide { Encoding::Wide { min, max } } else { Encoding::Word { min, max } };
                self.share(*table, expr, encoding)
            }
            Place::Word(at) if self.b.shape(*at).kind == ring => *at,
            Place::Word(at) => {
                let bits = self.b.word_to_bits(*at, min, number.bounds.width());
                self.b.bits_to_word(bits, min, ring)
            }
            Place::Bits { at, min } => self.b.bits_to_word(*at, *min, ring),
            Place::Constant(value) => self.b.constant_word(*value, ring, self.rows),
        }
    }

    /// A number as bits of `value - range.min`, wide enough for the range, which holds all its values.
    pub(super) fn bits(&mut self, number: &Number, range: Bounds) -> Ref {
        let Bounds { min, max } = range;
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
                let least = if width > 64 { Kind::Z128 } else { Kind::Z64 };
                let word = self.word_in(number, wider(self.ring_of(number), least));
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
        let factor = 10_i128.checked_pow(digits).filter(|_| bounds.fits(Bounds::WIDE));
        let factor = factor.ok_or_else(|| overflow(self.clause, bounds, "127 bits"))?;
        let at = if let Place::Constant(value) = n.at {
            Place::Constant(value * factor)
        } else {
            let word = self.word_in(n, wider(self.ring_of(n), bounds.ring()));
            Place::Word(self.b.affine(word, factor, 0))
        };
        Ok(Number { at, bounds, scale, meaning: Meaning::Decimal })
    }
}

/// The refusal of a value beyond the larger ring, or beyond the digits that a result can have.
pub(super) fn overflow(what: &str, found: Bounds, limit: &str) -> CompileError {
    let (low, high) = found.ends();
    CompileError::Overflow {
        expression: what.to_owned(),
        low,
        high,
        limit: limit.to_owned(),
        hint: "declare narrower ranges for its columns or a smaller rows_max".into(),
    }
}
