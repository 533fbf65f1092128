//! From opened words to a table: what the plan says every column means.

use std::sync::Arc;

use datafusion::arrow::{
    array::{
        Array, ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array,
        RecordBatch, RecordBatchOptions, StringArray, TimestampMicrosecondArray,
    },
    datatypes::{DECIMAL128_MAX_PRECISION, Field, Schema},
};

use crate::plan::{Decode, Kind, Output, OutputColumn, Shape};

/// Opened words that do not make the table that the plan describes. Never says what they hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(super) enum AnswerError {
    /// Another number of columns was opened than the plan seals.
    #[error("the result has {got} opened columns, {want} are due")]
    Columns {
        /// How many came.
        got: usize,
        /// How many are due.
        want: usize,
    },
    /// A value cannot be what its column holds.
    #[error(
        "result column `{0}` holds a value outside its range: the computation went wrong, do not use this result"
    )]
    Value(String),
    /// Arrow refuses.
    #[error("the result cannot be made into a table: {0}")]
    Table(String),
}

/// One opened column: words as the seal room hands them out, and their shape.
#[derive(Clone, Copy, Debug)]
pub(super) struct Opened<'a> {
    pub(super) shape: Shape,
    pub(super) words: &'a [u64],
}

/// The table of an opened result. Columns come in the order in which they are sealed: `live`, and then of every output
/// column its value, its `present` bit and its divisor, as far as it has them.
///
/// # Errors
/// [`AnswerError`] if the words do not fit the plan.
pub(super) fn answer(output: &Output, opened: &[Opened<'_>]) -> Result<RecordBatch, AnswerError> {
    let parts = |column: &OutputColumn| {
        1 + usize::from(column.present.is_some()) + usize::from(column.divisor.is_some())
    };
    let want = 1 + output.columns.iter().map(parts).sum::<usize>();
    if opened.len() != want {
        return Err(AnswerError::Columns { got: opened.len(), want });
    }
    let mut rest = opened.iter().copied();
    let mut next = || rest.next().ok_or(AnswerError::Columns { got: 0, want });
    let live = next()?;
    let rows: Vec<usize> = (0..live.rows()).filter(|row| live.at(*row) == 1).collect();
    let (mut fields, mut arrays) = (Vec::new(), Vec::new());
    for column in &output.columns {
        let value = next()?;
        let present = column.present.map(|_| next()).transpose()?;
        let divisor = column.divisor.map(|_| next()).transpose()?;
        let cells = Cells { column, value, present, divisor, rows: &rows };
        let array = cells.array()?;
        fields.push(Field::new(&column.name, array.data_type().clone(), true));
        arrays.push(array);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)
        .map_err(|error| AnswerError::Table(error.to_string()))
}

impl Opened<'_> {
    fn rows(&self) -> usize {
        usize::try_from(self.shape.rows).unwrap_or(usize::MAX)
    }

    /// The word of a row; for bits, the row's bits from every plane.
    fn at(&self, row: usize) -> u64 {
        match self.shape.kind {
            Kind::Z64 => self.words[row],
            Kind::Bits(_) => {
                let planes = self.words.chunks_exact(self.rows().div_ceil(64)).take(64).enumerate();
                planes.map(|(bit, plane)| ((plane[row / 64] >> (row % 64)) & 1) << bit).sum()
            }
        }
    }
}

/// One output column of the rows that exist.
struct Cells<'a> {
    column: &'a OutputColumn,
    value: Opened<'a>,
    present: Option<Opened<'a>>,
    divisor: Option<Opened<'a>>,
    rows: &'a [usize],
}

impl Cells<'_> {
    fn array(&self) -> Result<ArrayRef, AnswerError> {
        Ok(match &self.column.decode {
            Decode::Integer { offset } => {
                Arc::new(self.each(|v| v.checked_add(*offset))?.collect::<Int64Array>())
            }
            Decode::Decimal { offset, scale } => {
                decimal(self.each(|v| Some(i128::from(v) + i128::from(*offset)))?, *scale)?
            }
            Decode::Quotient { scale } => Arc::new(self.quotients(*scale)),
            Decode::DecimalQuotient { from, scale } => self.decimal_quotients(*from, *scale)?,
            Decode::Bool => Arc::new(self.each(|v| Some(v != 0))?.collect::<BooleanArray>()),
            Decode::Date { offset } => {
                let day = |v: i64| v.checked_add(*offset).and_then(|day| i32::try_from(day).ok());
                Arc::new(self.each(day)?.collect::<Date32Array>())
            }
            Decode::Timestamp { offset } => {
                let micros = self.each(|v| v.checked_add(*offset))?;
                Arc::new(micros.collect::<TimestampMicrosecondArray>())
            }
            Decode::Code { domain } => {
                let name = |v: i64| usize::try_from(v).ok().and_then(|code| domain.get(code));
                Arc::new(self.each(name)?.collect::<StringArray>())
            }
        })
    }

    /// Every row's value through `decode`; NULL where it is not present.
    fn each<T>(
        &self,
        decode: impl Fn(i64) -> Option<T>,
    ) -> Result<impl Iterator<Item = Option<T>>, AnswerError> {
        let cell = |row: &usize| {
            if !self.is_present(*row) {
                return Ok(None);
            }
            let value = decode(self.value.at(*row).cast_signed());
            value.map(Some).ok_or_else(|| AnswerError::Value(self.column.name.clone()))
        };
        Ok(self.rows.iter().map(cell).collect::<Result<Vec<_>, _>>()?.into_iter())
    }

    fn is_present(&self, row: usize) -> bool {
        self.present.is_none_or(|present| present.at(row) == 1)
    }

    /// Dividend and divisor of every row; NULL where nothing was counted.
    fn fractions(&self) -> impl Iterator<Item = Option<(i64, i64)>> {
        self.rows.iter().map(|row| {
            let divisor = self.divisor.map_or(0, |d| d.at(*row).cast_signed());
            let counted = divisor != 0 && self.is_present(*row);
            counted.then(|| (self.value.at(*row).cast_signed(), divisor))
        })
    }

    #[expect(clippy::cast_precision_loss, reason = "AVG is a double, as DataFusion computes it")]
    fn quotients(&self, scale: u8) -> Float64Array {
        let unit = 10_f64.powi(scale.into());
        self.fractions().map(|f| f.map(|(sum, count)| sum as f64 / unit / count as f64)).collect()
    }

    /// Cut off, not rounded, as DataFusion does.
    fn decimal_quotients(&self, from: u8, scale: u8) -> Result<ArrayRef, AnswerError> {
        let wrong = || AnswerError::Value(self.column.name.clone());
        let factor = 10_i128.checked_pow(scale.saturating_sub(from).into()).ok_or_else(wrong)?;
        let quotient = |(sum, count): (i64, i64)| {
            let scaled = i128::from(sum).checked_mul(factor).ok_or_else(wrong)?;
            Ok(scaled / i128::from(count))
        };
        let values: Result<Vec<_>, _> =
            self.fractions().map(|f| f.map(quotient).transpose()).collect();
        decimal(values?.into_iter(), scale)
    }
}

