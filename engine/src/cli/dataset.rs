//! `unseen dataset add`: reads a table once and writes down what its provider may publish of it.

use std::{fmt::Write as _, path::Path};

use datafusion::{
    arrow::{
        array::{Array, AsArray, RecordBatch},
        datatypes::{DataType, Int64Type},
        util::display::array_value_to_string,
    },
    common::ScalarValue,
    prelude::DataFrame,
};

use super::{
    args::DatasetAddArgs,
    exit::CliError,
    table_file::{read, unreadable, wrong},
};
use crate::catalog::{ColumnType, DatasetDescriptor};

/// A list of strings longer than this is no public domain: it would be a table of its own.
const LARGEST_DOMAIN: usize = 10_000;
/// Row counts are published rounded up to a multiple of this.
const ROW_STEP: u64 = 1_024;

/// The `[[datasets]]` entry for a table, with remarks.
///
/// # Errors
/// Usage: the file cannot be read, or a named column is not in it, or does not do as entity key or domain.
pub(super) async fn describe(args: &DatasetAddArgs) -> Result<String, CliError> {
    let path = args.file.as_path();
    let table = read(path).await?;
    let schema = std::sync::Arc::clone(table.schema().inner());
    let names: Vec<_> = schema.fields().iter().map(|field| field.name().trim()).collect();
    for named in args.entity_key.iter().chain(&args.domain) {
        if !names.contains(&named.as_str()) {
            let message = format!("there is no column `{named}`; it has {}", names.join(", "));
            return Err(wrong(path, &message).next("capitals and small letters differ"));
        }
    }
    let rows = scalar(&table, "COUNT(*)", path).await?.unwrap_or(0);
    if rows == 0 {
        return Err(wrong(path, "has no rows, so there is nothing to describe")
            .next("put rows into it, or write the entry by hand: engine/examples has some"));
    }
    let mut text = head(args, &names, u64::try_from(rows).unwrap_or(0))?;
    for field in schema.fields() {
        let (raw, name) = (field.name(), field.name().trim());
        let is_key = args.entity_key.as_deref() == Some(name);
        let nulls = count(&table, &format!("COUNT(*) - COUNT({})", quoted(raw)), path).await?;
        if is_key {
            check_key(&table, raw, (rows, nulls), path).await?;
        }
        let Some(ty) = type_name(field.data_type()) else {
            text += &left_out(name, field.data_type());
            continue;
        };
        let _ = write!(text, "\n[[datasets.columns]]\nname = {}\n", toml_text(name));
        let _ = writeln!(text, "type = {ty}");
        if nulls > 0 {
            text += "nullable = true\n";
        }
        if is_key {
            text += "unique = true\n";
        }
        if field.data_type().is_integer() {
            text += &range(&table, raw, path).await?;
        }
        if args.domain.iter().any(|column| column == name) {
            if ty != "\"string\"" {
                let message = format!("column `{name}` is no text, and a domain lists texts");
                return Err(wrong(path, &message)
                    .next("leave it out of --domain: numbers have `min` and `max`"));
            }
            text += &domain(&table, raw, path).await?;
        }
    }
    Ok(text)
}

/// A published dataset, for reading.
pub(super) fn listing(table: &DatasetDescriptor) -> String {
    let mut text = format!("{}.{}  at most {} rows", table.party, table.name, table.rows_max);
    if let Some(key) = &table.entity_key {
        let _ = write!(text, ", a row is about one {key}");
    }
    text.push('\n');
    for column in &table.columns {
        let _ = write!(text, "  {}: {}", column.name, type_word(column.ty));
        if let Some(range) = column.range {
            let end = |value| end_text(column.ty, value);
            let _ = write!(text, " {} to {}", end(range.min), end(range.max));
        }
        if let Some(domain) = &column.domain {
            let _ = write!(text, ", one of {} listed values", domain.len());
        }
        if let Some(most) = column.max_bytes {
            let _ = write!(text, ", at most {most} bytes");
        }
        let nullable = if column.nullable { ", may be NULL" } else { "" };
        let unique = if column.unique { ", unique" } else { "" };
        let _ = writeln!(text, "{unique}{nullable}");
    }
    text
}

