//! A result as a table, CSV, JSON or Parquet.

use std::{fs::File, io::Write, path::Path};

use datafusion::{
    arrow::{
        array::{Array, AsArray, RecordBatch},
        csv::WriterBuilder,
        datatypes::{DataType, Float64Type, Int8Type, Int16Type, Int32Type},
        util::display::{ArrayFormatter, FormatOptions},
    },
    parquet::arrow::ArrowWriter,
};
use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{
    args::{Format, OutputArgs},
    exit::CliError,
};
use crate::{executor::Model, job::plain};

/// Digits behind the point that a table shows of a double; the other formats give all of it.
const TABLE_DIGITS: usize = 4;

/// Prints a result, or writes it where the options say.
///
/// # Errors
/// Usage: Parquet without a file, or a file that cannot be written.
pub(super) fn print(result: &RecordBatch, options: &OutputArgs) -> Result<(), CliError> {
    let content = match options.format {
        Format::Table => plain(&table(result)?).into_bytes(),
        Format::Csv => csv(result)?,
        Format::Json => json_lines(result)?,
        Format::Parquet => return parquet(result, options.out.as_deref()),
        Format::Safetensors => return save(None, options),
    };
    match &options.out {
        Some(path) => std::fs::write(path, content).map_err(|error| unwritable(path, &error)),
        None => match std::io::stdout().lock().write_all(&content) {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                Err(CliError::failed(format!("cannot write the result: {error}"))
                    .next("`unseen job result ID` prints it again"))
            }
            _ => Ok(()),
        },
    }
}

/// What is wrong with the options, before anything is asked for: a job is not to run for a result that has no place.
///
/// # Errors
/// Usage: a format that needs a file and has none, or a file in a folder that is not there.
pub(super) fn check(options: &OutputArgs) -> Result<(), CliError> {
    match (options.format, &options.out) {
        (Format::Parquet, None) => return parquet_needs_a_file(),
        (Format::Safetensors, None) => return save(None, options),
        _ => {}
    }
    for file in options.out.iter().chain(&options.receipt) {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        if file.is_dir() || folder.is_some_and(|folder| !folder.is_dir()) {
            let message =
                format!("cannot write {}: a file in a folder that is there is due", file.display());
            return Err(CliError::usage(message).next("nothing was asked for; name another file"));
        }
    }
    Ok(())
}

fn parquet_needs_a_file() -> Result<(), CliError> {
    Err(CliError::usage("a Parquet result needs a file").next("add --out result.parquet"))
}

/// Writes a model where the options say.
///
/// # Errors
/// Usage: no model, no file, or one that cannot be written.
pub(super) fn save(model: Option<&Model>, options: &OutputArgs) -> Result<(), CliError> {
    let (Some(model), Some(path)) = (model, &options.out) else {
        let message = "`--format safetensors` writes the model of a training to a file";
        return Err(
            CliError::usage(message).next("add --out model.safetensors, or choose another format")
        );
    };
    std::fs::write(path, model.safetensors()).map_err(|error| unwritable(path, &error))
}

/// The rows as JSON objects, columns in their order; decimals and 64-bit integers as strings.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a>(pub(super) &'a RecordBatch);

struct Row<'a>(&'a RecordBatch, usize);

struct Cell<'a>(&'a dyn Array, usize);

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_seq((0..self.0.num_rows()).map(|row| Row(self.0, row)))
    }
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let schema = self.0.schema();
        let mut object = s.serialize_map(Some(schema.fields().len()))?;
        for (field, column) in schema.fields().iter().zip(self.0.columns()) {
            object.serialize_entry(field.name(), &Cell(column.as_ref(), self.1))?;
        }
        object.end()
    }
}

impl Serialize for Cell<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let Self(column, row) = *self;
        if column.is_null(row) {
            return s.serialize_none();
        }
        match column.data_type() {
            DataType::Boolean => s.serialize_bool(column.as_boolean().value(row)),
            DataType::Int8 => s.serialize_i8(column.as_primitive::<Int8Type>().value(row)),
            DataType::Int16 => s.serialize_i16(column.as_primitive::<Int16Type>().value(row)),
            DataType::Int32 => s.serialize_i32(column.as_primitive::<Int32Type>().value(row)),
            DataType::Float64 => s.serialize_f64(column.as_primitive::<Float64Type>().value(row)),
            _ => s.serialize_str(&text(column, row).map_err(serde::ser::Error::custom)?),
        }
    }
}

/// A cell as text; nothing where it is NULL.
fn text(column: &dyn Array, row: usize) -> Result<String, CliError> {
    let options = FormatOptions::default();
    let formatter = ArrayFormatter::try_new(column, &options).map_err(CliError::failed)?;
    formatter.value(row).try_to_string().map_err(CliError::failed)
}

