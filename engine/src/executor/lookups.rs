//! Private lookups at a participant: what it brings to a run, and what it keeps of one.

use std::{
    collections::BTreeSet,
    io,
    path::Path,
    sync::{Arc, Mutex},
};

use super::{
    fetched::{self, Fetched},
    joint::Me,
    labelled,
    prepare::Held,
    publication::Published,
    publications::{Publications, Publisher, Subject},
    scratch::Spool,
};
use crate::{
    exec::LookedUp,
    identity::PartyName,
    job::{Failure, JobId, JobKind, JobSpec, Reason, Stage},
    plan::{Answers, Asks, EncodedInput, KeyIds, Lookup, LookupEnd, Op, Passing, Plan},
};

/// The folders of a participant's lookups.
#[derive(Debug)]
pub(super) struct Lookups {
    publications: Publications,
    fetched: Fetched,
}

/// The lookup of a plan, if it has one.
fn lookup_of(plan: &Plan) -> Option<&Lookup> {
    plan.nodes.iter().find_map(|op| match op {
        Op::Lookup(of) => Some(of),
        _ => None,
    })
}

/// The rows whose keys are asked for, where this participant holds them.
pub(super) fn asked_of(held: &[Option<Held>], input: u32) -> Option<&Spool> {
    match held.get(input as usize)? {
        Some(Held::Asked(rows)) => Some(rows),
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
        fetched::clear(&published, &BTreeSet::new());
        Self { publications: Publications::new(published), fetched: Fetched::new(fetched) }
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
    (held, published): (&Arc<Vec<Option<Held>>>, Option<&Arc<Answers>>),
    inputs: &mut [Option<EncodedInput>],
) -> Result<(), Failure> {
    let Some(of) = lookup_of(plan) else { return Ok(()) };
    if let Some(answers) = published {
        let end = LookupEnd::Answers(Arc::clone(answers));
        inputs[of.answers as usize].iter_mut().for_each(|input| input.lookup = Some(end.clone()));
    }
    let (Some(_), Some(lookups)) = (asked_of(held, of.asks), lookups) else { return Ok(()) };
    let provider = plan.inputs[of.answers as usize].party.clone();
    let pin = me.pins.of(&provider).map_err(|error| failed(me.name, error.to_string()))?;
    let (key, terms) = (pin.key, of.terms(plan));
    let (copies, shelf) = lookups.fetched.copies(fetched::Of { provider, key, terms });
    let (ids, passing) = brought(me.name, plan, (of, held));
    let (copies, shelf) = (Mutex::new(copies), Box::new(shelf));
    let asks = Asks { provider: key, ids, passing, copies, shelf };
    let end = LookupEnd::Asks(Arc::new(asks));
    inputs[of.asks as usize].iter_mut().for_each(|input| input.lookup = Some(end.clone()));
    Ok(())
}

/// The keys of the rows that are asked for, and files for what is found of them: both on this party's disk.
fn brought(
    name: &PartyName,
    plan: &Plan,
    (of, held): (&Lookup, &Arc<Vec<Option<Held>>>),
) -> (Box<KeyIds>, Box<Passing>) {
    let (name, asks) = (name.clone(), of.asks);
    let key = plan.inputs[asks as usize].key.clone();
    let rows = Arc::clone(held);
    let ids = move |salt: &[u8; 32]| {
        let rows = asked_of(&rows, asks).zip(key.as_ref());
        let rows = rows.ok_or_else(|| failed(&name, "the keys to ask for are gone"))?;
        rows.0.own_set(&name, rows.1, salt)
    };
    let rows = Arc::clone(held);
    let passing = move || {
        let rows = asked_of(&rows, asks).ok_or(io::ErrorKind::NotFound)?;
        rows.passing().map_err(io::Error::other)
    };
    (Box::new(ids), Box::new(passing))
}

/// Writes what was learned into a folder.
pub(super) fn write(
    folder: &Path,
    (job, plan): (JobId, &Plan),
    held: &[Option<Held>],
    looked_up: &[LookedUp],
) -> Result<(), Failure> {
    let Some(of) = lookup_of(plan) else { return Ok(()) };
    for LookedUp { input, labels } in looked_up {
        let Some(rows) = asked_of(held, *input) else { continue };
        let datasets = plan.inputs[*input as usize].datasets.join("-");
        let path = folder.join(format!("{job}-{datasets}.parquet"));
        let provider = &plan.inputs[of.answers as usize].party;
        labelled::write(&path, (of, provider), rows, labels)?;
    }
    Ok(())
}
