//! What an owner evaluates on its own rows can fail on none of them.
//!
//! A job that ends because of a row tells whoever asked that there is such a row, however small its group: `10 / (age - 40)`
//! fails if somebody is 40. So whatever goes to an owner must have a value for every row that its columns' types and declared
//! ranges allow, of a length that the cells bound; what may not is refused when the job is planned.

use datafusion::{
    arrow::datatypes::{DataType, TimeUnit},
    common::{
        ScalarValue,
        tree_node::{TreeNode, TreeNodeRecursion},
    },
    logical_expr::{BinaryExpr, Cast, Expr, Operator, expr::ScalarFunction},
};

use super::{
    bounds::{Bounds, bounds, is_text, literal, scale_of, type_bounds, type_of},
    error::CompileError,
    tables::Tables,
};

/// Functions with a value for all arguments.
const TOTAL: &[&str] = &[
    "ascii",
    "bit_length",
    "btrim",
    "char_length",
    "character_length",
    "coalesce",
    "concat",
    "concat_ws",
    "contains",
    "date_part",
    "date_trunc",
    "ends_with",
    "greatest",
    "initcap",
    "least",
    "length",
    "lower",
    "ltrim",
    "nullif",
    "nvl",
    "octet_length",
    "position",
    "reverse",
    "rtrim",
    "starts_with",
    "strpos",
    "trim",
    "upper",
];
/// Functions with a value for all first arguments where the others are literals.
const TOTAL_IN_THE_FIRST: &[&str] = &["left", "regexp_like", "right", "substr", "substring"];
/// Functions that have a value for every floating-point number.
const TOTAL_ON_FLOATS: &[&str] =
    &["abs", "ceil", "exp", "floor", "ln", "log10", "log2", "round", "signum", "sqrt", "trunc"];

/// The days of the years 1 to 9999, counted from 1970: what calendars can take with room on both sides.
const DAYS: (i128, i128) = (-719_162, 2_932_896);
/// The days that 64 bits of nanoseconds can take, likewise.
const DAYS_IN_NANOSECONDS: (i128, i128) = (-106_000, 106_000);
const MICROSECONDS_A_DAY: i128 = 86_400_000_000;

const HINT: &str = "on some row it could fail, and that would tell of the row";

