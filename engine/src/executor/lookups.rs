//! Private lookups at a participant: what it brings to a run, and what it keeps of one.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use datafusion::arrow::{
    array::{ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, UInt64Array},
    compute::filter_record_batch,
    datatypes::{DataType, Field, Schema},
};

use tables::TableWriter;
use tempfile::NamedTempFile;

use super::{
    fetched,
    joint::Me,
    prepare::Held,
    publications::{Publications, Published, Publisher, Subject},
    results::whole,
    scratch::Spool,
};
use crate::{
    exec::LookedUp,
    identity::PartyName,
    job::{Failure, JobId, JobKind, JobSpec, Reason, Stage},
    plan::{Answers, Asks, EncodedInput, Keep, Lookup, LookupEnd, Op, Plan, Statement},
    sql::{key_ids_of, label_columns},
};

/// The folders of a participant's lookups.
#[derive(Debug)]
pub(super) struct Lookups {
    publications: Publications,
    fetched: PathBuf,
}

/// The table that is fetched in a run, until it is kept.
pub(super) type Fetching = Arc<Mutex<Option<NamedTempFile>>>;

/// The lookup of a plan, if it has one.
fn lookup_of(plan: &Plan) -> Option<&Lookup> {
    plan.nodes.iter().find_map(|op| match op {
        Op::Lookup(of) => Some(of),
        _ => None,
    })
}

/// The rows of an input, where this participant holds them.
fn rows_of(held: &[Option<Held>], input: u32) -> Option<&RecordBatch> {
    match held.get(input as usize)? {
        Some(Held::Rows(rows)) => Some(rows),
        _ => None,
    }
}

/// The rows to publish, where this participant holds them.
fn published_of(held: &[Option<Held>], input: u32) -> Option<&Spool> {
    match held.get(input as usize)? {
        Some(Held::Published(rows)) => Some(rows),
        _ => None,
    }
}

/// Whether an input of a plan is to be published.
pub(super) fn is_published(plan: &Plan, input: usize) -> bool {
    lookup_of(plan).is_some_and(|of| of.answers as usize == input)
}

/// Whose part this participant plays: that of the party of an input.
fn plays(plan: &Plan, input: u32, name: &PartyName) -> bool {
    plan.inputs.get(input as usize).is_some_and(|input| input.party == *name)
}

fn failed(name: &PartyName, words: impl Into<String>) -> Failure {
    Failure::new(Reason::InputInvalid, Stage::Prepare, words).at(name)
}

impl Lookups {
    pub(super) fn new(folder: &Path) -> Self {
        let [published, fetched] = ["published", "fetched"].map(|name| folder.join(name));
        fetched::clear(&published);
        fetched::clear(&fetched);
        Self { publications: Publications::new(published), fetched }
    }

    /// What there is that others may look keys up in.
    pub(super) fn list(&self) -> Vec<Published> {
        self.publications.list()
    }

    /// Publishes the rows of a lookup's second set, unless they are.
    pub(super) fn publish(
        &self,
        publisher: Publisher<'_>,
        subject: Subject<'_>,
    ) -> Result<(Arc<Answers>, Published), Failure> {
        self.publications.of(publisher, subject)
    }
}

/// What a participant that is to answer queries of a plan has published for them; nothing at the others.
pub(super) fn prepare(
    lookups: Option<&Lookups>,
    publisher: Publisher<'_>,
    (spec, plan): (&JobSpec, &Plan),
    held: &[Option<Held>],
) -> Result<Option<Arc<Answers>>, Failure> {
    let Some(of) = lookup_of(plan) else { return Ok(None) };
    let name = publisher.name;
    let (asks, answers) = (plays(plan, of.asks, name), plays(plan, of.answers, name));
    if !asks && !answers {
        return Ok(None);
    }
    let lookups = lookups.ok_or_else(|| {
        failed(name, "this party has no folder for published tables; give it a `state`")
    })?;
    let (true, JobKind::Psi(psi)) = (answers, &spec.kind) else { return Ok(None) };
    let set = psi.sets.get(of.answers as usize);
    let rows = published_of(held, of.answers);
    let (Some(set), Some(rows)) = (set, rows) else {
        return Err(failed(name, "the rows to publish are not there"));
    };
    lookups.publish(publisher, Subject { set, plan, of, rows }).map(|(answers, _)| Some(answers))
}