/// An end of a range as the configuration writes it.
fn end_text(ty: ColumnType, value: i128) -> String {
    let small = |value: i128| i64::try_from(value).ok();
    let scalar = match ty {
        ColumnType::Decimal { precision, scale } => {
            ScalarValue::Decimal128(Some(value), precision, scale.cast_signed())
        }
        ColumnType::Date => ScalarValue::Date32(i32::try_from(value).ok()),
        ColumnType::Timestamp => ScalarValue::TimestampMicrosecond(small(value), None),
        _ => return value.to_string(),
    };
    let shown = scalar.to_array().ok().and_then(|array| array_value_to_string(&array, 0).ok());
    shown.unwrap_or_else(|| value.to_string())
}

fn head(args: &DatasetAddArgs, names: &[&str], rows: u64) -> Result<String, CliError> {
    let stem = args.file.file_stem().and_then(|stem| stem.to_str()).unwrap_or("table");
    let name = args.name.clone().unwrap_or_else(|| stem.to_lowercase().replace(['-', ' '], "_"));
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(word) {
        let message = format!("`{name}` is no dataset name: lower case letters, digits and `_`");
        return Err(CliError::usage(message).next("choose one with --name"));
    }
    let mut text = String::from(
        "# What is published of this table: nothing else is. Look every line over: ranges are the smallest power of two\n\
         # that fits, widened so that no extreme shows; narrow or widen them to what you know beforehand.\n\
         # A column that is left out is not published. Text is joined by, and filtered at its owner; to be grouped by or trained on it\n\
         # needs a public list of its values (--domain), to be listed `max_bytes`, the most bytes that one has.\n",
    );
    text += remarks(names);
    let _ = writeln!(text, "[[datasets]]\nname = \"{name}\"");
    let _ = writeln!(text, "path = {}", toml_text(&args.file.display().to_string()));
    let _ = writeln!(text, "policy = \"{name}.policy.signed.json\"");
    let _ = writeln!(text, "rows_max = {}", rows.div_ceil(ROW_STEP).max(1) * ROW_STEP);
    match &args.entity_key {
        Some(key) => writeln!(text, "entity_key = {}", toml_text(key)),
        None => {
            let columns = names.join(", ");
            writeln!(text, "# entity_key = \"…\"  # whom a row is about; one of {columns}")
        }
    }
    .map_err(CliError::failed)?;
    Ok(text)
}

/// What is easily overlooked in names.
fn remarks(names: &[&str]) -> &'static str {
    let small = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if names.iter().all(|name| name.parse::<f64>().is_ok()) {
        "# The first line is taken for the names of the columns, and looks like a row: has the file a header?\n"
    } else if names.iter().any(|name| !name.chars().all(small)) {
        "# In SQL, features and filters, a name with capitals or blanks stands in double quotes.\n"
    } else {
        ""
    }
}

async fn check_key(
    table: &DataFrame,
    name: &str,
    (rows, nulls): (i64, i64),
    path: &Path,
) -> Result<(), CliError> {
    let distinct = count(table, &format!("COUNT(DISTINCT {})", quoted(name)), path).await?;
    if nulls == 0 && distinct == rows {
        return Ok(());
    }
    let what = if nulls > 0 { "NULL" } else { "the same" };
    let message = format!("column `{}` is {what} in some rows", name.trim());
    Err(wrong(path, &message).next("an entity key is there, and different, in every row"))
}

/// The smallest range between powers of two that holds all values: publishes no extreme.
async fn range(table: &DataFrame, name: &str, path: &Path) -> Result<String, CliError> {
    let column = quoted(name);
    let least = scalar(table, &format!("MIN(CAST({column} AS BIGINT))"), path).await?;
    let most = scalar(table, &format!("MAX(CAST({column} AS BIGINT))"), path).await?;
    let (Some(least), Some(most)) = (least, most) else { return Ok(String::new()) };
    let above =
        |value: i64| value.max(1).cast_unsigned().checked_add(1)?.checked_next_power_of_two();
    let max = above(most).and_then(|bound| i64::try_from(bound - 1).ok()).unwrap_or(i64::MAX);
    let below = above(least.saturating_neg()).and_then(|bound| i64::try_from(bound).ok());
    let min = if least >= 0 { 0 } else { below.map_or(i64::MIN, |bound| -bound) };
    Ok(format!("min = {min}\nmax = {max}\n"))
}