/// Refuses an owner's expression that could fail on a row.
///
/// # Errors
/// [`CompileError::Unsupported`] naming the first part that could.
pub(super) fn check_total(expr: &Expr, tables: &Tables<'_>) -> Result<(), CompileError> {
    let mut found = Ok(());
    let visited = expr.apply(|node| {
        found = check(node, tables);
        Ok(if found.is_ok() { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
    });
    debug_assert!(visited.is_ok(), "the visitor returns no error");
    found
}

fn check(expr: &Expr, tables: &Tables<'_>) -> Result<(), CompileError> {
    // What reads no column is the same on every row.
    if expr.column_refs().is_empty() {
        return Ok(());
    }
    let (total, instead) = match expr {
        Expr::Column(_)
        | Expr::Literal(..)
        | Expr::Alias(_)
        | Expr::Not(_)
        | Expr::IsNull(_)
        | Expr::IsNotNull(_)
        | Expr::IsTrue(_)
        | Expr::IsFalse(_)
        | Expr::IsUnknown(_)
        | Expr::IsNotTrue(_)
        | Expr::IsNotFalse(_)
        | Expr::IsNotUnknown(_)
        | Expr::Negative(_)
        | Expr::Between(_)
        | Expr::InList(_)
        | Expr::Case(_)
        | Expr::TryCast(_) => (true, ""),
        Expr::Like(like) => (is_literal(&like.pattern), "; LIKE takes a literal pattern"),
        Expr::BinaryExpr(binary) => match binary.op {
            Operator::Divide | Operator::Modulo => (
                divides(binary, tables)?,
                "; declare a range without 0 for the divisor, or write NULLIF(divisor, 0)",
            ),
            Operator::Plus | Operator::Minus | Operator::Multiply => {
                (adds(binary, tables)?, "; declare ranges for the dates in it")
            }
            Operator::RegexMatch
            | Operator::RegexIMatch
            | Operator::RegexNotMatch
            | Operator::RegexNotIMatch => (is_literal(&binary.right), "; write the pattern"),
            op => (is_total(op), ""),
        },
        Expr::Cast(cast) => {
            (converts(cast, tables)?, "; use TRY_CAST, or declare ranges that fit the type")
        }
        Expr::ScalarFunction(function) => (function_is_total(function, tables)?, ""),
        _ => (false, ""),
    };
    if total {
        return Ok(());
    }
    let construct = format!("`{expr}`");
    Err(CompileError::unsupported(construct, "a provider's own part", format!("{HINT}{instead}")))
}

fn is_total(op: Operator) -> bool {
    use Operator as O;
    matches!(
        op,
        O::Eq
            | O::NotEq
            | O::Lt
            | O::LtEq
            | O::Gt
            | O::GtEq
            | O::And
            | O::Or
            | O::IsDistinctFrom
            | O::IsNotDistinctFrom
            | O::StringConcat
            | O::BitwiseAnd
            | O::BitwiseOr
            | O::BitwiseXor
    )
}

fn is_literal(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(..) => true,
        Expr::Cast(cast) => is_literal(&cast.expr),
        Expr::Negative(inner) => is_literal(inner),
        _ => false,
    }
}

fn is_number(ty: &DataType) -> bool {
    ty.is_integer() || ty.is_decimal() || *ty == DataType::Boolean
}

/// Sums and products of numbers are checked where they are; a calendar has ends, too.
fn adds(binary: &BinaryExpr, tables: &Tables<'_>) -> Result<bool, CompileError> {
    for side in [&binary.left, &binary.right] {
        let ty = type_of(side, tables.schema())?;
        let fine = match &ty {
            DataType::Null => true,
            DataType::Interval(_) => {
                matches!(side.as_ref(), Expr::Literal(value, _) if short(value))
            }
            DataType::Date32 | DataType::Timestamp(..) => in_calendar(side, &ty, DAYS, tables)?,
            other => is_number(other) || other.is_floating(),
        };
        if !fine {
            return Ok(false);
        }
    }
    Ok(true)
}

/// An interval of at most some ten thousand years.
fn short(value: &ScalarValue) -> bool {
    const YEARS: u32 = 10_000;
    const DAYS: u32 = 3_652_500;
    match value {
        ScalarValue::IntervalYearMonth(months) => {
            months.is_none_or(|months| months.unsigned_abs() <= 12 * YEARS)
        }
        ScalarValue::IntervalDayTime(v) => v.is_none_or(|v| v.days.unsigned_abs() <= DAYS),
        ScalarValue::IntervalMonthDayNano(v) => {
            v.is_none_or(|v| v.months.unsigned_abs() <= 12 * YEARS && v.days.unsigned_abs() <= DAYS)
        }
        _ => false,
    }
}

fn in_calendar(
    expr: &Expr,
    ty: &DataType,
    (first, last): (i128, i128),
    tables: &Tables<'_>,
) -> Result<bool, CompileError> {
    let unit = if matches!(ty, DataType::Date32) { 1 } else { MICROSECONDS_A_DAY };
    let days = Bounds::new(first * unit, last * unit);
    Ok(bounds(expr, tables)?.is_some_and(|b| b.fits(days)))
}

/// Whether the divisor is never 0 and no quotient leaves its type.
fn divides(binary: &BinaryExpr, tables: &Tables<'_>) -> Result<bool, CompileError> {
    let (left, right) =
        (type_of(&binary.left, tables.schema())?, type_of(&binary.right, tables.schema())?);
    if left.is_floating() || right.is_floating() {
        return Ok(true);
    }
    let (divisor, null) = without_zero(&binary.right);
    let (dividend, divisor) = (bounds(&binary.left, tables)?, bounds(divisor, tables)?);
    let (Some(a), Some(b), Some(limit)) = (dividend, divisor, type_bounds(&left)) else {
        return Ok(false);
    };
    let zero = b.min <= 0 && b.max >= 0 && !null;
    // The one quotient of integers that is too large: the least by −1.
    let turned = b.min < 0 && a.min <= limit.min;
    let (digits, room) = (4 + u32::from(scale_of(&right)), 10_i128.pow(37));
    let fits = a.shift(digits).fits(Bounds::new(-room, room));
    Ok(!zero && !turned && (left.is_integer() && right.is_integer() || fits))
}

/// The expression below `NULLIF(…, 0)`, whose zeros are NULL.
fn without_zero(expr: &Expr) -> (&Expr, bool) {
    match expr {
        Expr::ScalarFunction(f) if f.name() == "nullif" && f.args.len() == 2 => {
            let zero = matches!(&f.args[1], Expr::Literal(v, _) if literal(v) == Some(0));
            (if zero { &f.args[0] } else { expr }, zero)
        }
        other => (other, false),
    }
}

/// Whether every value has a counterpart in the other type.
fn converts(cast: &Cast, tables: &Tables<'_>) -> Result<bool, CompileError> {
    let (from, to) = (type_of(&cast.expr, tables.schema())?, cast.field.data_type());
    if from == *to || is_literal(&cast.expr) || is_text(to) || from == DataType::Null {
        return Ok(true);
    }
    if is_number(&from) && is_number(to) {
        let Some(b) = bounds(&cast.expr, tables)? else { return Ok(false) };
        // A type without bounds here is wider than 128 bits; what was cut off at their ends is not taken.
        let limit = type_bounds(to);
        let limit = limit.unwrap_or_else(|| Bounds::new(-i128::MAX + 1, i128::MAX - 1));
        let (from, to) = (u32::from(scale_of(&from)), u32::from(scale_of(to)));
        let cut = 10_i128.pow(from.saturating_sub(to));
        let scaled = Bounds::new(b.min / cut - 1, b.max / cut + 1);
        let scaled = if cut == 1 { b.shift(to - from) } else { scaled };
        return Ok(*cast.field.data_type() == DataType::Boolean || scaled.fits(limit));
    }
    Ok(match (&from, to) {
        (from, to) if is_number(from) && to.is_floating() => true,
        (from, to) if from.is_floating() && to.is_floating() => true,
        (DataType::Timestamp(..), DataType::Date32)
        | (DataType::Date32, DataType::Int32 | DataType::Int64)
        | (DataType::Timestamp(..), DataType::Int64) => true,
        (DataType::Date32 | DataType::Timestamp(..), DataType::Timestamp(unit, _)) => {
            let days = if *unit == TimeUnit::Nanosecond { DAYS_IN_NANOSECONDS } else { DAYS };
            in_calendar(&cast.expr, &from, days, tables)?
        }
        _ => false,
    })
}

fn function_is_total(function: &ScalarFunction, tables: &Tables<'_>) -> Result<bool, CompileError> {
    let name = function.name();
    if TOTAL_ON_FLOATS.contains(&name) {
        for argument in &function.args {
            let ty = type_of(argument, tables.schema())?;
            if !(ty.is_floating() || is_literal(argument)) {
                return Ok(false);
            }
        }
        return Ok(true);
    }
    let mut rest = function.args.iter().skip(1);
    Ok(TOTAL.contains(&name) || TOTAL_IN_THE_FIRST.contains(&name) && rest.all(is_literal))
}
