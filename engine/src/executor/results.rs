//! What an owner of a set learned, as a file of its own.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::Arc,
};

use datafusion::{
    arrow::{
        array::{ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, UInt64Array},
        compute::filter_record_batch,
        datatypes::{DataType, Field, Schema},
    },
    parquet::arrow::ArrowWriter,
};

use crate::{
    exec::Found,
    job::{Failure, JobId, Reason, Stage},
    plan::{Keep, Keeps, Op, Opened, Plan, decode},
};

/// Writes what was found into a folder, one Parquet file for each set; gives their paths.
///
/// # Errors
/// [`Failure`] naming the file that cannot be written.
pub(super) fn write(
    folder: &Path,
    job: JobId,
    plan: &Plan,
    rows: &[Option<RecordBatch>],
    found: &[Found],
) -> Result<Vec<PathBuf>, Failure> {
    let mut written = Vec::new();
    for found in found {
        let at = found.input as usize;
        let keeps = plan.nodes.iter().find_map(|op| match op {
            Op::Match(of) => of.results.iter().find(|keeps| keeps.input == found.input),
            _ => None,
        });
        let (Some(keeps), Some(Some(rows))) = (keeps, rows.get(at)) else { continue };
        let path = folder.join(format!("{job}-{}.parquet", plan.inputs[at].datasets.join("-")));
        let failed = |what: &str| failed(&path, what);
        let kept = kept(rows, keeps, &found.rows).ok_or_else(|| failed("its rows do not fit"))?;
        store(&path, &kept).map_err(|error| failed(&error))?;
        written.push(path);
    }
    Ok(written)
}

/// Writes what was opened to this party of the result into a folder.
///
/// # Errors
/// [`Failure`] naming the file that cannot be written.
pub(super) fn write_told(
    folder: &Path,
    job: JobId,
    plan: &Plan,
    told: &Opened,
) -> Result<PathBuf, Failure> {
    let path = folder.join(format!("{job}-result.parquet"));
    let failed = |what: &str| failed(&path, what);
    let output = plan.nodes.iter().find_map(|op| match op {
        Op::Tell(of) => Some(&of.output),
        _ => None,
    });
    let output = output.ok_or_else(|| failed("the plan opens nothing"))?;
    let rows = decode(output, told).map_err(|error| failed(&error.to_string()))?;
    store(&path, &rows).map_err(|error| failed(&error))?;
    Ok(path)
}

fn failed(path: &Path, what: &str) -> Failure {
    let words = format!("the result cannot be written to {}: {what}", path.display());
    Failure::new(Reason::Internal, Stage::Release, words)
}

/// The rows to keep: their number in the set, counted from 0, and the columns asked for.
fn kept(rows: &RecordBatch, keeps: &Keeps, found: &[u32]) -> Option<RecordBatch> {
    let mut matched = vec![false; rows.num_rows()];
    for row in found {
        *matched.get_mut(*row as usize)? = true;
    }
    let count = u64::try_from(rows.num_rows()).ok()?;
    let mut fields = vec![Field::new("row", DataType::UInt64, false)];
    let mut columns: Vec<ArrayRef> = vec![Arc::new(UInt64Array::from_iter_values(0..count))];
    for (source, name) in &keeps.columns {
        let column = rows.columns().get(*source as usize)?;
        fields.push(Field::new(name, column.data_type().clone(), true));
        columns.push(Arc::clone(column));
    }
    let keep = match keeps.keep {
        Keep::Matched => BooleanArray::from(matched),
        Keep::Unmatched => matched.iter().map(|matched| Some(!matched)).collect(),
        Keep::All => {
            let all = BooleanArray::from(vec![true; matched.len()]);
            fields.push(Field::new("matched", DataType::Boolean, false));
            columns.push(Arc::new(BooleanArray::from(matched)));
            all
        }
    };
    let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    let table = RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options);
    filter_record_batch(&table.ok()?, &keep).ok()
}

/// Written beside its place and moved there, so that a file with this name is whole.
fn store(path: &Path, rows: &RecordBatch) -> Result<(), String> {
    let part = path.with_extension("part");
    let file = File::create(&part).map_err(|error| error.to_string())?;
    let mut writer =
        ArrowWriter::try_new(file, rows.schema(), None).map_err(|error| error.to_string())?;
    writer.write(rows).map_err(|error| error.to_string())?;
    writer.close().map_err(|error| error.to_string())?;
    fs::rename(&part, path).map_err(|error| error.to_string())
}
