//! What is known of an expression's value before any row is seen: integer bounds from declared ranges, and public string
//! domains. Exact integers rest on it: what could leave its type is refused here.

use std::collections::BTreeSet;

use datafusion::{
    arrow::datatypes::DataType,
    common::{DFSchema, ScalarValue},
    logical_expr::{BinaryExpr, Case, Cast, Expr, ExprSchemable, Operator, expr::ScalarFunction},
};

use super::{error::CompileError, parse::plain, tables::Tables};

/// Inclusive bounds of an integer representation (a decimal times 10^scale, days, microseconds).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) min: i128,
    pub(super) max: i128,
}

impl Bounds {
    pub(super) fn new(min: i128, max: i128) -> Self {
        Self { min, max }
    }

    pub(super) fn of(value: i128) -> Self {
        Self::new(value, value)
    }

    pub(super) fn union(self, other: Self) -> Self {
        Self::new(self.min.min(other.min), self.max.max(other.max))
    }

    pub(super) fn intersect(self, other: Self) -> Self {
        let min = self.min.clamp(other.min, other.max);
        let max = self.max.clamp(other.min, other.max);
        Self::new(min, max)
    }

    pub(super) fn add(self, other: Self) -> Self {
        Self::new(self.min.saturating_add(other.min), self.max.saturating_add(other.max))
    }

    pub(super) fn neg(self) -> Self {
        Self::new(self.max.saturating_neg(), self.min.saturating_neg())
    }

    pub(super) fn sub(self, other: Self) -> Self {
        self.add(other.neg())
    }

    pub(super) fn mul(self, other: Self) -> Self {
        let corners = [
            self.min.saturating_mul(other.min),
            self.min.saturating_mul(other.max),
            self.max.saturating_mul(other.min),
            self.max.saturating_mul(other.max),
        ];
        let min = corners.iter().copied().min().unwrap_or(i128::MIN);
        let max = corners.iter().copied().max().unwrap_or(i128::MAX);
        Self::new(min, max)
    }

    /// Times 10^digits.
    pub(super) fn shift(self, digits: u32) -> Self {
        let factor = 10_i128.checked_pow(digits).unwrap_or(i128::MAX);
        self.mul(Self::of(factor))
    }

    pub(super) fn fits(self, other: Self) -> bool {
        self.min >= other.min && self.max <= other.max
    }

    /// Bits of the largest `value - min`.
    pub(super) fn width(self) -> u16 {
        let spread = self.max.saturating_sub(self.min).unsigned_abs();
        u16::try_from(128 - spread.leading_zeros()).unwrap_or(128).max(1)
    }

    /// Both ends as 64-bit integers, if they are.
    pub(super) fn words(self) -> Option<(i64, i64)> {
        Some((i64::try_from(self.min).ok()?, i64::try_from(self.max).ok()?))
    }
}

/// The bounds a type sets, as far as 64 bits can hold them; none for what is no integer underneath.
pub(super) fn type_bounds(ty: &DataType) -> Option<Bounds> {
    let (min, max) = match ty {
        DataType::Boolean => (0, 1),
        DataType::Int8 => (i8::MIN.into(), i8::MAX.into()),
        DataType::Int16 => (i16::MIN.into(), i16::MAX.into()),
        DataType::Int32 | DataType::Date32 => (i32::MIN.into(), i32::MAX.into()),
        DataType::UInt8 => (0, u8::MAX.into()),
        DataType::UInt16 => (0, u16::MAX.into()),
        DataType::UInt32 => (0, u32::MAX.into()),
        DataType::UInt64 => (0, i64::MAX),
        DataType::Int64 | DataType::Timestamp(..) => (i64::MIN, i64::MAX),
        DataType::Decimal32(p, _)
        | DataType::Decimal64(p, _)
        | DataType::Decimal128(p, _)
        | DataType::Decimal256(p, _) => {
            let limit = 10_i64.checked_pow((*p).into()).map_or(i64::MAX, |x| x - 1);
            (-limit, limit)
        }
        _ => return None,
    };
    Some(Bounds::new(min.into(), max.into()))
}

/// Digits behind the point of a type; 0 for all but decimals.
pub(super) fn scale_of(ty: &DataType) -> u8 {
    match ty {
        DataType::Decimal32(_, s)
        | DataType::Decimal64(_, s)
        | DataType::Decimal128(_, s)
        | DataType::Decimal256(_, s) => u8::try_from(*s).unwrap_or(0),
        _ => 0,
    }
}

