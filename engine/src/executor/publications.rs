//! What a provider has published for private lookups: one file for each, with the key that answers queries about it.
//!
//! A publication serves as long as its table, its key columns, its condition, its label columns and the number of queries stay
//! what they are; when one of them changes there is a new one, under a fresh key.

use std::{
    fs::{self, File},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use protocols::{
    prg::Prg,
    psi::lookup::{Epoch, EpochKey, Header, PublishError, Publisher as Maker, Stored, Terms},
    ring::Z128,
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{entries::Entries, fetched::unfinished, joint::random, scratch::Spool};
use crate::{
    identity::{Hash32, IdentityKey, PartyName},
    job::{Failure, PsiSet, Reason, Stage, is_full},
    plan::{Answers, LocalInput, Lookup, Plan, STATEMENT_BYTES, Statement},
};

const MAGIC: [u8; 8] = *b"UNSPUB01";

/// Bytes of an epoch's key.
const KEY_BYTES: usize = 40;

/// Bytes in front of what a publication is about, its length included.
const HEAD_BYTES: usize = MAGIC.len() + 32 + KEY_BYTES + STATEMENT_BYTES + 4;

/// Invented rows that are made at a time.
const INVENTED: usize = 4096;

/// How often two tags may fall together, which happens with probability 2^-40, before something else is wrong.
const ATTEMPTS: usize = 3;

/// What a publication is about, for its owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// `party.name`.
    pub dataset: String,
    /// The columns of its key.
    pub key: Vec<String>,
    /// What it says of a key.
    pub columns: Vec<String>,
    /// Which rows it is of.
    pub filter: Option<String>,
    /// The bound on its rows: so many are in it, invented ones among them.
    pub rows: u64,
    /// Queries that it answers in all.
    pub queries: u64,
    /// Bytes that the others fetch.
    pub bytes: u64,
    /// When it was made, UTC milliseconds; the number of its epoch as well.
    pub epoch: u64,
}

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

/// A publication as it is kept.
struct Kept {
    answers: Answers,
    /// Of the ids and labels that are in it.
    content: [u8; 32],
    about: Published,
}

/// What goes into a new one.
struct New<'a> {
    entries: &'a Entries<'a>,
    salt: Hash32,
    terms: Terms,
    rng: Prg,
}

impl Publications {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, making: Mutex::default() }
    }

    /// The publication of these rows: the one that is there if it is still of them, a new one otherwise.
    ///
    /// # Errors
    /// [`Failure`] if rows do not fit what is declared of them, or the folder cannot be written.
    pub(super) fn of(
        &self,
        publisher: Publisher<'_>,
        subject: Subject<'_>,
    ) -> Result<(Arc<Answers>, Published), Failure> {
        let _making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.folder.join(format!("{}.publication", subject.of.terms(subject.plan)));
        let entries = Entries::of(publisher, subject)?;
        if let Some(kept) = load(&path, publisher, subject)
            && entries.hash(&kept.answers.statement.salt.0)? == kept.content
        {
            return Ok((Arc::new(kept.answers), kept.about));
        }
        let kept = self.make((publisher, subject), &entries, &path)?;
        Ok((Arc::new(kept.answers), kept.about))
    }

    /// What there is, by dataset.
    pub(super) fn list(&self) -> Vec<Published> {
        let mut all: Vec<_> = self.paths().iter().filter_map(|path| about(path)).collect();
        all.sort_by(|a, b| (&a.dataset, a.epoch).cmp(&(&b.dataset, b.epoch)));
        all
    }

    fn paths(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(&self.folder) else { return Vec::new() };
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        paths.filter(|path| path.extension().is_some_and(|end| end == "publication")).collect()
    }

    /// A new publication, under a fresh key and salt and a number that none had before: written beside its place, for its owner's
    /// eyes alone, and moved there.
    fn make(
        &self,
        (publisher, subject): (Publisher<'_>, Subject<'_>),
        entries: &Entries<'_>,
        path: &Path,
    ) -> Result<Kept, Failure> {
        let Subject { set, plan, of, .. } = subject;
        let broken = |error: io::Error| {
            let words = format!("{}: {error}", path.display());
            fault(publisher, Reason::of_fault(&error), words)
        };
        let last = self.list().iter().map(|about| about.epoch).max().unwrap_or(0);
        let epoch = u64::try_from(publisher.now_ms).unwrap_or(0).max(last + 1);
        let (rows, bytes) = (subject.input().rows, of.table_bytes(plan).unwrap_or(0));
        let about = Published {
            dataset: set.dataset.clone(),
            key: set.key.clone(),
            columns: set.columns.clone(),
            filter: set.filter.clone(),
            rows,
            queries: of.queries,
            bytes: (bytes + STATEMENT_BYTES) as u64,
            epoch,
        };
        let salt = Hash32(*random::<32>()?);
        let epoch = Epoch { number: epoch, base: None };
        let terms = Terms { epoch, queries: of.queries, rows, label_bytes: of.label_bytes() };
        let told = serde_json::to_vec(&about).map_err(|error| broken(error.into()))?;
        fs::create_dir_all(&self.folder).map_err(broken)?;
        let mut file = unfinished(&self.folder).map_err(broken)?;
        let front = (HEAD_BYTES + told.len()) as u64;
        let mut new = New { entries, salt, terms, rng: Prg::new(&*random::<16>()?) };
        let (header, key) = new.written(publisher, file.as_file_mut(), front)?;
        let statement = Statement::sign(of.terms(plan), salt, header, publisher.key);
        let content = entries.hash(&salt.0)?;
        head(file.as_file_mut(), (&content, &key, &statement), &told).map_err(broken)?;
        let file = file.persist(path).map_err(|error| broken(error.error))?;
        let body = Box::new(Stored::behind(file, front).map_err(broken)?);
        Ok(Kept { answers: Answers { statement, key, body }, content, about })
    }
}

