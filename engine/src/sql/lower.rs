//! Expressions that no owner can work out alone, as operations: arithmetic, three-valued logic, CASE, casts.
//!
//! A truth value travels as two bits, `yes` (it is TRUE) and `present` (it is not NULL), with `yes` 0 where absent.

use datafusion::{
    arrow::datatypes::DataType,
    common::ScalarValue,
    logical_expr::{BinaryExpr, Case, Expr, Operator},
};

use super::{
    bounds::{
        Bounds, checked, is_text, literal, scale_of, text_literal, type_bounds, type_of, wider,
    },
    compiler::{Compiler, Level},
    error::CompileError,
    value::{Data, Meaning, Number, Place, Text, Value, meaning},
};
use crate::plan::{Kind, Op, Ref};

impl Compiler<'_> {
    /// The value of any expression on the rows of the present level.
    pub(super) fn lower(&mut self, expr: &Expr) -> Result<Value, CompileError> {
        let reads = self.tables.reads(expr);
        if reads.nothing() {
            return self.constant(expr);
        }
        if let (Some(table), Level::Rows(_)) = (reads.single(), &self.level) {
            return self.owned(table, expr);
        }
        match expr {
            Expr::Column(column) => match &self.level {
                Level::Groups(values) => values.get(&column.name).cloned().ok_or_else(|| {
                    CompileError::Inconsistent { what: format!("no grouped column {column}") }
                }),
                Level::Rows(_) => {
                    Err(self.unsupported("an aggregate in a row's condition", "use HAVING"))
                }
            },
            Expr::BinaryExpr(binary) => self.binary(expr, binary),
            Expr::Not(inner) => {
                let (yes, present) = self.truth(inner)?;
                Ok(self.negated(yes, present))
            }
            Expr::Negative(inner) => self.negative(expr, inner),
            Expr::Between(b) => {
                let low = self.lower(&b.low)?;
                let high = self.lower(&b.high)?;
                let of = self.lower(&b.expr)?;
                let above = self.compare(Operator::GtEq, &of, &low)?;
                let below = self.compare(Operator::LtEq, &of, &high)?;
                let both = self.both(&above, &below);
                Ok(if b.negated {
                    self.negated(both.0, both.1)
                } else {
                    Value::flag(both.0, both.1)
                })
            }
            Expr::InList(list) => {
                let of = self.lower(&list.expr)?;
                let mut any: Option<(Ref, Option<Ref>)> = None;
                for item in &list.list {
                    let item = self.lower(item)?;
                    let equal = self.compare(Operator::Eq, &of, &item)?;
                    any = Some(any.map_or(equal, |a| self.either(&a, &equal)));
                }
                let any = any.ok_or_else(|| self.unsupported("IN ()", "list a value"))?;
                Ok(if list.negated {
                    self.negated(any.0, any.1)
                } else {
                    Value::flag(any.0, any.1)
                })
            }
            Expr::Case(case) => self.case(expr, case),
            Expr::Cast(cast) => {
                let value = self.lower(&cast.expr)?;
                self.cast(expr, value, cast.field.data_type())
            }
            _ => self.test(expr),
        }
    }

    /// `IS [NOT] NULL` and `IS [NOT] TRUE`, FALSE, UNKNOWN; anything else is refused.
    fn test(&mut self, expr: &Expr) -> Result<Value, CompileError> {
        let one = match expr {
            Expr::IsNull(inner) | Expr::IsNotNull(inner) => {
                let present = self.lower(inner)?.present;
                self.present_or_one(present)
            }
            Expr::IsUnknown(inner) | Expr::IsNotUnknown(inner) => {
                let present = self.truth(inner)?.1;
                self.present_or_one(present)
            }
            Expr::IsTrue(inner) | Expr::IsNotTrue(inner) => self.truth(inner)?.0,
            Expr::IsFalse(inner) | Expr::IsNotFalse(inner) => {
                let (yes, present) = self.truth(inner)?;
                self.is_false(yes, present)
            }
            other => return Err(self.unsupported(describe(other), hint(other))),
        };
        let negated = matches!(
            expr,
            Expr::IsNull(_) | Expr::IsUnknown(_) | Expr::IsNotTrue(_) | Expr::IsNotFalse(_)
        );
        let bit = if negated { self.b.not(one) } else { one };
        Ok(Value::flag(bit, None))
    }

    fn constant(&mut self, expr: &Expr) -> Result<Value, CompileError> {
        let Expr::Literal(value, _) = expr else {
            return Err(self.unsupported(describe(expr), "write its value"));
        };
        let ty = value.data_type();
        let zero = |c: &mut Self| c.b.constant_bits(0, 1, c.rows);
        let present = if value.is_null() { Some(zero(self)) } else { None };
        let data = if matches!(ty, DataType::Boolean | DataType::Null) {
            let bit = i128::from(matches!(value, ScalarValue::Boolean(Some(true))));
            Data::Flag(self.b.constant_bits(bit, 1, self.rows))
        } else if is_text(&ty) {
            Data::Text(text_literal(value).map_or(Text::Null, |t| Text::Constant(t.to_owned())))
        } else {
            Data::Number(self.number_literal(value, &ty)?)
        };
        Ok(Value { data, present })
    }

    fn number_literal(&self, value: &ScalarValue, ty: &DataType) -> Result<Number, CompileError> {
        if let ScalarValue::Float64(Some(double)) = value
            && let Some((digits, scale)) = exact(*double)
        {
            return Ok(Number::constant(digits, scale, Meaning::Decimal));
        }
        let (mut number, mut scale) = (literal(value).unwrap_or(0), scale_of(ty));
        while i64::try_from(number).is_err() && scale > 0 && number % 10 == 0 {
            (number, scale) = (number / 10, scale - 1);
        }
        let known = !matches!(ty, DataType::Decimal256(..));
        match meaning(ty).filter(|_| known && Bounds::of(number).fits(Bounds::DECIMAL)) {
            Some(meaning) => Ok(Number::constant(number, scale, meaning)),
            None => Err(self.unsupported(
                format!("a literal of type {ty}"),
                "use integers, decimals of at most 38 digits, dates, timestamps, text or booleans",
            )),
        }
    }

    /// `yes` and `present` of a condition.
    pub(super) fn truth(&mut self, expr: &Expr) -> Result<(Ref, Option<Ref>), CompileError> {
        let value = self.lower(expr)?;
        match value.data {
            Data::Flag(yes) => Ok((yes, value.present)),
            _ => Err(self.unsupported(format!("`{expr}` as a condition"), "use a comparison")),
        }
    }

    fn is_false(&mut self, yes: Ref, present: Option<Ref>) -> Ref {
        match present {
            Some(present) => self.b.xor(present, yes),
            None => self.b.not(yes),
        }
    }

    fn negated(&mut self, yes: Ref, present: Option<Ref>) -> Value {
        Value::flag(self.is_false(yes, present), present)
    }

    /// AND.
    pub(super) fn both(
        &mut self,
        a: &(Ref, Option<Ref>),
        b: &(Ref, Option<Ref>),
    ) -> (Ref, Option<Ref>) {
        let yes = self.b.and(a.0, b.0);
        if a.1.is_none() && b.1.is_none() {
            return (yes, None);
        }
        let (no_a, no_b) = (self.is_false(a.0, a.1), self.is_false(b.0, b.1));
        let no = self.b.or(no_a, no_b);
        (yes, Some(self.b.xor(yes, no)))
    }

    /// OR, by de Morgan.
    fn either(&mut self, a: &(Ref, Option<Ref>), b: &(Ref, Option<Ref>)) -> (Ref, Option<Ref>) {
        let not_a = (self.is_false(a.0, a.1), a.1);
        let not_b = (self.is_false(b.0, b.1), b.1);
        let (no, present) = self.both(&not_a, &not_b);
        (self.is_false(no, present), present)
    }

    fn binary(&mut self, expr: &Expr, binary: &BinaryExpr) -> Result<Value, CompileError> {
        match binary.op {
            Operator::And | Operator::Or => {
                let a = self.truth(&binary.left)?;
                let b = self.truth(&binary.right)?;
                let and = binary.op == Operator::And;
                let (yes, present) = if and { self.both(&a, &b) } else { self.either(&a, &b) };
                Ok(Value::flag(yes, present))
            }
            op @ (Operator::Eq
            | Operator::NotEq
            | Operator::Lt
            | Operator::LtEq
            | Operator::Gt
            | Operator::GtEq) => {
                let a = self.lower(&binary.left)?;
                let b = self.lower(&binary.right)?;
                let (yes, present) = self.compare(op, &a, &b)?;
                Ok(Value::flag(yes, present))
            }
            Operator::Plus | Operator::Minus | Operator::Multiply => self.arithmetic(expr, binary),
            Operator::Divide | Operator::Modulo => Err(self.unsupported(
                format!("division (`{expr}`)"),
                "AVG divides at the buyer; for other quotients select both parts",
            )),
            _ => Err(self.unsupported(format!("operator {} (`{expr}`)", binary.op), "use + - *")),
        }
    }

    fn number(&self, expr: &Expr, value: &Value) -> Result<Number, CompileError> {
        match &value.data {
            Data::Number(n) => Ok(n.clone()),
            Data::Ratio(_) => Err(self.unsupported(
                format!("arithmetic on AVG (`{expr}`)"),
                "select AVG by itself: the buyer divides",
            )),
            _ => Err(self.unsupported(format!("`{expr}` as a number"), "use a numeric expression")),
        }
    }

    fn arithmetic(&mut self, expr: &Expr, binary: &BinaryExpr) -> Result<Value, CompileError> {
        let (left, right) = (self.lower(&binary.left)?, self.lower(&binary.right)?);
        let present = self.both_present(left.present, right.present);
        let (mut a, mut b) = (self.number(expr, &left)?, self.number(expr, &right)?);
        let (ty, limit) = self.limit(expr)?;
        let bounds = if binary.op == Operator::Multiply {
            a.bounds.mul(b.bounds)
        } else {
            (a, b) = self.aligned(&a, &b)?;
            let plus = binary.op == Operator::Plus;
            if plus { a.bounds.add(b.bounds) } else { a.bounds.sub(b.bounds) }
        };
        let bounds = checked(expr, &self.tables, bounds, limit)?;
        let multiply = binary.op == Operator::Multiply;
        let scale = if multiply { a.scale + b.scale } else { a.scale };
        if scale != scale_of(&ty) {
            return Err(
                self.unsupported(format!("`{expr}` with result type {ty}"), "CAST its parts")
            );
        }
        let at = self.combine(binary.op, (&a, &b), bounds);
        let kind = meaning(&ty).unwrap_or(Meaning::Integer);
        Ok(Value::number(Number::word(at, bounds, scale, kind), present))
    }

    /// The SQL type of an arithmetic expression, and the bounds it sets.
    fn limit(&self, expr: &Expr) -> Result<(DataType, Bounds), CompileError> {
        let ty = type_of(expr, self.tables.schema())?;
        let number = ty.is_integer() || ty.is_decimal();
        let limit = type_bounds(&ty).filter(|_| number).ok_or_else(|| {
            self.unsupported(
                format!("arithmetic of type {ty} (`{expr}`)"),
                "use integers or decimals",
            )
        })?;
        Ok((ty, limit))
    }

    /// Sum, difference or product, in the smallest ring that holds both and the result.
    pub(super) fn combine(
        &mut self,
        op: Operator,
        (a, b): (&Number, &Number),
        bounds: Bounds,
    ) -> Ref {
        let ring = wider(wider(self.ring_of(a), self.ring_of(b)), bounds.ring());
        let (of, (by, plus)) = match (op, &a.at, &b.at) {
            (Operator::Multiply, _, Place::Constant(c)) => (a, (*c, 0)),
            (Operator::Multiply, Place::Constant(c), _) => (b, (*c, 0)),
            (Operator::Plus, _, Place::Constant(c)) => (a, (1, *c)),
            (Operator::Plus, Place::Constant(c), _) => (b, (1, *c)),
            (Operator::Minus, _, Place::Constant(c)) => (a, (1, -*c)),
            (Operator::Minus, Place::Constant(c), _) => (b, (-1, *c)),
            _ => {
                let (x, y) = (self.word_in(a, ring), self.word_in(b, ring));
                let op = match op {
                    Operator::Plus => Op::Add(x, y),
                    Operator::Minus => Op::Sub(x, y),
                    _ => Op::Mul(x, y),
                };
                return self.b.one(op, ring, self.rows);
            }
        };
        let word = self.word_in(of, ring);
        self.b.affine(word, by, plus)
    }

    fn negative(&mut self, expr: &Expr, inner: &Expr) -> Result<Value, CompileError> {
        let value = self.lower(inner)?;
        let number = self.number(expr, &value)?;
        let (_, limit) = self.limit(expr)?;
        let bounds = checked(expr, &self.tables, number.bounds.neg(), limit)?;
        let word = self.word_in(&number, wider(self.ring_of(&number), bounds.ring()));
        let at = self.b.affine(word, -1, 0);
        Ok(Value::number(Number { at: Place::Word(at), bounds, ..number }, value.present))
    }

    /// The bit that both are there; none if both always are.
    pub(super) fn both_present(&mut self, a: Option<Ref>, b: Option<Ref>) -> Option<Ref> {
        match (a, b) {
            (Some(a), Some(b)) => Some(self.b.and(a, b)),
            (one, other) => one.or(other),
        }
    }

    pub(super) fn present_or_one(&mut self, present: Option<Ref>) -> Ref {
        present.unwrap_or_else(|| self.b.constant_bits(1, 1, self.rows))
    }

    /// CASE as selections from the last branch up.
    fn case(&mut self, expr: &Expr, case: &Case) -> Result<Value, CompileError> {
        let ty = type_of(expr, self.tables.schema())?;
        let null = Expr::Literal(ScalarValue::Null, None);
        let mut branches = Vec::new();
        for (when, then) in &case.when_then_expr {
            // A sum of the branches says nothing about the ring of what is compared.
            let ring = std::mem::replace(&mut self.ring, Kind::Z64);
            let yes = match &case.expr {
                Some(of) => {
                    let (of, when) = (self.lower(of)?, self.lower(when)?);
                    self.compare(Operator::Eq, &of, &when)?.0
                }
                None => self.truth(when)?.0,
            };
            self.ring = ring;
            branches.push((yes, self.lower(then)?));
        }
        let mut value = self.lower(case.else_expr.as_deref().unwrap_or(&null))?;
        for (yes, then) in branches.into_iter().rev() {
            value = self.choose(expr, &ty, yes, then, value)?;
        }
        Ok(value)
    }

    fn choose(
        &mut self,
        expr: &Expr,
        ty: &DataType,
        by: Ref,
        yes: Value,
        no: Value,
    ) -> Result<Value, CompileError> {
        let present = match (yes.present, no.present) {
            (None, None) => None,
            (a, b) => {
                let (a, b) = (self.present_or_one(a), self.present_or_one(b));
                Some(self.b.select(by, a, b))
            }
        };
        if is_text(ty) {
            return self.choose_text(expr, by, (yes, no), present);
        }
        if *ty == DataType::Boolean {
            return match (&yes.data, &no.data) {
                (Data::Flag(a), Data::Flag(b)) => {
                    Ok(Value::flag(self.b.select(by, *a, *b), present))
                }
                _ => Err(self.unsupported(describe(expr), "use one type in all branches")),
            };
        }
        // An untyped NULL is a flag without meaning: any number serves in its place.
        let zero = Number::constant(0, scale_of(ty), meaning(ty).unwrap_or(Meaning::Integer));
        let null = |v: &Value| matches!(v.data, Data::Flag(_));
        let a = if null(&yes) { zero.clone() } else { self.number(expr, &yes)? };
        let b = if null(&no) { zero } else { self.number(expr, &no)? };
        let (a, b) = self.aligned(&a, &b)?;
        let bounds = a.bounds.union(b.bounds);
        let ring = wider(self.ring_of(&a), self.ring_of(&b));
        let (x, y) = (self.word_in(&a, ring), self.word_in(&b, ring));
        let at = self.b.select(by, x, y);
        let number = Number::word(at, bounds, a.scale, meaning(ty).unwrap_or(a.meaning));
        Ok(Value::number(number, present))
    }

    fn cast(&mut self, expr: &Expr, value: Value, to: &DataType) -> Result<Value, CompileError> {
        let refused = || describe(expr);
        match (&value.data, to) {
            (Data::Text(_), to) if is_text(to) => Ok(value),
            (Data::Flag(_), DataType::Boolean) => Ok(value),
            // Kept exact: such casts come from comparisons with AVG, and nothing else takes their result.
            (Data::Ratio(_), to) if *to == DataType::Float64 || to.is_decimal() => Ok(value),
            (Data::Number(_), DataType::Float64) => Ok(value),
            (Data::Number(n), to) if to.is_integer() || to.is_decimal() => {
                let limit = type_bounds(to).unwrap_or(n.bounds);
                if scale_of(to) < n.scale
                    || n.meaning == Meaning::Date
                    || n.meaning == Meaning::Timestamp
                {
                    return Err(self.unsupported(refused(), "CAST columns of one provider only"));
                }
                let mut number = self.rescale(n, scale_of(to))?;
                number.bounds = checked(expr, &self.tables, number.bounds, limit)?;
                number.meaning = meaning(to).unwrap_or(number.meaning);
                Ok(Value::number(number, value.present))
            }
            (Data::Number(n), to) if meaning(to) == Some(n.meaning) => Ok(value),
            _ => Err(self.unsupported(refused(), "CAST columns of one provider only")),
        }
    }
}

