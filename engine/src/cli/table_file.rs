//! A provider's file, read to be described: what is wrong with it by row and column, never by value.

use std::{
    fs::File,
    io::{Error, Read as _, Seek as _, SeekFrom},
    path::Path,
};

use datafusion::{
    arrow::{csv::reader::Format, error::ArrowError},
    common::DataFusionError,
    prelude::{CsvReadOptions, DataFrame, ParquetReadOptions, SessionContext},
};

use super::exit::CliError;

/// Reads a table's file; a CSV file's types are those that all of its rows have.
///
/// # Errors
/// Usage: there is no such file, it is none of a table, or its header does not name its columns.
pub(super) async fn read(path: &Path) -> Result<DataFrame, CliError> {
    let context = SessionContext::new();
    let name = path.to_string_lossy().into_owned();
    if !path.is_file() {
        let what = if path.is_dir() { "is a folder" } else { "there is no such file" };
        return Err(wrong(path, what));
    }
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let table = match extension.to_lowercase().as_str() {
        "csv" => {
            check_header(path)?;
            let ending = format!(".{extension}");
            let options = CsvReadOptions::new().has_header(true).file_extension(&ending);
            context.read_csv(name, options.schema_infer_max_records(usize::MAX)).await
        }
        "parquet" => {
            footer_fits(path).map_err(|why| wrong(path, &why.to_string()))?;
            let ending = format!(".{extension}");
            let options = ParquetReadOptions { file_extension: &ending, ..Default::default() };
            context.read_parquet(name, options).await
        }
        _ => return Err(wrong(path, "a table is a .csv or .parquet file").next(
            "unpack it, or write it as one of them; a CSV file has commas, a header, and text in UTF-8",
        )),
    };
    table.map_err(|error| unreadable(path, &error))
}

/// The error of a file that cannot be read, without what stands in it: the library's own words show rows.
pub(super) fn unreadable(path: &Path, error: &DataFusionError) -> CliError {
    let DataFusionError::ArrowError(error, _) = error.find_root() else {
        return wrong(path, "is not readable as a table");
    };
    let text = error.to_string();
    match &**error {
        ArrowError::CsvError(_)
            if text.contains("number of fields") || text.contains("unequal") =>
        {
            let line =
                number_after(&text, "line ").map_or(String::new(), |line| format!("line {line} "));
            wrong(path, &format!("{line}has another number of cells than the header"))
                .next("a cell with a comma in it stands in double quotes")
        }
        ArrowError::CsvError(_) => {
            wrong(path, "is not readable as CSV in UTF-8").next("save it as text in UTF-8")
        }
        ArrowError::ParseError(_) => {
            let row =
                number_after(&text, "at line ").map_or(String::new(), |row| format!("row {row}: "));
            wrong(
                path,
                &format!("{row}a cell is not of the kind that the other cells of its column are"),
            )
            .next("correct the cell; the 30th of February, for instance, is no date")
        }
        ArrowError::ParquetError(_) => wrong(path, "is not readable as Parquet"),
        _ => wrong(path, "is not readable as a table"),
    }
}

/// An error about a file.
pub(super) fn wrong(path: &Path, what: &str) -> CliError {
    CliError::usage(format!("{}: {what}", path.display()))
}

/// The digits that follow `mark`: a row's number. Where it stands there twice, one of them is in a cell.
fn number_after(text: &str, mark: &str) -> Option<u64> {
    let mut parts = text.split(mark).skip(1);
    let (rest, None) = (parts.next()?, parts.next()) else { return None };
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// The first line of a CSV file names each column, once.
fn check_header(path: &Path) -> Result<(), CliError> {
    let io = |error: Error| wrong(path, &error.to_string());
    let file = File::open(path).map_err(io)?;
    let found = Format::default().with_header(true).infer_schema(file, Some(0));
    let (header, _) = found
        .map_err(|error| unreadable(path, &DataFusionError::ArrowError(Box::new(error), None)))?;
    let names: Vec<_> = header.fields().iter().map(|field| field.name().trim()).collect();
    if names.is_empty() {
        return Err(wrong(path, "is empty").next("a table's first line names its columns"));
    }
    if let Some(at) = names.iter().position(|name| name.is_empty()) {
        let message = format!("column {} has no name in the first line", at + 1);
        return Err(wrong(path, &message).next("the first line names each column"));
    }
    let first = |name: &&str| names.iter().position(|other| other == name);
    let pairs = names.iter().enumerate().filter_map(|(at, name)| Some((first(name)?, at)));
    // Where the header is missing, these are the cells of a row.
    if let Some((one, other)) = pairs.into_iter().find(|(one, other)| one < other) {
        let message = format!("the first line names columns {} and {} alike", one + 1, other + 1);
        return Err(wrong(path, &message).next("give each column a name of its own"));
    }
    match names[..] {
        [only] if only.contains([';', '\t', '|']) => {
            let message = "has one column: cells are separated by commas, and not by anything else";
            Err(wrong(path, message).next("write it with commas between the cells"))
        }
        _ => Ok(()),
    }
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
