//! What a provider has published for private lookups: one file for each, with the key that answers queries about it.
//!
//! A publication serves as long as its table, its key columns, its condition, its label columns and the number of queries stay
//! what they are; when one of them changes there is a new one, under a fresh key.
//!
//! Where the policy of the dataset has changes, and only the table did change, and little of it, a change is published behind the others:
//! in a file of its own, under a fresh key and the salt of the table that it changes. What the publications say at the last stands beside
//! them ([`Standing`]), and belongs to the last of them; where it does not, or the last is not there, there is a whole table again, as
//! where there is no place for another change.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use protocols::{
    prg::Prg,
    psi::lookup::{Epoch, Stored, Terms},
};

use super::{
    difference::{Difference, stand},
    entries::Entries,
    fetched::unfinished,
    joint::random,
    making::New,
    publication::{Kept, Published, about, front_bytes, head, load},
    scratch::Spool,
    standing::{Digests, Standing, Writing},
};
use crate::{
    identity::{Hash32, IdentityKey, PartyName},
    job::{Failure, PsiSet, Reason, Stage},
    plan::{Answers, Layer, LocalInput, Lookup, MOST_CHANGES, Plan, STATEMENT_BYTES, Statement},
};

/// What the names of whole tables end in.
const WHOLE: &str = "publication";

/// The publications of one provider, in a folder of its own.
#[derive(Debug)]
pub(super) struct Publications {
    folder: PathBuf,
    making: Mutex<()>,
}

/// Whose, and when.
#[derive(Clone, Copy)]
pub(super) struct Publisher<'a> {
    pub(super) name: &'a PartyName,
    pub(super) key: &'a IdentityKey,
    pub(super) now_ms: i64,
}

/// What is to be published: an input of a plan, and its rows.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) set: &'a PsiSet,
    pub(super) plan: &'a Plan,
    pub(super) of: &'a Lookup,
    pub(super) rows: &'a Spool,
}

impl<'a> Subject<'a> {
    pub(super) fn input(&self) -> &'a LocalInput {
        &self.plan.inputs[self.of.answers as usize]
    }
}

/// The publications of one subject, that are there or are made.
struct Work<'a> {
    folder: &'a Path,
    publisher: Publisher<'a>,
    subject: Subject<'a>,
    entries: &'a Entries<'a>,
    terms: Hash32,
}

/// What became of publications whose rows have changed.
enum Changed {
    /// What they say is what is to be said, though rows stand in another order.
    Nothing,
    By(Box<Kept>),
    /// There is too much, or nothing that it could be a change of.
    Whole,
}

impl Publications {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, making: Mutex::default() }
    }

    /// The publications of these rows: those that are there if they are still of them, a change behind them or a new one otherwise.
    ///
    /// # Errors
    /// [`Failure`] if rows do not fit what is declared of them, or the folder cannot be written.
    pub(super) fn of(
        &self,
        publisher: Publisher<'_>,
        subject: Subject<'_>,
    ) -> Result<(Arc<Answers>, Published), Failure> {
        let _making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        let (entries, terms) = (&Entries::of(publisher, subject)?, subject.of.terms(subject.plan));
        let work = Work { folder: &self.folder, publisher, subject, entries, terms };
        let mut chain = work.chain();
        if let Some(last) = chain.last() {
            let content = entries.hash(&last.layer.statement.salt.0)?;
            if content != last.content {
                match work.change(&chain, content, self.next(publisher))? {
                    Changed::Nothing => {}
                    Changed::By(change) => chain.push(*change),
                    Changed::Whole => chain.clear(),
                }
            }
        }
        if chain.is_empty() {
            chain.push(work.whole(self.next(publisher))?);
        }
        let about = told(chain.iter().map(|kept| kept.about.clone()));
        let layers = chain.into_iter().map(|kept| kept.layer).collect();
        let about = about.ok_or_else(|| {
            fault(publisher, Reason::Internal, "a publication of nothing".to_owned())
        })?;
        Ok((Arc::new(Answers { layers }), about))
    }

    /// What there is, by dataset.
    pub(super) fn list(&self) -> Vec<Published> {
        let paths = self.paths();
        let whole = paths.iter().filter(|path| path.extension().is_some_and(|end| end == WHOLE));
        let mut all: Vec<_> = whole.filter_map(|path| listed(path)).collect();
        all.sort_by(|a, b| (&a.dataset, a.epoch).cmp(&(&b.dataset, b.epoch)));
        all
    }

    fn paths(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(&self.folder) else { return Vec::new() };
        entries.filter_map(|entry| Some(entry.ok()?.path())).collect()
    }

    /// A number that no publication had before.
    fn next(&self, publisher: Publisher<'_>) -> u64 {
        let last =
            self.paths().iter().filter_map(|path| about(path)).map(|about| about.epoch).max();
        let now = u64::try_from(publisher.now_ms).unwrap_or(0);
        now.max(last.unwrap_or(0) + 1)
    }
}

