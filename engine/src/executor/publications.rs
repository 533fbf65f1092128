//! What a provider has published for private lookups: one file for each, with the key that answers queries about it.
//!
//! A publication serves as long as its table, its key columns, its condition, its label columns and the number of queries stay
//! what they are; when one of them changes there is a new one, under a fresh key.

use std::{
    collections::HashSet,
    fs::{self, OpenOptions},
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use datafusion::arrow::array::RecordBatch;
use protocols::{
    prg::Prg,
    psi::lookup::{Epoch, EpochKey, Publication, Rows, publish},
    ring::Z128,
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::joint::random;
use crate::{
    identity::{Hash32, IdentityKey, PartyName},
    job::{Failure, PsiSet, Reason, Stage},
    plan::{Answers, LocalInput, Lookup, Plan, STATEMENT_BYTES, Statement},
    sql::{key_ids_of, label_rows},
};

const MAGIC: [u8; 8] = *b"UNSPUB01";

/// Bytes of an epoch's key.
const KEY_BYTES: usize = 40;

/// Bytes in front of what a publication is about, its length included.
const HEAD_BYTES: usize = MAGIC.len() + 32 + KEY_BYTES + STATEMENT_BYTES + 4;

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
    pub(super) rows: &'a RecordBatch,
}

impl Subject<'_> {
    fn input(&self) -> &LocalInput {
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

/// Items and labels under one salt.
struct Content {
    items: Vec<u128>,
    labels: Vec<u8>,
    hash: [u8; 32],
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
        if let Some(kept) = load(&path, publisher, subject)
            && content(publisher, subject, &kept.answers.statement.salt)?.hash == kept.content
        {
            return Ok((Arc::new(kept.answers), kept.about));
        }
        let kept = self.make(publisher, subject)?;
        store(&path, &kept).map_err(|error| {
            fault(publisher, Reason::Internal, format!("{}: {error}", path.display()))
        })?;
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

    /// A new publication, under a fresh key and salt and a number that none had before.
    fn make(&self, publisher: Publisher<'_>, subject: Subject<'_>) -> Result<Kept, Failure> {
        let Subject { set, plan, of, .. } = subject;
        let salt = Hash32(*random::<32>()?);
        let mut rng = Prg::new(&*random::<16>()?);
        let mut content = content(publisher, subject, &salt)?;
        let bound = usize::try_from(subject.input().rows).unwrap_or(usize::MAX);
        // How many keys there are is nobody's business: invented ones fill the table up.
        let invented = rng.elements::<Z128>(bound.saturating_sub(content.items.len()));
        content.items.extend(invented.iter());
        content.labels.resize(bound * of.label_bytes() as usize, 0);
        let last = self.list().iter().map(|about| about.epoch).max().unwrap_or(0);
        let epoch = u64::try_from(publisher.now_ms).unwrap_or(0).max(last + 1);
        let (Publication { header, body }, key) =
            published(publisher, (epoch, of), &content, &mut rng)?;
        let statement = Statement::sign(of.terms(plan), salt, header, publisher.key);
        let about = Published {
            dataset: set.dataset.clone(),
            key: set.key.clone(),
            columns: set.columns.clone(),
            filter: set.filter.clone(),
            rows: subject.input().rows,
            queries: of.queries,
            bytes: (body.len() + STATEMENT_BYTES) as u64,
            epoch,
        };
        Ok(Kept { answers: Answers { statement, key, body }, content: content.hash, about })
    }
}

fn published(
    publisher: Publisher<'_>,
    (number, of): (u64, &Lookup),
    content: &Content,
    rng: &mut Prg,
) -> Result<(Publication, EpochKey), Failure> {
    let rows = Rows {
        items: &content.items,
        labels: &content.labels,
        label_bytes: of.label_bytes(),
        withdrawn: &[],
    };
    let epoch = Epoch { number, base: None };
    let mut made = publish(epoch, of.queries, rows, rng);
    for _ in 1..ATTEMPTS {
        if made.is_ok() {
            break;
        }
        made = publish(epoch, of.queries, rows, rng);
    }
    made.map_err(|error| fault(publisher, Reason::Internal, error.to_string()))
}

/// The ids of the first row of each key, with its label.
fn content(
    publisher: Publisher<'_>,
    subject: Subject<'_>,
    salt: &Hash32,
) -> Result<Content, Failure> {
    let wrong = |words: String| fault(publisher, Reason::InputInvalid, words);
    let (input, rows) = (subject.input(), subject.rows);
    if rows.num_rows() as u64 > input.rows {
        return Err(wrong(format!(
            "{} has more rows than its published bound",
            subject.set.dataset
        )));
    }
    let ids = key_ids_of(input, rows, &salt.0).map_err(|error| wrong(error.to_string()))?;
    let mut seen = HashSet::with_capacity(ids.len());
    let (mut items, mut chosen) = (Vec::new(), Vec::new());
    for (id, row) in ids.into_iter().zip(0_u32..) {
        if let Some(id) = id.filter(|id| seen.insert(*id)) {
            items.push(id);
            chosen.push(row);
        }
    }
    let labels = label_rows(input, subject.of, rows, &chosen);
    let labels = labels.map_err(|error| wrong(error.to_string()))?;
    let mut hasher = blake3::Hasher::new_derive_key("unseen.publication-content/v1");
    hasher.update(&(items.len() as u64).to_le_bytes());
    for item in &items {
        hasher.update(&item.to_le_bytes());
    }
    let hash = *hasher.update(&labels).finalize().as_bytes();
    Ok(Content { items, labels, hash })
}

/// What the file holds, if it holds a publication of these terms that this provider made.
fn load(path: &Path, publisher: Publisher<'_>, subject: Subject<'_>) -> Option<Kept> {
    let bytes = Zeroizing::new(fs::read(path).ok()?);
    let (magic, rest) = bytes.split_first_chunk::<8>()?;
    let (content, rest) = rest.split_first_chunk::<32>()?;
    let (key, rest) = rest.split_first_chunk::<KEY_BYTES>()?;
    let (statement, rest) = rest.split_first_chunk::<STATEMENT_BYTES>()?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (about, body) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    let terms = subject.of.terms(subject.plan);
    let statement = Statement::check(statement, terms, &publisher.key.public()).ok()?;
    let key = EpochKey::from_bytes(key)?;
    let whole = *magic == MAGIC
        && key.public() == &statement.header.key
        && *blake3::hash(body).as_bytes() == statement.header.digest;
    let about = serde_json::from_slice(about).ok()?;
    let answers = Answers { statement, key, body: body.to_vec() };
    whole.then_some(Kept { answers, content: *content, about })
}

/// What a file says it is about, without the table in it.
fn about(path: &Path) -> Option<Published> {
    use std::io::Read as _;
    let mut file = fs::File::open(path).ok()?;
    let mut head = Zeroizing::new([0; HEAD_BYTES]);
    file.read_exact(head.as_mut()).ok()?;
    let length = u32::from_le_bytes(*head.last_chunk::<4>()?);
    let mut about = Vec::new();
    file.take(length.into()).read_to_end(&mut about).ok()?;
    head.starts_with(&MAGIC).then(|| serde_json::from_slice(&about).ok())?
}

/// Written beside its place, for its owner's eyes alone, and moved there.
fn store(path: &Path, kept: &Kept) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let about = serde_json::to_vec(&kept.about)?;
    let length = u32::try_from(about.len()).unwrap_or(u32::MAX).to_le_bytes();
    let part = path.with_extension("part");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
    let Answers { statement, key, body } = &kept.answers;
    let (key, statement) = (key.to_bytes(), statement.to_bytes());
    for bytes in [&MAGIC[..], &kept.content, &*key, &statement, &length, &about, body] {
        file.write_all(bytes)?;
    }
    file.sync_all()?;
    fs::rename(&part, path)
}

fn fault(publisher: Publisher<'_>, reason: Reason, words: String) -> Failure {
    Failure::new(reason, Stage::Prepare, words).at(publisher.name)
}
