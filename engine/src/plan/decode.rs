//! From opened integers to a table, at the buyer.

use std::{fmt, sync::Arc};

use datafusion::arrow::{
    array::{
        ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array,
        RecordBatch, RecordBatchOptions, StringArray, TimestampMicrosecondArray,
    },
    datatypes::{DataType, Field, Schema},
    error::ArrowError,
    util::display::{ArrayFormatter, FormatOptions},
};
use serde_json::{Map, Value};

use super::output::{Decode, Output, OutputColumn};

/// Precision of decoded decimals: the SQL types' own is not part of a plan.
const PRECISION: u8 = 38;

/// One opened column: an integer a row (Bits without a sign, words with theirs).
#[derive(Clone)]
pub struct OpenedColumn {
    /// The values.
    pub value: Vec<i128>,
    /// Which are there, where a value may be NULL.
    pub present: Option<Vec<bool>>,
    /// What to divide by, for AVG.
    pub divisor: Option<Vec<i128>>,
}

/// An opened result: what the buyer adds up from the shares.
#[derive(Clone)]
pub struct Opened {
    /// Which rows exist.
    pub live: Vec<bool>,
    /// In the order of [`Output::columns`].
    pub columns: Vec<OpenedColumn>,
}

impl fmt::Debug for OpenedColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OpenedColumn × {}", self.value.len())
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Opened {} columns × {} rows", self.columns.len(), self.live.len())
    }
}

/// Why an opened result is no table.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Columns are missing, or have different lengths.
    #[error("the opened result has another shape than the plan's output")]
    Shape,
    /// An integer that its column's meaning does not allow.
    #[error("column `{column}` holds an integer that is no {what}")]
    Value {
        /// The result column.
        column: String,
        /// What it should be.
        what: &'static str,
    },
    /// Arrow refuses the columns.
    #[error(transparent)]
    Arrow(#[from] ArrowError),
}

/// The result table. Integers are BIGINT and decimals have precision 38 whatever SQL calls them; the rest is as in DataFusion.
///
/// # Errors
/// If the opened columns do not fit the plan's output.
pub fn decode(output: &Output, opened: &Opened) -> Result<RecordBatch, DecodeError> {
    if output.columns.len() != opened.columns.len() {
        return Err(DecodeError::Shape);
    }
    let rows: Vec<usize> = (0..opened.live.len()).filter(|i| opened.live[*i]).collect();
    let mut fields = Vec::new();
    let mut arrays = Vec::new();
    for (column, values) in output.columns.iter().zip(&opened.columns) {
        let lengths = [
            Some(values.value.len()),
            values.present.as_ref().map(Vec::len),
            values.divisor.as_ref().map(Vec::len),
        ];
        let asked = (column.present.is_some(), column.divisor.is_some());
        let found = (values.present.is_some(), values.divisor.is_some());
        if asked != found || lengths.iter().flatten().any(|n| *n != opened.live.len()) {
            return Err(DecodeError::Shape);
        }
        let array = array(column, values, &rows)?;
        fields.push(Field::new(&column.name, array.data_type().clone(), true));
        arrays.push(array);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    Ok(RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)?)
}