/// The column's values as a public list.
async fn domain(table: &DataFrame, name: &str, path: &Path) -> Result<String, CliError> {
    let sql = format!("CAST({} AS VARCHAR) AS value", quoted(name));
    let read = async {
        let values = table.clone().select_exprs(&[&sql])?.distinct()?;
        values.limit(0, Some(LARGEST_DOMAIN + 2))?.collect().await
    };
    let batches = read.await.map_err(|error| unreadable(path, &error))?;
    let mut values: Vec<String> = batches.iter().flat_map(strings).collect();
    if values.len() > LARGEST_DOMAIN {
        let message = format!("column `{}` has more than {LARGEST_DOMAIN} values", name.trim());
        return Err(
            wrong(path, &message).next("leave it out of --domain: it then joins by a keyed hash")
        );
    }
    values.sort();
    let values: Vec<_> = values.iter().map(|value| toml_text(value)).collect();
    Ok(format!("domain = [{}]\n", values.join(", ")))
}

fn strings(batch: &RecordBatch) -> Vec<String> {
    let column = datafusion::arrow::compute::cast(batch.column(0), &DataType::Utf8);
    let Ok(column) = column else { return Vec::new() };
    column.as_string::<i32>().iter().flatten().map(ToOwned::to_owned).collect()
}

fn type_word(ty: ColumnType) -> String {
    match ty {
        ColumnType::Decimal { precision, scale } => format!("decimal({precision}, {scale})"),
        other => format!("{other:?}").to_lowercase(),
    }
}

/// How the configuration writes a type; none for what has no shared form.
fn type_name(ty: &DataType) -> Option<String> {
    Some(match ty {
        DataType::Boolean => "\"bool\"".to_owned(),
        DataType::Int8 => "\"int8\"".to_owned(),
        DataType::Int16 | DataType::UInt8 => "\"int16\"".to_owned(),
        DataType::Int32 | DataType::UInt16 => "\"int32\"".to_owned(),
        DataType::Int64 | DataType::UInt32 => "\"int64\"".to_owned(),
        DataType::Decimal128(precision, scale) if *scale >= 0 => {
            format!("{{ decimal = {{ precision = {precision}, scale = {scale} }} }}")
        }
        // What a CSV file cannot say: two digits behind the point are what money has.
        DataType::Float64 | DataType::Float32 => {
            "{ decimal = { precision = 18, scale = 2 } } # read as numbers with a point: check the scale".to_owned()
        }
        DataType::Date32 | DataType::Date64 => "\"date\"".to_owned(),
        DataType::Timestamp(..) => "\"timestamp\"".to_owned(),
        DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8 => "\"string\"".to_owned(),
        DataType::Dictionary(_, values) if type_name(values).is_some_and(|ty| ty == "\"string\"") => {
            "\"string\"".to_owned()
        }
        DataType::Null => "\"string\" # no row has a value: declare what it is to be".to_owned(),
        _ => return None,
    })
}

async fn count(table: &DataFrame, expression: &str, path: &Path) -> Result<i64, CliError> {
    scalar(table, expression, path).await.map(Option::unwrap_or_default)
}

/// One 64-bit number over the whole table.
async fn scalar(table: &DataFrame, sql: &str, path: &Path) -> Result<Option<i64>, CliError> {
    let read = async {
        let expression = table.parse_sql_expr(sql)?;
        table.clone().aggregate(vec![], vec![expression])?.collect().await
    };
    let batches = read.await.map_err(|error| unreadable(path, &error))?;
    let value = batches.first().map(|batch| batch.column(0).as_primitive::<Int64Type>());
    Ok(value.and_then(|column| (!column.is_null(0)).then(|| column.value(0))))
}