/// A double as digits and scale, by its shortest decimal text.
fn exact(double: f64) -> Option<(i128, u8)> {
    let text = format!("{double}");
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let digits = format!("{whole}{fraction}").parse().ok()?;
    Some((digits, u8::try_from(fraction.len()).ok()?))
}

/// What an expression is, for a message.
pub(super) fn describe(expr: &Expr) -> String {
    let what = match expr {
        Expr::Like(_) | Expr::SimilarTo(_) => "LIKE over columns of several providers",
        Expr::ScalarFunction(f) => {
            return format!("function {} over columns of several providers (`{expr}`)", f.name());
        }
        Expr::TryCast(_) | Expr::Cast(_) => "this CAST over columns of several providers",
        Expr::Exists(_) | Expr::InSubquery(_) | Expr::ScalarSubquery(_) => {
            "a subquery in an expression"
        }
        Expr::AggregateFunction(_) => "an aggregate inside another expression",
        Expr::WindowFunction(_) => "a window function",
        Expr::Placeholder(_) => "a parameter",
        _ => "this expression",
    };
    format!("{what} (`{expr}`)")
}

fn hint(expr: &Expr) -> &'static str {
    match expr {
        Expr::Exists(_) | Expr::InSubquery(_) | Expr::ScalarSubquery(_) => "write it as a JOIN",
        Expr::Placeholder(_) => "write the value",
        _ => "functions may take columns of one provider only",
    }
}