fn array(
    column: &OutputColumn,
    values: &OpenedColumn,
    rows: &[usize],
) -> Result<ArrayRef, DecodeError> {
    let bad = |what| DecodeError::Value { column: column.name.clone(), what };
    let here = |i: usize| values.present.as_ref().is_none_or(|p| p[i]);
    let integers = |offset: i128| {
        // Bits of a range of 2^127 or more stand for themselves modulo 2^128.
        let value = move |i: &usize| here(*i).then(|| values.value[*i].wrapping_add(offset));
        rows.iter().map(value)
    };
    let narrow = |offset: i128, what| -> Result<Vec<Option<i64>>, DecodeError> {
        let value = |v: Option<i128>| v.map(i64::try_from).transpose().map_err(|_| bad(what));
        integers(offset).map(value).collect()
    };
    let quotients = rows.iter().map(|i| {
        let divisor = values.divisor.as_ref().map_or(0, |d| d[*i]);
        (here(*i) && divisor != 0).then(|| (values.value[*i], divisor))
    });
    Ok(match &column.decode {
        Decode::Integer { offset } => {
            Arc::new(Int64Array::from(narrow(*offset, "integer of 64 bits")?))
        }
        Decode::Decimal { offset, scale } => decimals(integers(*offset).collect(), *scale)?,
        Decode::Quotient { scale } => {
            let unit = 10_f64.powi((*scale).into());
            #[expect(clippy::cast_precision_loss, reason = "DataFusion's AVG is a double too")]
            let divide = |(sum, count): (i128, i128)| sum as f64 / unit / count as f64;
            Arc::new(quotients.map(|q| q.map(divide)).collect::<Float64Array>())
        }
        Decode::DecimalQuotient { from, scale } => {
            let digits = u32::from(scale.saturating_sub(*from));
            let factor = 10_i128.checked_pow(digits).ok_or_else(|| bad("quotient"))?;
            // DataFusion cuts the digits that do not fit. Whole part and rest apart, so that no digit more than the
            // quotient's own is needed.
            let divide = |(sum, count): (i128, i128)| {
                let whole = (sum / count).checked_mul(factor)?;
                whole.checked_add((sum % count).checked_mul(factor)? / count)
            };
            let cut =
                quotients.map(|q| q.map(|q| divide(q).ok_or_else(|| bad("quotient"))).transpose());
            decimals(cut.collect::<Result<_, _>>()?, *scale)?
        }
        Decode::Bool => {
            let bits = rows.iter().map(|i| here(*i).then(|| values.value[*i] & 1 == 1));
            Arc::new(bits.collect::<BooleanArray>())
        }
        Decode::Date { offset } => {
            let day = |v: Option<i128>| v.map(i32::try_from).transpose().map_err(|_| bad("date"));
            let days = integers(*offset).map(day).collect::<Result<Vec<_>, _>>()?;
            Arc::new(Date32Array::from(days))
        }
        Decode::Timestamp { offset } => {
            Arc::new(TimestampMicrosecondArray::from(narrow(*offset, "timestamp")?))
        }
        Decode::Code { domain } => {
            let text = |v: Option<i128>| match v {
                None => Ok(None),
                Some(v) => {
                    let text = usize::try_from(v).ok().and_then(|v| domain.get(v));
                    text.map(Some).ok_or_else(|| bad("code of its public list"))
                }
            };
            Arc::new(integers(0).map(text).collect::<Result<StringArray, _>>()?)
        }
    })
}

fn decimals(values: Vec<Option<i128>>, scale: u8) -> Result<ArrayRef, DecodeError> {
    let array = Decimal128Array::from(values);
    Ok(Arc::new(array.with_precision_and_scale(PRECISION, scale.cast_signed())?))
}

/// The rows as JSON objects: 64-bit integers, decimals, dates and times as strings, doubles as numbers.
///
/// # Errors
/// If Arrow cannot print a value.
pub fn json_rows(table: &RecordBatch) -> Result<Vec<Map<String, Value>>, ArrowError> {
    let options = FormatOptions::default();
    let schema = table.schema();
    let mut rows = vec![Map::new(); table.num_rows()];
    for (column, field) in table.columns().iter().zip(schema.fields()) {
        let text = ArrayFormatter::try_new(column.as_ref(), &options)?;
        for (i, row) in rows.iter_mut().enumerate() {
            let value = if column.is_null(i) {
                Value::Null
            } else {
                let text = text.value(i).try_to_string()?;
                match field.data_type() {
                    DataType::Boolean => Value::Bool(text == "true"),
                    DataType::Float64 => {
                        let number = text.parse().ok().and_then(serde_json::Number::from_f64);
                        number.map_or(Value::String(text), Value::Number)
                    }
                    _ => Value::String(text),
                }
            };
            row.insert(field.name().clone(), value);
        }
    }
    Ok(rows)
}