/// What is said of a column that cannot be published as it is.
fn left_out(name: &str, ty: &DataType) -> String {
    format!(
        "\n# column {} is left out: {ty} has no shared form; written as an integer, a decimal, a date or text it has\n",
        toml_text(name)
    )
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A JSON string is a TOML basic string.
fn toml_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn add(csv: &str, key: Option<&str>, domain: &[&str]) -> Result<String, CliError> {
        let (_dir, file) = written(csv);
        let domain = domain.iter().map(|&d| d.to_owned()).collect();
        let entity_key = key.map(ToOwned::to_owned);
        describe(&DatasetAddArgs { file, name: None, entity_key, domain }).await
    }

    /// A CSV file, in a folder that is there as long as the guard.
    fn written(csv: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("Claims-2024.csv");
        std::fs::write(&file, csv).unwrap();
        (dir, file)
    }

    #[tokio::test]
    async fn a_csv_file_is_described_without_showing_its_extremes() {
        let csv = "id,cost,dept\n17,-3,onco\n4,900,\"card\"\"io\"\n";
        let text = add(csv, Some("id"), &["dept"]).await.unwrap();
        assert!(text.contains("name = \"claims_2024\""), "{text}");
        assert!(text.contains("rows_max = 1024\nentity_key = \"id\""), "{text}");
        assert!(text.contains("min = 0\nmax = 31\n"), "{text}");
        assert!(text.contains("min = -4\nmax = 1023\n"), "{text}");
        assert!(text.contains(r#"domain = ["card\"io", "onco"]"#), "{text}");
        assert!(!text.contains("900") && !text.contains("17"), "{text}");
    }

    #[tokio::test]
    async fn what_is_wrong_with_a_file_is_told_by_place_and_never_by_value() {
        let dates: String = (1..2000).map(|n| format!("{n},2024-01-31\n")).collect();
        for (csv, due) in [
            ("", "is empty"),
            ("id,v\n", "has no rows"),
            ("id,v,id\n1,2,3\n", "names columns 1 and 3 alike"),
            ("id,\n1,2\n", "column 2 has no name"),
            ("id;v\n1;secret\n", "has one column: cells"),
            ("id,v\n1,2\nsecret\n", "line 3 has another number of cells than the header"),
            (&format!("id,day\n{dates}2000,2024-02-30\n"), "row 2000: a cell is not of the kind"),
        ] {
            let error = add(csv, None, &[]).await.unwrap_err();
            assert!(error.message.contains(due), "{}", error.message);
            assert!(error.next.is_some(), "{}", error.message);
            let shown = error.to_string();
            assert!(!shown.contains("secret") && !shown.contains("02-30"), "{shown}");
            assert!(!shown.contains("[2000"), "{shown}");
        }
        let (dir, _) = written("");
        let file = dir.path().join("t.csv");
        std::fs::write(&file, b"id,n\n1,\xe4secret\n").unwrap();
        let args = DatasetAddArgs { file, name: None, entity_key: None, domain: Vec::new() };
        let error = describe(&args).await.unwrap_err().to_string();
        assert!(error.contains("UTF-8") && !error.contains("secret"), "{error}");
    }

    #[tokio::test]
    async fn a_column_has_the_type_of_all_its_rows_and_a_header_its_names_without_blanks() {
        let numbers: String = (1..3000).map(|n| format!("{n},{n}\n")).collect();
        let text =
            add(&format!(" id , Amt \n{numbers}3000,none\n"), Some("id"), &[]).await.unwrap();
        assert!(text.contains("name = \"id\"\ntype = \"int64\"\nunique = true"), "{text}");
        assert!(text.contains("name = \"Amt\"\ntype = \"string\""), "{text}");
        assert!(text.contains("stands in double quotes"), "{text}");
        let error = add("id,n\n1,2\n", None, &["n"]).await.unwrap_err();
        assert!(error.message.contains("column `n` is no text"), "{}", error.message);
        let text = add("1,2\n3,4\n", None, &[]).await.unwrap();
        assert!(text.contains("has the file a header?"), "{text}");
    }

    #[test]
    fn a_type_is_what_the_catalog_takes_and_another_is_left_out_by_name() {
        use datafusion::arrow::datatypes::TimeUnit;
        let text = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        assert_eq!(type_name(&text).unwrap(), "\"string\"");
        let long = type_name(&DataType::Decimal128(38, 2)).unwrap();
        assert!(long.contains("precision = 38"), "{long}");
        let stamp = DataType::Timestamp(TimeUnit::Nanosecond, None);
        assert_eq!(type_name(&stamp).unwrap(), "\"timestamp\"");
        assert_eq!(type_name(&DataType::UInt64), None);
        let told = left_out("a", &DataType::UInt64);
        assert!(told.trim().starts_with("# column \"a\" is left out: UInt64"), "{told}");
    }

    #[test]
    fn ends_of_ranges_are_shown_as_the_configuration_has_them() {
        let decimal = ColumnType::Decimal { precision: 9, scale: 2 };
        assert_eq!(end_text(decimal, 200_005), "2000.05");
        assert_eq!(end_text(ColumnType::Date, 0), "1970-01-01");
        assert_eq!(end_text(ColumnType::Int32, -7), "-7");
    }

    #[tokio::test]
    async fn an_entity_key_must_be_there_and_different_in_every_row() {
        let twice = add("id,n\n1,2\n1,3\n", Some("id"), &[]).await.unwrap_err();
        assert!(twice.message.contains("the same"), "{}", twice.message);
        let absent = add("id,n\n1,2\n,3\n", Some("id"), &[]).await.unwrap_err();
        assert!(absent.message.contains("NULL"), "{}", absent.message);
        assert!(add("id,n\n1,2\n", Some("no"), &[]).await.is_err());
    }
}
