//! What is known of an expression's value before any row is seen: integer bounds from declared ranges, and public string
//! domains. Exact integers rest on it: what could leave its type is refused here.

use std::collections::BTreeSet;

use datafusion::{
    arrow::datatypes::DataType,
    common::{
        DFSchema, ScalarValue,
        tree_node::{TreeNode, TreeNodeRecursion},
    },
    logical_expr::{
        BinaryExpr, Cast, Expr, ExprSchemable, Operator, binary::BinaryTypeCoercer,
        expr::ScalarFunction,
    },
};

use super::{error::CompileError, parse::plain, tables::Tables};
use crate::plan::Kind;

/// Inclusive bounds of an integer representation (a decimal times 10^scale, days, microseconds).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) min: i128,
    pub(super) max: i128,
}

impl Bounds {
    /// What a decimal of the most digits holds.
    pub(super) const DECIMAL: Self = Self { min: 1 - 10_i128.pow(38), max: 10_i128.pow(38) - 1 };

    /// What a word of 128 bits holds; bounds that were cut off at the ends of `i128` are not within.
    pub(super) const WIDE: Self = Self { min: 2 - i128::MAX, max: i128::MAX - 1 };

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

    /// Both ends, for messages; what was cut off at the ends of `i128` is said to be.
    pub(super) fn ends(self) -> (String, String) {
        let cut = |end: i128, name: &str| {
            if Self::of(end).fits(Self::WIDE) { end.to_string() } else { name.to_owned() }
        };
        (cut(self.min, "-2^127 or less"), cut(self.max, "2^127 or more"))
    }

    /// Bits of the largest `value - min`.
    pub(super) fn width(self) -> u16 {
        bits(self.max.abs_diff(self.min))
    }

    /// Bits of the largest distance between a value of these and one of the other bounds.
    pub(super) fn distance(self, other: Self) -> u16 {
        bits(self.max.abs_diff(other.min).max(other.max.abs_diff(self.min)))
    }

    /// The smaller ring that holds all values.
    pub(super) fn ring(self) -> Kind {
        let word = Self::new(i64::MIN.into(), i64::MAX.into());
        if self.fits(word) { Kind::Z64 } else { Kind::Z128 }
    }
}

fn bits(spread: u128) -> u16 {
    u16::try_from(128 - spread.leading_zeros()).unwrap_or(128).max(1)
}

/// The larger of two rings.
pub(super) fn wider(a: Kind, b: Kind) -> Kind {
    if a == Kind::Z128 { a } else { b }
}

/// The bounds a type sets; none for what is no integer underneath, and for decimals of more than 38 digits.
pub(super) fn type_bounds(ty: &DataType) -> Option<Bounds> {
    let (min, max) = match ty {
        DataType::Boolean => (0, 1),
        DataType::Int8 => (i8::MIN.into(), i8::MAX.into()),
        DataType::Int16 => (i16::MIN.into(), i16::MAX.into()),
        DataType::Int32 | DataType::Date32 => (i32::MIN.into(), i32::MAX.into()),
        DataType::UInt8 => (0, u8::MAX.into()),
        DataType::UInt16 => (0, u16::MAX.into()),
        DataType::UInt32 => (0, u32::MAX.into()),
        DataType::UInt64 => (0, u64::MAX.into()),
        DataType::Int64 | DataType::Timestamp(..) => (i64::MIN.into(), i64::MAX.into()),
        DataType::Decimal32(p, _)
        | DataType::Decimal64(p, _)
        | DataType::Decimal128(p, _)
        | DataType::Decimal256(p, _) => {
            let limit = 10_i128.checked_pow((*p).into())? - 1;
            (-limit, limit)
        }
        _ => return None,
    };
    Some(Bounds::new(min, max))
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
    known(expr, tables).map(|(_, bounds)| bounds)
}

