//! Comparisons between columns of several providers, and on results of a grouping.

use datafusion::logical_expr::Operator;

use super::{
    bounds::{Bounds, wider},
    compiler::{Compiler, overflow},
    error::CompileError,
    text,
    value::{Data, Number, Place, Ratio, Text, Value},
};
use crate::plan::{Encoding, Kind, Op, Ref};

/// TRUE bit and presence.
type Truth = (Ref, Option<Ref>);

impl Compiler<'_> {
    /// `a op b`, three-valued.
    pub(super) fn compare(
        &mut self,
        op: Operator,
        a: &Value,
        b: &Value,
    ) -> Result<Truth, CompileError> {
        let present = self.both_present(a.present, b.present);
        let bit = match (&a.data, &b.data) {
            (Data::Number(x), Data::Number(y)) => self.compare_numbers(op, x, y)?,
            (Data::Text(x), Data::Text(y)) => self.compare_texts(op, x, y)?,
            (Data::Flag(x), Data::Flag(y)) => self.compare_flags(op, *x, *y)?,
            (Data::Ratio(x), Data::Number(y)) => self.compare_ratio(op, x, y)?,
            (Data::Number(x), Data::Ratio(y)) => {
                let op = op.swap().unwrap_or(op);
                self.compare_ratio(op, y, x)?
            }
            (Data::Ratio(x), Data::Ratio(y)) => {
                let left = self.times(&x.sum, &y.count)?;
                let right = self.times(&y.sum, &x.count)?;
                self.compare_numbers(op, &left, &right)?
            }
            _ => return Err(self.unsupported("a comparison of different types", "CAST one side")),
        };
        let yes = match present {
            Some(present) => self.b.and(bit, present),
            None => bit,
        };
        Ok((yes, present))
    }

    /// `sum / count op c` as `sum op c · count`: the count is positive where the quotient exists.
    fn compare_ratio(
        &mut self,
        op: Operator,
        ratio: &Ratio,
        other: &Number,
    ) -> Result<Ref, CompileError> {
        // Widened first: the count has fewer bits than the product.
        let ring = wider(self.ring_of(&ratio.sum), self.ring_of(other));
        let count = match ratio.count.at {
            Place::Word(_) => {
                let at = Place::Word(self.word_in(&ratio.count, ring));
                Number { at, ..ratio.count.clone() }
            }
            _ => ratio.count.clone(),
        };
        let product = self.times(&shortened(other), &count)?;
        self.compare_numbers(op, &ratio.sum, &product)
    }

    /// A product inside a comparison.
    fn times(&mut self, a: &Number, b: &Number) -> Result<Number, CompileError> {
        let bounds = a.bounds.mul(b.bounds);
        if !bounds.fits(Bounds::WIDE) {
            return Err(overflow("the product in a comparison with AVG", bounds, "127 bits"));
        }
        let (scale, meaning) = (a.scale + b.scale, a.meaning);
        let at = self.combine(Operator::Multiply, (a, b), bounds);
        Ok(Number::word(at, bounds, scale, meaning))
    }

    fn compare_numbers(
        &mut self,
        op: Operator,
        a: &Number,
        b: &Number,
    ) -> Result<Ref, CompileError> {
        let (a, b) = self.aligned(&shortened(a), &shortened(b))?;
        let range = a.bounds.union(b.bounds);
        let word = |n: &Number| matches!(n.at, Place::Word(_));
        let width = a.bounds.distance(b.bounds);
        let ring = wider(self.ring_of(&a), self.ring_of(&b));
        // Differences that leave a word of 64 bits, but not one of 128.
        let ring = if range.width() > 64 { Kind::Z128 } else { ring };
        let most = if ring == Kind::Z128 { 127 } else { 63 };
        if (word(&a) || word(&b)) && width <= most {
            let (x, y) = (self.word_in(&a, ring), self.word_in(&b, ring));
            return self.ordered(op, x, y, |a, b, less| {
                if less { Op::Lt { a, b, width } } else { Op::Eq { a, b, width } }
            });
        }
        let (x, y) = (self.bits(&a, range), self.bits(&b, range));
        self.ordered(op, x, y, bit_op)
    }

    fn compare_texts(&mut self, op: Operator, a: &Text, b: &Text) -> Result<Ref, CompileError> {
        if matches!(a, Text::Null) || matches!(b, Text::Null) {
            return Ok(self.b.constant_bits(0, 1, self.rows));
        }
        if let (Some(x), Some(y)) = (a.domain(), b.domain()) {
            let all = text::merged(&x, &y);
            let coded = (self.text_code(a, &all), self.text_code(b, &all));
            if let (Some(x), Some(y)) = coded {
                return self.ordered(op, x, y, bit_op);
            }
        }
        let equality = matches!(op, Operator::Eq | Operator::NotEq);
        let (Text::Owner { .. }, Text::Owner { .. }, true) = (a, b, equality) else {
            return Err(self.unsupported(
                "an ordering of strings without a public list of values",
                "compare them for equality, or declare a domain",
            ));
        };
        let (x, y) = (self.hashed(a), self.hashed(b));
        self.ordered(op, x, y, bit_op)
    }

    fn hashed(&mut self, text: &Text) -> Ref {
        let tables = 0..self.tables.len();
        let rows = tables.map(|t| self.tables.get(t).dataset.rows_max);
        let rows = rows.fold(0_u64, u64::saturating_add);
        let Text::Owner { table, expr, .. } = text else {
            return self.b.constant_bits(0, 1, self.rows);
        };
        self.notes.insert(format!(
            "`{expr}` is compared by a hash keyed for this run: two different values agree with \
             probability at most 2^-40"
        ));
        let lanes = text::hash_lanes(rows).into_iter().rev();
        let lanes = lanes.map(|e| self.share(*table, expr, e)).collect();
        self.b.concat(lanes)
    }

    /// The text as an index in this list; none if it is in another list already.
    pub(super) fn text_code(&mut self, text: &Text, domain: &[String]) -> Option<Ref> {
        let width = text::width(domain.len());
        match text {
            Text::Owner { table, expr, .. } => {
                let encoding = Encoding::Code { domain: domain.to_vec(), width };
                Some(self.share(*table, expr, encoding))
            }
            Text::Code { at, domain: own } => self.recoded(*at, own, domain),
            Text::Constant(text) => {
                let index = domain.binary_search(text).ok()?;
                let index = i128::try_from(index).ok()?;
                Some(self.b.constant_bits(index, width, self.rows))
            }
            Text::Null => Some(self.b.constant_bits(0, width, self.rows)),
        }
    }

    /// A code in a larger list: each index is added its shift, by selections at the places where the shift grows.
    fn recoded(&mut self, at: Ref, from: &[String], to: &[String]) -> Option<Ref> {
        if from == to {
            return Some(at);
        }
        let own = self.b.width(at);
        let wide = text::width(to.len());
        let mut code = self.b.constant_bits(0, wide, self.rows);
        for (i, text) in from.iter().enumerate() {
            let target = i128::try_from(to.binary_search(text).ok()?).ok()?;
            let index = self.b.constant_bits(i128::try_from(i).ok()?, own, self.rows);
            let here = self.b.test(Op::EqBits(at, index), self.rows);
            let target = self.b.constant_bits(target, wide, self.rows);
            code = self.b.select(here, target, code);
        }
        Some(code)
    }

    /// A chosen text: a code in the list of all texts it can be.
    pub(super) fn choose_text(
        &mut self,
        expr: &datafusion::logical_expr::Expr,
        by: Ref,
        (yes, no): (Value, Value),
        present: Option<Ref>,
    ) -> Result<Value, CompileError> {
        let text = |v: &Value| match &v.data {
            Data::Text(text) => text.clone(),
            _ => Text::Null,
        };
        let (yes, no) = (text(&yes), text(&no));
        let chosen = yes.domain().zip(no.domain()).and_then(|(a, b)| {
            let domain = text::merged(&a, &b);
            let (x, y) = (self.text_code(&yes, &domain)?, self.text_code(&no, &domain)?);
            Some(Text::Code { at: self.b.select(by, x, y), domain })
        });
        let chosen = chosen.ok_or_else(|| {
            self.unsupported(
                format!("a choice among strings without a public list (`{expr}`)"),
                "declare their domains",
            )
        })?;
        Ok(Value { data: Data::Text(chosen), present })
    }

    fn compare_flags(&mut self, op: Operator, a: Ref, b: Ref) -> Result<Ref, CompileError> {
        match op {
            Operator::Eq => {
                let differ = self.b.xor(a, b);
                Ok(self.b.not(differ))
            }
            Operator::NotEq => Ok(self.b.xor(a, b)),
            _ => self.ordered(op, a, b, bit_op),
        }
    }

    /// Any of the six comparisons by `<` and `=`.
    fn ordered(
        &mut self,
        op: Operator,
        a: Ref,
        b: Ref,
        make: impl Fn(Ref, Ref, bool) -> Op,
    ) -> Result<Ref, CompileError> {
        let (a, b, less, negate) = match op {
            Operator::Eq => (a, b, false, false),
            Operator::NotEq => (a, b, false, true),
            Operator::Lt => (a, b, true, false),
            Operator::GtEq => (a, b, true, true),
            Operator::Gt => (b, a, true, false),
            Operator::LtEq => (b, a, true, true),
            other => {
                return Err(self
                    .unsupported(format!("operator {other}"), "compare by =, <>, <, <=, > or >="));
            }
        };
        let bit = self.b.test(make(a, b, less), self.rows);
        Ok(if negate { self.b.not(bit) } else { bit })
    }

    /// `count >= least`.
    pub(super) fn at_least(&mut self, count: &Number, least: u32) -> Result<Ref, CompileError> {
        let least = i128::from(least);
        let least = Number { at: Place::Constant(least), bounds: Bounds::of(least), ..*count };
        self.compare_numbers(Operator::GtEq, count, &least)
    }
}

/// A constant without zeros at its end: it needs fewer bits.
fn shortened(number: &Number) -> Number {
    let mut short = number.clone();
    while let (Place::Constant(value), 1..) = (&mut short.at, short.scale)
        && *value % 10 == 0
    {
        *value /= 10;
        short.bounds = Bounds::of(*value);
        short.scale -= 1;
    }
    short
}

fn bit_op(a: Ref, b: Ref, less: bool) -> Op {
    if less { Op::LtBits(a, b) } else { Op::EqBits(a, b) }
}

impl Text {
    /// All values it can have; none if that is not public.
    pub(super) fn domain(&self) -> Option<Vec<String>> {
        match self {
            Self::Owner { domain, .. } => domain.clone(),
            Self::Code { domain, .. } => Some(domain.clone()),
            Self::Constant(text) => Some(vec![text.clone()]),
            Self::Null => Some(Vec::new()),
        }
    }
}