/// The integer representation of a literal; `None` for NULL and for what is no integer underneath.
pub(super) fn literal(value: &ScalarValue) -> Option<i128> {
    match value {
        ScalarValue::Boolean(v) => v.map(i128::from),
        ScalarValue::Int8(v) => v.map(i128::from),
        ScalarValue::Int16(v) => v.map(i128::from),
        ScalarValue::Int32(v) | ScalarValue::Date32(v) => v.map(i128::from),
        ScalarValue::Int64(v) | ScalarValue::TimestampMicrosecond(v, None) => v.map(i128::from),
        ScalarValue::UInt8(v) => v.map(i128::from),
        ScalarValue::UInt16(v) => v.map(i128::from),
        ScalarValue::UInt32(v) => v.map(i128::from),
        ScalarValue::UInt64(v) => v.map(i128::from),
        ScalarValue::Decimal32(v, _, _) => v.map(i128::from),
        ScalarValue::Decimal64(v, _, _) => v.map(i128::from),
        ScalarValue::Decimal128(v, _, _) => *v,
        _ => None,
    }
}

/// The text of a string literal.
pub(super) fn text_literal(value: &ScalarValue) -> Option<&str> {
    match value {
        ScalarValue::Utf8(v) | ScalarValue::LargeUtf8(v) | ScalarValue::Utf8View(v) => v.as_deref(),
        _ => None,
    }
}

/// The type of an expression.
pub(super) fn type_of(expr: &Expr, schema: &DFSchema) -> Result<DataType, CompileError> {
    expr.get_type(schema).map_err(|e| CompileError::Meaning { message: plain(&e) })
}

/// Bounds of an expression over base columns; none for strings and floats.
///
/// # Errors
/// If arithmetic in it could leave its type or 64 bits.
pub(super) fn bounds(expr: &Expr, tables: &Tables<'_>) -> Result<Option<Bounds>, CompileError> {
    let ty = type_of(expr, tables.schema())?;
    let Some(limit) = type_bounds(&ty) else { return Ok(None) };
    let within = |b: Option<Bounds>| b.map_or(limit, |b| b.intersect(limit));
    let found = match expr {
        Expr::Column(column) => within(tables.bounds(column)),
        Expr::Literal(value, _) => Bounds::of(literal(value).unwrap_or(0)),
        Expr::Cast(Cast { expr: inner, .. }) => within(cast_bounds(inner, &ty, tables)?),
        Expr::Negative(inner) => {
            let inner = bounds(inner, tables)?.unwrap_or(limit);
            checked(expr, inner.neg(), limit)?
        }
        Expr::BinaryExpr(binary) => binary_bounds(expr, binary, &ty, limit, tables)?,
        Expr::Case(case) => within(case_bounds(case, &ty, tables)?),
        Expr::ScalarFunction(function) => within(function_bounds(function, &ty, tables)?),
        _ => limit,
    };
    Ok(Some(found))
}

/// The bounds, if they fit the limit; else the refusal.
pub(super) fn checked(
    expression: &Expr,
    found: Bounds,
    limit: Bounds,
) -> Result<Bounds, CompileError> {
    if found.fits(limit) {
        return Ok(found);
    }
    Err(CompileError::Overflow {
        expression: expression.to_string(),
        low: found.min.to_string(),
        high: found.max.to_string(),
        limit: format!("{} to {}", limit.min, limit.max),
        hint: "declare narrower ranges for its columns, or CAST them to BIGINT".into(),
    })
}

fn cast_bounds(
    inner: &Expr,
    to: &DataType,
    tables: &Tables<'_>,
) -> Result<Option<Bounds>, CompileError> {
    let from = type_of(inner, tables.schema())?;
    let Some(b) = bounds(inner, tables)? else { return Ok(None) };
    Ok(rescaled(b, &from, to))
}

/// Bounds after a cast between integers and decimals that keeps all digits; none for other casts.
fn rescaled(b: Bounds, from: &DataType, to: &DataType) -> Option<Bounds> {
    let plain = |t: &DataType| t.is_integer() || t.is_decimal() || *t == DataType::Boolean;
    if from == to {
        return Some(b);
    }
    if !plain(from) || !plain(to) || scale_of(to) < scale_of(from) {
        return None;
    }
    Some(b.shift(u32::from(scale_of(to) - scale_of(from))))
}