/// Type and bounds in one walk: asking for the type at every step would make it quadratic.
fn known(expr: &Expr, tables: &Tables<'_>) -> Result<(DataType, Option<Bounds>), CompileError> {
    if let Expr::BinaryExpr(binary) = expr {
        return binary_known(expr, binary, tables);
    }
    if let Expr::Negative(inner) = expr {
        let (ty, inner) = known(inner, tables)?;
        let limit = type_bounds(&ty);
        let both = limit.zip(inner);
        let found = both.map(|(limit, b)| checked(expr, tables, b.neg(), limit)).transpose()?;
        return Ok((ty, found.or(limit)));
    }
    let ty = match expr {
        Expr::Cast(cast) => cast.field.data_type().clone(),
        other => type_of(other, tables.schema())?,
    };
    let Some(limit) = type_bounds(&ty) else { return Ok((ty, None)) };
    let found = match expr {
        Expr::Column(column) => tables.bounds(column),
        Expr::Literal(value, _) => Some(Bounds::of(literal(value).unwrap_or(0))),
        Expr::Cast(Cast { expr: inner, .. }) => {
            let (from, inner) = known(inner, tables)?;
            inner.and_then(|b| rescaled(b, &from, &ty))
        }
        Expr::Case(case) => {
            let branches = case.when_then_expr.iter().map(|(_, then)| then);
            let branches = branches.chain(&case.else_expr).map(AsRef::as_ref);
            union_bounds(branches, &ty, tables)?
        }
        Expr::ScalarFunction(function) => function_bounds(function, &ty, tables)?,
        _ => None,
    };
    Ok((ty, Some(found.map_or(limit, |b| b.intersect(limit)))))
}

/// Refuses arithmetic anywhere in an owner's expression that could leave its type: DataFusion would wrap it.
pub(super) fn check_arithmetic(expr: &Expr, tables: &Tables<'_>) -> Result<(), CompileError> {
    if is_arithmetic(expr) {
        bounds(expr, tables)?;
    }
    below_arithmetic(expr, &mut |child| check_arithmetic(child, tables))
}

fn is_arithmetic(expr: &Expr) -> bool {
    match expr {
        Expr::BinaryExpr(binary) => is_sum_or_product(binary.op),
        Expr::Negative(_) => true,
        _ => false,
    }
}

fn is_sum_or_product(op: Operator) -> bool {
    matches!(op, Operator::Plus | Operator::Minus | Operator::Multiply)
}

/// Visits the nearest expressions below that are not part of this one's arithmetic.
fn below_arithmetic(
    expr: &Expr,
    visit: &mut dyn FnMut(&Expr) -> Result<(), CompileError>,
) -> Result<(), CompileError> {
    let arithmetic = is_arithmetic(expr);
    let mut found = Ok(());
    let visited = expr.apply_children(|child| {
        if found.is_ok() {
            found = if arithmetic && is_arithmetic(child) {
                below_arithmetic(child, visit)
            } else {
                visit(child)
            };
        }
        Ok(TreeNodeRecursion::Continue)
    });
    debug_assert!(visited.is_ok(), "the visitor returns no error");
    found
}

/// The bounds, if they fit the limit; else the refusal.
pub(super) fn checked(
    expression: &Expr,
    tables: &Tables<'_>,
    found: Bounds,
    limit: Bounds,
) -> Result<Bounds, CompileError> {
    if found.fits(limit) {
        return Ok(found);
    }
    let (low, high) = found.ends();
    Err(CompileError::Overflow {
        expression: tables.shown(expression),
        low,
        high,
        limit: format!("{} to {}", limit.min, limit.max),
        hint: "declare narrower ranges for its columns, or CAST them to BIGINT or DECIMAL(38, 0)"
            .into(),
    })
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

fn binary_known(
    expr: &Expr,
    binary: &BinaryExpr,
    tables: &Tables<'_>,
) -> Result<(DataType, Option<Bounds>), CompileError> {
    if !is_sum_or_product(binary.op) {
        let ty = type_of(expr, tables.schema())?;
        let limit = type_bounds(&ty);
        return Ok((ty, limit));
    }
    let ((left, a), (right, b)) = (known(&binary.left, tables)?, known(&binary.right, tables)?);
    let ty = BinaryTypeCoercer::new(&left, &binary.op, &right).get_result_type();
    let ty = ty.map_err(|e| CompileError::Meaning { message: plain(&e) })?;
    let limit = type_bounds(&ty);
    let number = ty.is_integer() || ty.is_decimal();
    let (Some(a), Some(b), Some(within), true) = (a, b, limit, number) else {
        return Ok((ty, limit));
    };
    let (left, right) = (scale_of(&left), scale_of(&right));
    let common = left.max(right);
    let (x, y) = (a.shift(u32::from(common - left)), b.shift(u32::from(common - right)));
    let found = match binary.op {
        Operator::Multiply => a.mul(b),
        Operator::Plus => x.add(y),
        _ => x.sub(y),
    };
    Ok((ty, Some(checked(expr, tables, found, within)?)))
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
        let (from, found) = known(branch, tables)?;
        let Some(b) = found.and_then(|b| rescaled(b, &from, ty)) else { return Ok(None) };
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