/// Where a publication is kept: the whole one, and behind it those that change it.
fn beside(whole: &Path, place: usize) -> PathBuf {
    match place {
        0 => whole.to_owned(),
        place => whole.with_extension(format!("change-{place}")),
    }
}

/// The whole table with what changes it, of what is said of each.
fn told(chain: impl Iterator<Item = Published>) -> Option<Published> {
    let mut chain = chain;
    let whole = chain.next()?;
    Some(Published { changes: chain.collect(), ..whole })
}

/// What the file of a whole table is about, and those of its changes.
fn listed(whole: &Path) -> Option<Published> {
    let mut chain = vec![about(whole)?];
    for place in 1..=MOST_CHANGES {
        let change = about(&beside(whole, place));
        let last = chain.last().map(|last| last.epoch);
        let Some(change) = change.filter(|change| change.base == last) else { break };
        chain.push(change);
    }
    told(chain.into_iter())
}

impl Work<'_> {
    fn path(&self, place: usize) -> PathBuf {
        beside(&self.folder.join(format!("{}.{WHOLE}", self.terms)), place)
    }

    fn standing(&self) -> PathBuf {
        self.path(0).with_extension("standing")
    }

    fn broken(&self, error: &io::Error) -> Failure {
        let words = format!("{}: {error}", self.folder.display());
        fault(self.publisher, Reason::of_fault(error), words)
    }

    /// What there is: a whole table, and the changes of it; nothing if the last of these is not there or not known to be the last.
    fn chain(&self) -> Vec<Kept> {
        let load = |place: usize| load(&self.path(place), self.terms, &self.publisher.key.public());
        let Some(whole) = load(0) else { return Vec::new() };
        let (mut chain, mut last) = (Vec::new(), whole.layer.statement.clone());
        chain.push(whole);
        if self.subject.of.changes.is_none() {
            return chain;
        }
        for place in 1..=MOST_CHANGES {
            let change = load(place).filter(|change| change.layer.statement.changes(&last));
            let Some(change) = change else { break };
            last = change.layer.statement.clone();
            chain.push(change);
        }
        let stands = Standing::open(&self.standing(), last.header.epoch.number);
        if stands.is_some() { chain } else { Vec::new() }
    }

    /// A change behind the others, if no more has changed than goes into one.
    fn change(&self, chain: &[Kept], content: [u8; 32], number: u64) -> Result<Changed, Failure> {
        let (Some(rows), Some(last)) = (self.subject.of.changes, chain.last()) else {
            return Ok(Changed::Whole);
        };
        let Statement { salt, header, .. } = last.layer.statement;
        let before = Standing::open(&self.standing(), header.epoch.number);
        let Some(before) = before.filter(|_| chain.len() <= MOST_CHANGES) else {
            return Ok(Changed::Whole);
        };
        let of = (number, self.entries.count());
        let mut writing = Writing::new(self.folder, of, &before.digests())
            .map_err(|error| self.broken(&error))?;
        let difference = Difference::of(self.entries, &salt.0, before, &mut writing)?;
        let Some(difference) = difference.filter(|difference| difference.count() <= rows) else {
            return Ok(Changed::Whole);
        };
        if difference.count() == 0 {
            return Ok(Changed::Nothing);
        }
        let epoch = Epoch { number, base: Some(header.epoch.number) };
        let made = self.make((chain.len(), epoch), (salt, content), Some(difference))?;
        writing.keep(&self.standing()).map_err(|error| self.broken(&error))?;
        Ok(Changed::By(Box::new(made)))
    }

    /// A whole table, under a fresh salt; what changed the one before goes.
    fn whole(&self, number: u64) -> Result<Kept, Failure> {
        let (salt, epoch) = (Hash32(*random::<32>()?), Epoch { number, base: None });
        fs::create_dir_all(self.folder).map_err(|error| self.broken(&error))?;
        let mut standing = None;
        if self.subject.of.changes.is_some() {
            let (digests, of) = (Digests::new(random::<32>()?), (number, self.entries.count()));
            let writing = Writing::new(self.folder, of, &digests);
            let mut writing = writing.map_err(|error| self.broken(&error))?;
            stand(self.entries, (&salt.0, &digests), &mut writing)?;
            standing = Some(writing);
        }
        let made = self.make((0, epoch), (salt, self.entries.hash(&salt.0)?), None)?;
        if let Some(standing) = standing {
            standing.keep(&self.standing()).map_err(|error| self.broken(&error))?;
        }
        for place in 1..=MOST_CHANGES {
            // One that stays changes nothing that is there.
            let _ = fs::remove_file(self.path(place));
        }
        Ok(made)
    }

    /// A new publication, under a fresh key and a number that none had before: written beside its place, for its owner's eyes alone, and
    /// moved there.
    fn make(
        &self,
        (place, epoch): (usize, Epoch),
        (salt, content): (Hash32, [u8; 32]),
        change: Option<Difference>,
    ) -> Result<Kept, Failure> {
        let Subject { plan, of, .. } = self.subject;
        let broken = |error: io::Error| self.broken(&error);
        let about = self.about(place, epoch);
        let terms =
            Terms { epoch, queries: of.queries, rows: about.rows, label_bytes: of.label_bytes() };
        let told = serde_json::to_vec(&about).map_err(|error| broken(error.into()))?;
        let mut file = unfinished(self.folder).map_err(broken)?;
        let front = front_bytes(&told);
        let (entries, rng) = (self.entries, Prg::new(&*random::<16>()?));
        let mut new = New { entries, salt, terms, change, rng };
        let (header, key) = new.written(self.publisher, file.as_file_mut(), front)?;
        let statement = Statement::sign(of.terms(plan), salt, header, self.publisher.key);
        head(file.as_file_mut(), (&content, &key, &statement), &told).map_err(broken)?;
        let file = file.persist(self.path(place)).map_err(|error| broken(error.error))?;
        let body = Box::new(Stored::behind(file, front).map_err(broken)?);
        Ok(Kept { layer: Layer { statement, key, body }, content, about })
    }

    /// What a publication in a place is about.
    fn about(&self, place: usize, epoch: Epoch) -> Published {
        let Subject { set, plan, of, .. } = self.subject;
        let bytes = of.all_bytes(plan).and_then(|all| all.get(place).copied()).unwrap_or(0);
        Published {
            dataset: set.dataset.clone(),
            key: set.key.clone(),
            columns: set.columns.clone(),
            filter: set.filter.clone(),
            rows: of.rows_of(plan, place).unwrap_or(0),
            queries: of.queries,
            bytes: (bytes + STATEMENT_BYTES) as u64,
            epoch: epoch.number,
            base: epoch.base,
            changes: Vec::new(),
        }
    }
}

pub(super) fn fault(publisher: Publisher<'_>, reason: Reason, words: String) -> Failure {
    Failure::new(reason, Stage::Prepare, words).at(publisher.name)
}

#[cfg(test)]
mod tests;