impl New<'_> {
    /// Writes the table into a file from `front` on.
    fn written(
        &mut self,
        publisher: Publisher<'_>,
        file: &mut File,
        front: u64,
    ) -> Result<(Header, EpochKey), Failure> {
        let failed = |error: PublishError| {
            let full = matches!(error, PublishError::Storage(kind) if is_full(kind));
            let reason = if full { Reason::DiskFull } else { Reason::Internal };
            fault(publisher, reason, error.to_string())
        };
        for attempt in 1.. {
            // An attempt that failed leaves nothing.
            let empty = file.set_len(front).and_then(|()| file.seek(SeekFrom::Start(front)));
            empty.map_err(|error| failed(error.into()))?;
            let mut scratch = self.entries.scratch()?;
            let maker = Maker::new(self.terms, &mut scratch, &mut self.rng).map_err(failed)?;
            match self.fill(maker, failed)?.finish(file) {
                Err(PublishError::Unlucky) if attempt < ATTEMPTS => {}
                made => return made.map_err(failed),
            }
        }
        Err(failed(PublishError::Unlucky))
    }

    /// Brings all rows. How many keys there are is nobody's business: invented ones fill the table up.
    fn fill<'s>(
        &mut self,
        mut maker: Maker<'s>,
        failed: impl Fn(PublishError) -> Failure,
    ) -> Result<Maker<'s>, Failure> {
        let Terms { rows, label_bytes, .. } = self.terms;
        self.entries
            .each(&self.salt.0, &mut |items, labels| maker.push(items, labels).map_err(&failed))?;
        let mut left = usize::try_from(rows.saturating_sub(self.entries.count())).unwrap_or(0);
        while left > 0 {
            let invented = self.rng.elements::<Z128>(left.min(INVENTED));
            let labels = vec![0; invented.len() * label_bytes as usize];
            maker.push(&invented, &labels).map_err(&failed)?;
            left -= invented.len();
        }
        Ok(maker)
    }
}

/// Writes what stands in front of a table.
fn head(
    file: &mut File,
    (content, key, statement): (&[u8; 32], &EpochKey, &Statement),
    about: &[u8],
) -> io::Result<()> {
    let length = u32::try_from(about.len()).unwrap_or(u32::MAX).to_le_bytes();
    let (key, statement) = (key.to_bytes(), statement.to_bytes());
    file.seek(SeekFrom::Start(0))?;
    for bytes in [&MAGIC[..], content, &*key, &statement, &length, about] {
        file.write_all(bytes)?;
    }
    file.sync_all()
}

/// What the file holds, if it holds a publication of these terms that this provider made.
fn load(path: &Path, publisher: Publisher<'_>, subject: Subject<'_>) -> Option<Kept> {
    let mut file = File::open(path).ok()?;
    let (front, about) = front(&mut file)?;
    let rest = front.strip_prefix(&MAGIC)?;
    let (content, rest) = rest.split_first_chunk::<32>()?;
    let (key, rest) = rest.split_first_chunk::<KEY_BYTES>()?;
    let (statement, _) = rest.split_first_chunk::<STATEMENT_BYTES>()?;
    let terms = subject.of.terms(subject.plan);
    let statement = Statement::check(statement, terms, &publisher.key.public()).ok()?;
    let key = EpochKey::from_bytes(key)?;
    let body = Stored::behind(file, (HEAD_BYTES + about.len()) as u64).ok()?;
    let whole = key.public() == &statement.header.key && statement.header.describes(&body).ok()?;
    let about = serde_json::from_slice(&about).ok()?;
    let answers = Answers { statement, key, body: Box::new(body) };
    whole.then_some(Kept { answers, content: *content, about })
}

/// What stands in front of a table: bytes of a known length, and what it is about.
fn front(file: &mut File) -> Option<(Zeroizing<[u8; HEAD_BYTES]>, Vec<u8>)> {
    let mut head = Zeroizing::new([0; HEAD_BYTES]);
    file.read_exact(head.as_mut()).ok()?;
    let length = u32::from_le_bytes(*head.last_chunk::<4>()?);
    let mut about = Vec::new();
    file.take(length.into()).read_to_end(&mut about).ok()?;
    Some((head, about))
}

/// What a file says it is about.
fn about(path: &Path) -> Option<Published> {
    let (head, about) = front(&mut File::open(path).ok()?)?;
    head.starts_with(&MAGIC).then(|| serde_json::from_slice(&about).ok())?
}

fn fault(publisher: Publisher<'_>, reason: Reason, words: String) -> Failure {
    Failure::new(reason, Stage::Prepare, words).at(publisher.name)
}

#[cfg(test)]
mod tests;