fn decimal(values: impl Iterator<Item = Option<i128>>, scale: u8) -> Result<ArrayRef, AnswerError> {
    let array: Decimal128Array = values.collect();
    array
        .with_precision_and_scale(DECIMAL128_MAX_PRECISION, scale.cast_signed())
        .map(|array| Arc::new(array) as ArrayRef)
        .map_err(|error| AnswerError::Table(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Ref;

    fn z64(words: &[u64]) -> Opened<'_> {
        Opened { shape: Shape { kind: Kind::Z64, rows: words.len() as u64 }, words }
    }

    fn bits(rows: u64, width: u16, words: &[u64]) -> Opened<'_> {
        Opened { shape: Shape { kind: Kind::Bits(width), rows }, words }
    }

    fn column(name: &str, decode: Decode, present: bool, divisor: bool) -> OutputColumn {
        let some = |yes: bool| yes.then_some(Ref(0, 0));
        OutputColumn {
            name: name.to_owned(),
            value: Ref(0, 0),
            present: some(present),
            divisor: some(divisor),
            decode,
        }
    }

    fn output(columns: Vec<OutputColumn>) -> Output {
        Output { live: Ref(0, 0), columns }
    }

    #[test]
    fn only_live_rows_show_and_absent_values_are_null() {
        let domain = vec!["a".to_owned(), "b".to_owned(), "c".to_owned()];
        let out = output(vec![
            column("code", Decode::Code { domain }, true, false),
            column("n", Decode::Integer { offset: -5 }, false, false),
        ]);
        // Rows 0, 2 and 3 of four are live; the code of row 3 is absent.
        let opened = [
            bits(4, 1, &[0b1101]),
            bits(4, 2, &[0b0001, 0b0100]),
            bits(4, 1, &[0b0101]),
            z64(&[7, 0, 9, 4]),
        ];
        let batch = answer(&out, &opened).unwrap();
        let json = serde_json::to_string(&super::super::output::Rows(&batch)).unwrap();
        assert_eq!(json, r#"[{"code":"b","n":"2"},{"code":"c","n":"4"},{"code":null,"n":"-1"}]"#);
    }

    #[test]
    fn averages_divide_as_datafusion_does() {
        let out = output(vec![
            column("mean", Decode::Quotient { scale: 0 }, false, true),
            column("share", Decode::DecimalQuotient { from: 1, scale: 5 }, false, true),
        ]);
        let sums = [20, (-20_i64).cast_unsigned()];
        let opened = [bits(2, 1, &[0b11]), z64(&[7, 0]), z64(&[2, 0]), z64(&sums), z64(&[48, 48])];
        let batch = answer(&out, &opened).unwrap();
        let json = serde_json::to_string(&super::super::output::Rows(&batch)).unwrap();
        assert_eq!(json, r#"[{"mean":3.5,"share":"0.04166"},{"mean":null,"share":"-0.04166"}]"#);
    }

    #[test]
    fn words_that_do_not_fit_the_plan_are_refused() {
        let domain = vec!["a".to_owned()];
        let out = output(vec![column("code", Decode::Code { domain }, false, false)]);
        let wrong = answer(&out, &[bits(1, 1, &[1]), bits(1, 1, &[1])]).unwrap_err();
        assert_eq!(wrong, AnswerError::Value("code".to_owned()));
        let wrong = answer(&out, &[bits(1, 1, &[1])]).unwrap_err();
        assert_eq!(wrong, AnswerError::Columns { got: 1, want: 2 });
    }

    #[test]
    fn an_empty_result_has_its_columns() {
        let out = output(vec![column("n", Decode::Integer { offset: 0 }, false, false)]);
        let batch = answer(&out, &[bits(1, 1, &[0]), z64(&[0])]).unwrap();
        assert_eq!((batch.num_rows(), batch.num_columns()), (0, 1));
    }
}
