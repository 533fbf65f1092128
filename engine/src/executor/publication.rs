//! One publication as its provider keeps it: a file with the key that answers queries about it, what it is about, and the table.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::Path,
};

use protocols::psi::lookup::{EpochKey, Stored};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    identity::{Hash32, PublicKey},
    plan::{Layer, STATEMENT_BYTES, Statement},
};

const MAGIC: [u8; 8] = *b"UNSPUB01";

/// Bytes of an epoch's key.
const KEY_BYTES: usize = 40;

/// Bytes in front of what a publication is about, its length included.
const HEAD_BYTES: usize = MAGIC.len() + 32 + KEY_BYTES + STATEMENT_BYTES + 4;

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
    /// For a change, the epoch of what it changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<u64>,
    /// Of a whole table, the changes that stand behind it.
    #[serde(skip)]
    pub changes: Vec<Self>,
}

/// A publication as it is kept.
pub(super) struct Kept {
    pub(super) layer: Layer,
    /// Of all ids and labels that there were when it was made.
    pub(super) content: [u8; 32],
    pub(super) about: Published,
}

/// Where the table begins in the file of a publication that is about this.
pub(super) fn front_bytes(about: &[u8]) -> u64 {
    (HEAD_BYTES + about.len()) as u64
}

/// Writes what stands in front of a table.
pub(super) fn head(
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

/// What the file holds, if it holds a publication of these terms that the owner of this key made.
pub(super) fn load(path: &Path, terms: Hash32, owner: &PublicKey) -> Option<Kept> {
    let mut file = File::open(path).ok()?;
    let (front, about) = front(&mut file)?;
    let rest = front.strip_prefix(&MAGIC)?;
    let (content, rest) = rest.split_first_chunk::<32>()?;
    let (key, rest) = rest.split_first_chunk::<KEY_BYTES>()?;
    let (statement, _) = rest.split_first_chunk::<STATEMENT_BYTES>()?;
    let statement = Statement::check(statement, terms, owner).ok()?;
    let key = EpochKey::from_bytes(key)?;
    let body = Stored::behind(file, front_bytes(&about)).ok()?;
    let whole = key.public() == &statement.header.key && statement.header.describes(&body).ok()?;
    let about = serde_json::from_slice(&about).ok()?;
    let layer = Layer { statement, key, body: Box::new(body) };
    whole.then_some(Kept { layer, content: *content, about })
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
pub(super) fn about(path: &Path) -> Option<Published> {
    let (head, about) = front(&mut File::open(path).ok()?)?;
    head.starts_with(&MAGIC).then(|| serde_json::from_slice(&about).ok())?
}
