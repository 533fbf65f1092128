//! A provider's rows as a table that says nothing without an answer of the provider's.

use std::{
    io::{self, Cursor},
    sync::atomic::{AtomicBool, Ordering},
};

use super::{
    body,
    filed::Filed,
    header::{Epoch, Header, MOST},
    key::EpochKey,
    label::{mask, prefix},
    places::Scratch,
    suite::{OUTPUT_BYTES, hash_to_group, multiply, output},
};
use crate::{
    prg::Prg,
    psi::cores::{PART, on_all_cores},
};

/// Rows that are worked on together, by all cores.
const TOGETHER: usize = 1 << 14;

/// What is published: distinct items with a label of a fixed length each, and for a change the items withdrawn.
#[derive(Clone, Copy)]
pub struct Rows<'r> {
    /// The items.
    pub items: &'r [u128],
    /// Their labels, one behind the other.
    pub labels: &'r [u8],
    /// Bytes of a label; may be 0.
    pub label_bytes: u32,
    /// Items that an earlier publication had and that are there no more. Only in a change.
    pub withdrawn: &'r [u128],
}

/// Rows do not print.
impl std::fmt::Debug for Rows<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Rows({} items, {} withdrawn)", self.items.len(), self.withdrawn.len())
    }
}

/// A table to hand out: the header is to be signed.
#[derive(Clone, Debug)]
pub struct Publication {
    /// What describes the body.
    pub header: Header,
    /// Tags and labels.
    pub body: Vec<u8>,
}

/// What is known of a table before its rows are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Which publication.
    pub epoch: Epoch,
    /// How many queries will be answered in the epoch at most, over all recipients; the width of the tags follows from it.
    pub queries: u64,
    /// Rows, those of items withdrawn included.
    pub rows: u64,
    /// Bytes of a label; may be 0.
    pub label_bytes: u32,
}

/// Why rows cannot be published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// Labels of another length.
    #[error(
        "{items} labels of {each} bytes are due, there are {got} bytes; make all labels equally long"
    )]
    Labels {
        /// Items.
        items: usize,
        /// Bytes of each label.
        each: u32,
        /// Bytes there are.
        got: usize,
    },
    /// Another number of rows than was said.
    #[error("{want} rows were said and {got} are there")]
    Count {
        /// Rows said.
        want: u64,
        /// Rows there are.
        got: u64,
    },
    /// An item twice, or an item that is withdrawn and there.
    #[error("an item appears twice; join its rows first")]
    Duplicate,
    /// Items withdrawn from a whole table.
    #[error("a whole table withdraws nothing: leave the items out")]
    Withdrawn,
    /// More rows or queries than a table can have.
    #[error("a table has at most 2^40 rows and queries")]
    TooLarge,
    /// Two items have one tag, which happens with the probability that tags are made wide against.
    #[error("two tags fell together; publish again, it will draw a fresh key")]
    Unlucky,
    /// The table, or what it is made in, cannot be written or read again.
    #[error("the table cannot be written: {0}")]
    Storage(io::ErrorKind),
}

impl From<io::Error> for PublishError {
    fn from(error: io::Error) -> Self {
        Self::Storage(error.kind())
    }
}

/// Makes a table of rows that come a few at a time, in any order, and the key that answers queries about it. Rows wait in a scratch,
/// where they are already as unreadable as in the table: a MB of them is in memory, and of tables beyond a GB a thousandth.
///
/// # Cost
/// A hash to the group and a multiplication a row, by all the cores there are. The body has about `42 + log2(queries)` bits a row, and the labels; the scratch
/// has as many labels and 16 bytes a row.
///
/// # Security
/// The key is fresh, here as for every change: answers of one epoch open nothing in another. Who holds the table learns the
/// number of rows and the length of labels, and what the budget lets it ask; see the [module](super) on items that can be
/// guessed. The scratch has rows in the order in which they came, which the table hides: it is for this party's eyes alone. Time
/// and memory access depend on the rows, which are this party's own.
pub struct Publisher<'s> {
    header: Header,
    key: EpochKey,
    filed: Filed<'s>,
}

impl<'s> Publisher<'s> {
    /// A table of which nothing is there yet; the scratch is empty.
    ///
    /// # Errors
    /// [`PublishError::TooLarge`].
    pub fn new(
        terms: Terms,
        scratch: &'s mut dyn Scratch,
        rng: &mut Prg,
    ) -> Result<Self, PublishError> {
        let Terms { epoch, queries, rows, label_bytes } = terms;
        if queries > MOST || rows > MOST {
            return Err(PublishError::TooLarge);
        }
        let key = EpochKey::random(epoch.number, rng);
        let (public, digest) = (*key.public(), [0; 32]);
        let header = Header { epoch, rows, queries, label_bytes, key: public, digest };
        let filed = Filed::new(scratch, rows, header.slot_bytes());
        Ok(Self { header, key, filed })
    }

    /// Adds items with their labels, one behind the other.
    ///
    /// # Errors
    /// [`PublishError`], but for what shows at the [end](Publisher::finish).
    pub fn push(&mut self, items: &[u128], labels: &[u8]) -> Result<(), PublishError> {
        let each = self.header.label_bytes;
        if items.len() * each as usize != labels.len() {
            let (items, got) = (items.len(), labels.len());
            return Err(PublishError::Labels { items, each, got });
        }
        self.file(items, Some(labels))
    }