fn binary_bounds(
    expr: &Expr,
    binary: &BinaryExpr,
    ty: &DataType,
    limit: Bounds,
    tables: &Tables<'_>,
) -> Result<Bounds, CompileError> {
    let arithmetic = matches!(binary.op, Operator::Plus | Operator::Minus | Operator::Multiply);
    let number = ty.is_integer() || ty.is_decimal();
    let sides = (bounds(&binary.left, tables)?, bounds(&binary.right, tables)?);
    let (Some(a), Some(b), true, true) = (sides.0, sides.1, arithmetic, number) else {
        return Ok(limit);
    };
    let left = scale_of(&type_of(&binary.left, tables.schema())?);
    let right = scale_of(&type_of(&binary.right, tables.schema())?);
    if binary.op == Operator::Multiply {
        return checked(expr, a.mul(b), limit);
    }
    let common = left.max(right);
    let a = a.shift(u32::from(common - left));
    let b = b.shift(u32::from(common - right));
    let found = if binary.op == Operator::Plus { a.add(b) } else { a.sub(b) };
    checked(expr, found, limit)
}

fn case_bounds(
    case: &Case,
    ty: &DataType,
    tables: &Tables<'_>,
) -> Result<Option<Bounds>, CompileError> {
    let branches = case.when_then_expr.iter().map(|(_, then)| then).chain(&case.else_expr);
    union_bounds(branches.map(AsRef::as_ref), ty, tables)
}

fn union_bounds<'a>(
    branches: impl Iterator<Item = &'a Expr>,
    ty: &DataType,
    tables: &Tables<'_>,
) -> Result<Option<Bounds>, CompileError> {
    let mut all: Option<Bounds> = None;
    for branch in branches {
        if matches!(branch, Expr::Literal(v, _) if v.is_null()) {
            continue;
        }
        let Some(b) = bounds(branch, tables)? else { return Ok(None) };
        let Some(b) = rescaled(b, &type_of(branch, tables.schema())?, ty) else { return Ok(None) };
        all = Some(all.map_or(b, |a| a.union(b)));
    }
    Ok(all)
}

fn function_bounds(
    function: &ScalarFunction,
    ty: &DataType,
    tables: &Tables<'_>,
) -> Result<Option<Bounds>, CompileError> {
    match function.name() {
        "coalesce" => union_bounds(function.args.iter(), ty, tables),
        "date_part" => {
            let part = match function.args.first() {
                Some(Expr::Literal(value, _)) => text_literal(value).map(str::to_lowercase),
                _ => None,
            };
            let (min, max) = match part.as_deref() {
                Some("month") => (1, 12),
                Some("quarter") => (1, 4),
                Some("day") => (1, 31),
                Some("week") => (1, 53),
                Some("dow") => (0, 6),
                Some("doy") => (1, 366),
                Some("hour") => (0, 23),
                Some("minute") => (0, 59),
                _ => return Ok(None),
            };
            Ok(Some(Bounds::new(min, max)))
        }
        _ => Ok(None),
    }
}

/// The public list of values a string expression can have, ascending; none if there is no such list.
pub(super) fn domain(expr: &Expr, tables: &Tables<'_>) -> Option<Vec<String>> {
    let mut all = BTreeSet::new();
    collect_domain(expr, tables, &mut all).map(|()| all.into_iter().collect())
}

fn collect_domain(expr: &Expr, tables: &Tables<'_>, all: &mut BTreeSet<String>) -> Option<()> {
    match expr {
        Expr::Column(column) => all.extend(tables.domain(column)?.iter().cloned()),
        Expr::Literal(value, _) if value.is_null() => {}
        Expr::Literal(value, _) => {
            all.insert(text_literal(value)?.to_owned());
        }
        Expr::Cast(cast) if is_text(cast.field.data_type()) => {
            collect_domain(&cast.expr, tables, all)?;
        }
        Expr::Case(case) => {
            for then in case.when_then_expr.iter().map(|(_, t)| t).chain(&case.else_expr) {
                collect_domain(then, tables, all)?;
            }
        }
        Expr::ScalarFunction(f) if f.name() == "coalesce" => {
            for argument in &f.args {
                collect_domain(argument, tables, all)?;
            }
        }
        _ => return None,
    }
    Some(())
}

/// Whether a type holds text.
pub(super) fn is_text(ty: &DataType) -> bool {
    matches!(ty, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}
