//! `unseen dataset add`: reads a table once and writes down what its provider may publish of it.

use std::{
    fmt::Write as _,
    fs::File,
    io::{Error, Read as _, Seek as _, SeekFrom},
    path::Path,
};

use datafusion::{
    arrow::{
        array::{Array, AsArray, RecordBatch},
        datatypes::{DataType, Int64Type, SchemaRef, TimeUnit},
    },
    prelude::{CsvReadOptions, DataFrame, ParquetReadOptions, SessionContext},
};

use super::{
    args::DatasetAddArgs,
    exit::{CliError, chain},
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
    for named in args.entity_key.iter().chain(&args.domain) {
        if schema.column_with_name(named).is_none() {
            let message = format!("{}: there is no column `{named}`", path.display());
            return Err(CliError::usage(message).next("names are case-sensitive"));
        }
    }
    let rows = scalar(&table, "COUNT(*)", path).await?.unwrap_or(0);
    let mut text = head(args, &schema, u64::try_from(rows).unwrap_or(0))?;
    for field in schema.fields() {
        let name = field.name();
        let is_key = args.entity_key.as_deref() == Some(name);
        let nulls = count(&table, &format!("COUNT(*) - COUNT({})", quoted(name)), path).await?;
        if is_key {
            check_key(&table, name, (rows, nulls), path).await?;
        }
        let _ = write!(text, "\n[[datasets.columns]]\nname = {}\n", toml_text(name));
        let ty = type_name(field.data_type())
            .ok_or_else(|| unsupported(path, name, field.data_type()))?;
        let _ = writeln!(text, "type = {ty}");
        if nulls > 0 {
            text += "nullable = true\n";
        }
        if is_key {
            text += "unique = true\n";
        }
        if field.data_type().is_integer() {
            text += &range(&table, name, path).await?;
        }
        if args.domain.iter().any(|column| column == name) {
            text += &domain(&table, name, path).await?;
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
            let _ = write!(text, " {}..={}", range.min, range.max);
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

fn head(args: &DatasetAddArgs, schema: &SchemaRef, rows: u64) -> Result<String, CliError> {
    let stem = args.file.file_stem().and_then(|stem| stem.to_str()).unwrap_or("table");
    let name = args.name.clone().unwrap_or_else(|| stem.to_lowercase().replace(['-', ' '], "_"));
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(word) {
        let message = format!("`{name}` is no dataset name: lower case letters, digits and `_`");
        return Err(CliError::usage(message).next("choose one with --name"));
    }
    let mut text = String::from(
        "# What is published of this table: nothing else is. Look every line over: ranges are the smallest power of two\n\
         # that fits, widened so that no extreme shows; narrow or widen them to what you know beforehand.\n",
    );
    let _ = writeln!(text, "[[datasets]]\nname = \"{name}\"");
    let _ = writeln!(text, "path = {}", toml_text(&args.file.display().to_string()));
    let _ = writeln!(text, "policy = \"{name}.policy.signed.json\"");
    let _ = writeln!(text, "rows_max = {}", rows.div_ceil(ROW_STEP).max(1) * ROW_STEP);
    match &args.entity_key {
        Some(key) => writeln!(text, "entity_key = {}", toml_text(key)),
        None => {
            let columns: Vec<_> = schema.fields().iter().map(|f| f.name().as_str()).collect();
            writeln!(
                text,
                "# entity_key = \"…\"  # whom a row is about; one of {}",
                columns.join(", ")
            )
        }
    }
    .map_err(CliError::failed)?;
    Ok(text)
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
    let message = format!("{}: column `{name}` is {what} in some rows", path.display());
    Err(CliError::usage(message).next("an entity key is there, and different, in every row"))
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
        let message =
            format!("{}: column `{name}` has more than {LARGEST_DOMAIN} values", path.display());
        return Err(CliError::usage(message)
            .next("leave it out of --domain: it then joins by a keyed hash"));
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
        DataType::Decimal128(precision, scale) if *precision <= 18 && *scale >= 0 => {
            format!("{{ decimal = {{ precision = {precision}, scale = {scale} }} }}")
        }
        // What a CSV file cannot say: two digits behind the point are what money has.
        DataType::Float64 | DataType::Float32 => {
            "{ decimal = { precision = 18, scale = 2 } } # read as numbers with a point: check the scale".to_owned()
        }
        DataType::Date32 => "\"date\"".to_owned(),
        DataType::Timestamp(TimeUnit::Second | TimeUnit::Millisecond | TimeUnit::Microsecond, _) => {
            "\"timestamp\"".to_owned()
        }
        DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8 => "\"string\"".to_owned(),
        _ => return None,
    })
}

async fn read(path: &Path) -> Result<DataFrame, CliError> {
    let context = SessionContext::new();
    let name = path.to_string_lossy().into_owned();
    if !path.is_file() {
        return Err(CliError::usage(format!("{name}: there is no such file")));
    }
    let table = match path.extension().and_then(|extension| extension.to_str()) {
        Some("csv") => context.read_csv(name, CsvReadOptions::new().has_header(true)).await,
        Some("parquet") => {
            footer_fits(path).map_err(|why| CliError::usage(format!("{name}: {why}")))?;
            context.read_parquet(name, ParquetReadOptions::default()).await
        }
        _ => return Err(CliError::usage(format!("{name}: a table is a .csv or .parquet file"))),
    };
    table.map_err(|error| unreadable(path, &error))
}

/// What a Parquet file holds stands before its last eight bytes, which say how long that is. The library takes their word.
fn footer_fits(path: &Path) -> std::io::Result<()> {
    let mut file = File::open(path)?;
    let cut = || Error::other("is no Parquet file, or not all of one");
    let before = file.metadata()?.len().checked_sub(8).ok_or_else(cut)?;
    let mut length = [0; 4];
    file.seek(SeekFrom::Start(before))?;
    file.read_exact(&mut length)?;
    if u64::from(u32::from_le_bytes(length)) <= before { Ok(()) } else { Err(cut()) }
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

fn unreadable(path: &Path, error: &datafusion::error::DataFusionError) -> CliError {
    CliError::usage(format!("{}: {}", path.display(), chain(error)))
}

fn unsupported(path: &Path, column: &str, ty: &DataType) -> CliError {
    CliError::usage(format!("{}: column `{column}` is {ty}, which has no shared form", path.display()))
        .next("cast it to an integer, a decimal of at most 18 digits, a date or a string, or leave it out")
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
    async fn an_entity_key_must_be_there_and_different_in_every_row() {
        let twice = add("id,n\n1,2\n1,3\n", Some("id"), &[]).await.unwrap_err();
        assert!(twice.message.contains("the same"), "{}", twice.message);
        let absent = add("id,n\n1,2\n,3\n", Some("id"), &[]).await.unwrap_err();
        assert!(absent.message.contains("NULL"), "{}", absent.message);
        assert!(add("id,n\n1,2\n", Some("no"), &[]).await.is_err());
    }
}