/// The result for reading: numbers to the right, a line beneath the header.
///
/// # Errors
/// A column of a type that cannot be shown.
pub(super) fn table(result: &RecordBatch) -> Result<String, CliError> {
    if result.num_columns() == 0 {
        return Ok(String::new());
    }
    let schema = result.schema();
    let mut columns = Vec::new();
    for (field, column) in schema.fields().iter().zip(result.columns()) {
        let numeric = field.data_type().is_numeric();
        let cells: Result<Vec<_>, _> =
            (0..result.num_rows()).map(|row| readable(column.as_ref(), row)).collect();
        let cells = cells?;
        let widest = cells.iter().map(|cell| cell.chars().count()).max().unwrap_or(0);
        columns.push((field.name().clone(), numeric, widest.max(field.name().len()), cells));
    }
    let line = |cell: &dyn Fn(usize) -> String| {
        let cells: Vec<_> = (0..columns.len()).map(cell).collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    let pad = |text: &str, column: usize| {
        let (_, numeric, width, _) = &columns[column];
        if *numeric { format!("{text:>width$}") } else { format!("{text:<width$}") }
    };
    let mut shown = line(&|column| pad(&columns[column].0, column));
    shown += &line(&|column| "─".repeat(columns[column].2));
    for row in 0..result.num_rows() {
        shown += &line(&|column| pad(&columns[column].3[row], column));
    }
    Ok(shown)
}

fn readable(column: &dyn Array, row: usize) -> Result<String, CliError> {
    if column.is_null(row) {
        return Ok("NULL".to_owned());
    }
    if *column.data_type() == DataType::Float64 {
        return Ok(format!("{:.TABLE_DIGITS$}", column.as_primitive::<Float64Type>().value(row)));
    }
    text(column, row)
}

fn csv(result: &RecordBatch) -> Result<Vec<u8>, CliError> {
    let mut content = Vec::new();
    // A job whose result others keep has no column, and no line to write.
    if result.num_columns() == 0 {
        return Ok(content);
    }
    let mut writer = WriterBuilder::new().with_header(true).build(&mut content);
    writer.write(result).map_err(CliError::failed)?;
    drop(writer);
    Ok(content)
}

fn json_lines(result: &RecordBatch) -> Result<Vec<u8>, CliError> {
    let mut content = serde_json::to_vec(&Rows(result)).map_err(CliError::failed)?;
    content.push(b'\n');
    Ok(content)
}

fn parquet(result: &RecordBatch, path: Option<&Path>) -> Result<(), CliError> {
    let Some(path) = path else { return parquet_needs_a_file() };
    let file = File::create(path).map_err(|error| unwritable(path, &error))?;
    let write = || {
        let mut writer = ArrowWriter::try_new(file, result.schema(), None)?;
        writer.write(result)?;
        writer.close()
    };
    write().map(|_| ()).map_err(|error| unwritable(path, &error))
}

fn unwritable(path: &Path, error: &dyn std::fmt::Display) -> CliError {
    CliError::usage(format!("cannot write the result to {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::{
        ArrayRef, Decimal128Array, Float64Array, Int32Array, Int64Array, StringArray,
    };

    use super::*;

    fn sample() -> RecordBatch {
        let decimal = Decimal128Array::from(vec![Some(12_345), None]);
        let decimal = decimal.with_precision_and_scale(10, 2).unwrap();
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("name", Arc::new(StringArray::from(vec![Some("a"), None]))),
            ("n", Arc::new(Int64Array::from(vec![i64::MAX, -1]))),
            ("small", Arc::new(Int32Array::from(vec![7, 8]))),
            ("price", Arc::new(decimal)),
            ("mean", Arc::new(Float64Array::from(vec![0.5, 1.0 / 3.0]))),
        ];
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, c)| (n, c, true)))
            .unwrap()
    }

    #[test]
    fn json_keeps_the_column_order_and_every_digit() {
        let json = serde_json::to_string(&Rows(&sample())).unwrap();
        let first =
            r#"{"name":"a","n":"9223372036854775807","small":7,"price":"123.45","mean":0.5}"#;
        let second = r#"{"name":null,"n":"-1","small":8,"price":null,"mean":0.3333333333333333}"#;
        assert_eq!(json, format!("[{first},{second}]"));
    }

    #[test]
    fn a_table_puts_numbers_to_the_right() {
        let shown = table(&sample()).unwrap();
        let lines: Vec<_> = shown.lines().collect();
        assert_eq!(lines[0], "name                    n  small   price    mean");
        assert_eq!(lines[2], "a     9223372036854775807      7  123.45  0.5000");
        assert_eq!(lines[3], "NULL                   -1      8    NULL  0.3333");
    }

    #[test]
    fn csv_and_parquet_files_hold_the_rows() {
        let dir = tempfile::tempdir().unwrap();
        let out = |format, name: &str| OutputArgs {
            format,
            out: Some(dir.path().join(name)),
            receipt: None,
        };
        print(&sample(), &out(Format::Csv, "r.csv")).unwrap();
        let csv = std::fs::read_to_string(dir.path().join("r.csv")).unwrap();
        assert_eq!(csv.lines().nth(1).unwrap(), "a,9223372036854775807,7,123.45,0.5");
        print(&sample(), &out(Format::Parquet, "r.parquet")).unwrap();
        let file = File::open(dir.path().join("r.parquet")).unwrap();
        use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReader;
        let mut reader = ParquetRecordBatchReader::try_new(file, 10).unwrap();
        assert_eq!(reader.next().unwrap().unwrap(), sample());
    }

    #[test]
    fn a_result_that_has_no_place_is_refused_beforehand() {
        let dir = tempfile::tempdir().unwrap();
        let at = |format, out: Option<&str>| OutputArgs {
            format,
            out: out.map(|name| dir.path().join(name)),
            receipt: None,
        };
        for (format, out) in [
            (Format::Parquet, None),
            (Format::Safetensors, None),
            (Format::Csv, Some("not/there.csv")),
            (Format::Csv, Some(".")),
        ] {
            let error = check(&at(format, out)).unwrap_err();
            assert_eq!(error.ending, super::super::exit::Ending::Usage, "{format:?}");
            assert!(error.next.is_some());
        }
        assert!(check(&at(Format::Parquet, Some("r.parquet"))).is_ok());
        assert!(check(&at(Format::Table, None)).is_ok());
    }

    #[test]
    fn parquet_without_a_file_is_a_usage_error() {
        let options = OutputArgs { format: Format::Parquet, out: None, receipt: None };
        assert!(print(&sample(), &options).unwrap_err().next.unwrap().contains("--out"));
    }
}