/// Gives the input of this participant its end of the plan's lookup.
pub(super) fn attach(
    lookups: Option<&Lookups>,
    me: Me<'_>,
    plan: &Plan,
    (held, published, fetching): (&[Option<Held>], Option<&Arc<Answers>>, &Fetching),
    inputs: &mut [Option<EncodedInput>],
) -> Result<(), Failure> {
    let Some(of) = lookup_of(plan) else { return Ok(()) };
    if let Some(answers) = published {
        let end = LookupEnd::Answers(Arc::clone(answers));
        inputs[of.answers as usize].iter_mut().for_each(|input| input.lookup = Some(end.clone()));
    }
    let (Some(rows), Some(lookups)) = (rows_of(held, of.asks).cloned(), lookups) else {
        return Ok(());
    };
    let provider = &plan.inputs[of.answers as usize].party;
    let pin = me.pins.of(provider).map_err(|error| failed(me.name, error.to_string()))?;
    let held = fetched::held(&lookups.fetched, (provider, &pin.key), of.terms(plan));
    let (folder, fetching) = (lookups.fetched.clone(), Arc::clone(fetching));
    let store = Box::new(move |statement: &Statement| {
        let (file, place) = fetched::begin(&folder, statement)?;
        *fetching.lock().unwrap_or_else(PoisonError::into_inner) = Some(file);
        Ok(place)
    });
    let input = plan.inputs[of.asks as usize].clone();
    let ids = Box::new(move |salt: &[u8; 32]| key_ids_of(&input, &rows, salt).ok());
    let end = LookupEnd::Asks(Arc::new(Asks { provider: pin.key, ids, held, store }));
    inputs[of.asks as usize].iter_mut().for_each(|input| input.lookup = Some(end.clone()));
    Ok(())
}

/// Keeps what was learned, and the table that was fetched for it.
pub(super) fn keep(
    lookups: Option<&Lookups>,
    folder: &Path,
    (job, plan): (JobId, &Plan),
    (held, fetching): (&[Option<Held>], &Fetching),
    learned: &[LookedUp],
) -> Result<(), Failure> {
    let Some(of) = lookup_of(plan) else { return Ok(()) };
    let provider = &plan.inputs[of.answers as usize].party;
    for learned in learned {
        let file = fetching.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let (Some(statement), Some(file), Some(lookups)) = (&learned.fetched, file, lookups)
            && let Err(error) = fetched::keep(&lookups.fetched, provider, (statement, file))
        {
            tracing::warn!(%error, "a fetched table is not kept; the next job fetches it again");
        }
        let at = learned.input as usize;
        let Some(rows) = rows_of(held, learned.input) else { continue };
        let labels: Vec<_> = learned.labels.iter().map(Option::as_deref).collect();
        let labels = label_columns(of, &labels).ok_or_else(|| {
            let words = "what it published of a key cannot be read";
            Failure::new(Reason::ProtocolViolation, Stage::Release, words).at(provider)
        })?;
        let path = folder.join(format!("{job}-{}.parquet", plan.inputs[at].datasets.join("-")));
        let failed = |what: &str| {
            let words = format!("the result cannot be written to {}: {what}", path.display());
            Failure::new(Reason::Internal, Stage::Release, words)
        };
        let table = table(of, rows, (learned, labels));
        let table = table.ok_or_else(|| failed("its rows do not fit"))?;
        let stored = whole(&path, |part| {
            let mut writer = TableWriter::create(part, table.schema())?;
            writer.push(&table)?;
            writer.finish()
        });
        stored.map_err(|what| failed(&what))?;
    }
    Ok(())
}

/// The rows to keep: their number in the set, counted from 0, the own columns asked for, what was found of them, and whether
/// anything was.
fn table(
    of: &Lookup,
    rows: &RecordBatch,
    (learned, labels): (&LookedUp, Vec<ArrayRef>),
) -> Option<RecordBatch> {
    let count = u64::try_from(rows.num_rows()).ok()?;
    let mut fields = vec![Field::new("row", DataType::UInt64, false)];
    let mut columns: Vec<ArrayRef> = vec![Arc::new(UInt64Array::from_iter_values(0..count))];
    for (source, name) in &of.keeps.columns {
        let column = rows.columns().get(*source as usize)?;
        fields.push(Field::new(name, column.data_type().clone(), true));
        columns.push(Arc::clone(column));
    }
    for (label, column) in of.labels.iter().zip(labels) {
        fields.push(Field::new(&label.name, column.data_type().clone(), true));
        columns.push(column);
    }
    let matched: BooleanArray = learned.labels.iter().map(|label| Some(label.is_some())).collect();
    let keep = match of.keeps.keep {
        Keep::All => {
            fields.push(Field::new("matched", DataType::Boolean, false));
            columns.push(Arc::new(matched));
            BooleanArray::from(vec![true; rows.num_rows()])
        }
        _ => matched,
    };
    let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    let table = RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options);
    filter_record_batch(&table.ok()?, &keep).ok()
}