    /// Adds items that an earlier publication had and that are there no more.
    ///
    /// # Errors
    /// [`PublishError::Withdrawn`] for a whole table, and as [`Publisher::push`].
    pub fn withdraw(&mut self, items: &[u128]) -> Result<(), PublishError> {
        if self.header.epoch.base.is_none() && !items.is_empty() {
            return Err(PublishError::Withdrawn);
        }
        self.file(items, None)
    }

    /// Writes the body behind where `out` stands, which is at its end; gives what describes it, to be signed.
    ///
    /// # Errors
    /// [`PublishError::Count`] if there are not as many rows as was said; [`PublishError::Duplicate`] if an item is there twice, and
    /// [`PublishError::Unlucky`]; [`PublishError::Storage`].
    pub fn finish(self, out: &mut dyn Scratch) -> Result<(Header, EpochKey), PublishError> {
        let Self { mut header, key, filed } = self;
        let (want, got) = (header.rows, filed.rows());
        if want != got {
            return Err(PublishError::Count { want, got });
        }
        header.digest = body::write(&header, filed, out)?;
        Ok((header, key))
    }

    /// Files items with these labels, or as withdrawn.
    fn file(&mut self, items: &[u128], labels: Option<&[u8]>) -> Result<(), PublishError> {
        let width = self.header.label_bytes as usize;
        for (at, items) in items.chunks(TOGETHER).enumerate() {
            let outputs = outputs(&self.key, items).ok_or(PublishError::Unlucky)?;
            for (row, output) in (at * TOGETHER..).zip(&outputs) {
                let label = labels.and_then(|all| all.get(row * width..(row + 1) * width));
                self.filed.push(prefix(output), &slot(&self.header, label, output))?;
            }
        }
        Ok(())
    }
}

/// Rows do not print.
impl std::fmt::Debug for Publisher<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Publisher(epoch {}, {} rows)", self.header.epoch.number, self.header.rows)
    }
}

/// Makes a table of rows that are all in memory, there: see [`Publisher`].
///
/// # Errors
/// [`PublishError`].
pub fn publish(
    epoch: Epoch,
    queries: u64,
    rows: Rows<'_>,
    rng: &mut Prg,
) -> Result<(Publication, EpochKey), PublishError> {
    let Rows { items, labels, label_bytes, withdrawn } = rows;
    let (mut scratch, mut body) = (Cursor::new(Vec::new()), Cursor::new(Vec::new()));
    let rows = (items.len() + withdrawn.len()) as u64;
    let terms = Terms { epoch, queries, rows, label_bytes };
    let mut publisher = Publisher::new(terms, &mut scratch, rng)?;
    publisher.push(items, labels)?;
    publisher.withdraw(withdrawn)?;
    let (header, key) = publisher.finish(&mut body)?;
    Ok((Publication { header, body: body.into_inner() }, key))
}

/// The function of every item; nothing if an item's point is the neutral one.
fn outputs(key: &EpochKey, items: &[u128]) -> Option<Vec<[u8; OUTPUT_BYTES]>> {
    let (mut all, missing) = (vec![[0; OUTPUT_BYTES]; items.len()], AtomicBool::new(false));
    on_all_cores(all.chunks_mut(PART).zip(items.chunks(PART)), |(out, items)| {
        if part_of(key, items, out).is_none() {
            missing.store(true, Ordering::Relaxed);
        }
    });
    (!missing.into_inner()).then_some(all)
}

fn part_of(key: &EpochKey, items: &[u128], out: &mut [[u8; OUTPUT_BYTES]]) -> Option<()> {
    let inputs: Vec<_> = items.iter().map(|item| item.to_le_bytes()).collect();
    let mut elements = hash_to_group(inputs.iter().map(<[u8; 16]>::as_slice));
    elements = multiply(std::iter::repeat(*key.secret.scalar()), &elements)?;
    let pairs = inputs.iter().zip(&elements);
    out.iter_mut().zip(pairs).for_each(|(out, (input, element))| *out = output(input, element));
    Some(())
}

/// The function of one item.
#[cfg(test)]
pub(super) fn function(key: &EpochKey, item: u128) -> [u8; OUTPUT_BYTES] {
    functions(key, &[item])[0]
}

/// The function of each item.
#[cfg(test)]
pub(super) fn functions(key: &EpochKey, items: &[u128]) -> Vec<[u8; OUTPUT_BYTES]> {
    outputs(key, items).unwrap()
}

/// A label as it is filed: behind it, in a change, whether the item is withdrawn; all of it encrypted.
fn slot(header: &Header, label: Option<&[u8]>, output: &[u8; OUTPUT_BYTES]) -> Vec<u8> {
    let mut slot = vec![0; header.slot_bytes()];
    if let Some(label) = label {
        slot[..label.len()].copy_from_slice(label);
    } else if let Some(withdrawn) = slot.last_mut() {
        *withdrawn = 1;
    }
    mask(output, &mut slot);
    slot
}
