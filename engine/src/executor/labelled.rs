//! What a party learned of its own keys, as a file of its own: a second pass over its rows, with their labels beside them.

use std::{path::Path, sync::Arc};

use datafusion::arrow::{
    array::{ArrayRef, BooleanArray, RecordBatch, UInt64Array},
    compute::filter_record_batch,
    datatypes::{DataType, Field, Schema, SchemaRef},
    error::ArrowError,
};
use tables::{TableError, TableWriter, complaint};

use super::{
    results::{unwritten, whole},
    scratch::{Spool, column},
};
use crate::{
    exec::Labels,
    identity::PartyName,
    job::{Failure, Reason, Stage},
    plan::{Keep, Lookup},
    sql::label_columns,
};

/// Writes the rows to keep: their number in the set, counted from 0, the own columns asked for, what was found of them, and whether
/// anything was. A batch of them is in memory at a time.
pub(super) fn write(
    path: &Path,
    (of, provider): (&Lookup, &PartyName),
    rows: &Spool,
    labels: &Labels,
) -> Result<(), Failure> {
    let mut legible = true;
    let stored = whole(path, |part| {
        let schema = schema(of, rows)?;
        let mut writer = TableWriter::create(part, Arc::clone(&schema))?;
        let sources: Vec<_> = of.keeps.columns.iter().map(|(source, _)| column(*source)).collect();
        let names: Vec<&str> = sources.iter().map(String::as_str).collect();
        let mut first = 0;
        for own in rows.table().batches(&names)? {
            let own = own?;
            let found = Found::read(of, labels, first, own.num_rows())?;
            let unfit = |what| TableError::File { file: rows.table().name(), what };
            legible = found.is_some();
            let found = found.ok_or_else(|| unfit("labels that are none".into()))?;
            first += own.num_rows() as u64;
            let kept = found.beside(of, &schema, &own, &names);
            writer.push(&kept.map_err(|error| unfit(complaint(&error)))?)?;
        }
        writer.finish()
    });
    if !legible {
        let words = "what it published of a key cannot be read: it has to publish its table again";
        return Err(Failure::new(Reason::ProtocolViolation, Stage::Release, words).at(provider));
    }
    stored.map_err(|error| unwritten(path, &error))
}

fn schema(of: &Lookup, rows: &Spool) -> Result<SchemaRef, TableError> {
    let mut fields = vec![Field::new("row", DataType::UInt64, false)];
    for (source, name) in &of.keeps.columns {
        let own = rows.table().field(&column(*source))?;
        fields.push(own.clone().with_name(name).with_nullable(true));
    }
    for (label, column) in of.labels.iter().zip(label_columns(of, &[]).unwrap_or_default()) {
        fields.push(Field::new(&label.name, column.data_type().clone(), true));
    }
    if of.keeps.keep == Keep::All {
        fields.push(Field::new("matched", DataType::Boolean, false));
    }
    Ok(Arc::new(Schema::new(fields)))
}

/// What was found of the rows of a batch.
struct Found {
    first: u64,
    matched: BooleanArray,
    columns: Vec<ArrayRef>,
}

impl Found {
    /// Nothing if a label is none.
    fn read(
        of: &Lookup,
        labels: &Labels,
        first: u64,
        rows: usize,
    ) -> Result<Option<Self>, TableError> {
        let bytes = labels.read(first, rows);
        let bytes =
            bytes.map_err(|source| TableError::Io { file: "what was found".into(), source })?;
        let matched: Vec<bool> = (first..).take(rows).map(|row| labels.has(row)).collect();
        let width = labels.width();
        let label =
            |(row, there): (usize, &bool)| there.then(|| &bytes[row * width..(row + 1) * width]);
        let each: Vec<_> = matched.iter().enumerate().map(label).collect();
        let columns = label_columns(of, &each);
        let matched = matched.into();
        Ok(columns.map(|columns| Self { first, matched, columns }))
    }

    /// Those of the rows that are kept, with their own columns.
    fn beside(
        self,
        of: &Lookup,
        schema: &SchemaRef,
        own: &RecordBatch,
        names: &[&str],
    ) -> Result<RecordBatch, ArrowError> {
        let numbers = (self.first..).take(own.num_rows());
        let mut columns: Vec<ArrayRef> = vec![Arc::new(UInt64Array::from_iter_values(numbers))];
        for name in names {
            columns.push(Arc::clone(own.column(own.schema().index_of(name)?)));
        }
        columns.extend(self.columns);
        if of.keeps.keep == Keep::All {
            columns.push(Arc::new(self.matched));
            return RecordBatch::try_new(Arc::clone(schema), columns);
        }
        let all = RecordBatch::try_new(Arc::clone(schema), columns)?;
        filter_record_batch(&all, &self.matched)
    }
}
