//! A provider's rows as a table that says nothing without an answer of the provider's.

use super::{
    header::{Epoch, Header, MOST},
    key::EpochKey,
    label::{mask, tag},
    suite::{OUTPUT_BYTES, hash_to_group, multiply, output},
};
use crate::{prg::Prg, psi::elias_fano};

/// Rows whose points are encoded together.
const TOGETHER: usize = 1024;

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
}

/// Makes a table of rows, and the key that answers queries about it.
///
/// # Shape
/// `queries`: how many will be answered in the epoch at most, over all recipients; the width of the tags follows from it.
///
/// # Cost
/// A hash to the group and a multiplication a row. The body has about `42 + log2(queries)` bits a row, and the labels.
///
/// # Errors
/// [`PublishError`].
///
/// # Security
/// The key is fresh, here as for every change: answers of one epoch open nothing in another. Who holds the table learns the
/// number of rows and the length of labels, and what the budget lets it ask; see the [module](super) on items that can be
/// guessed. Time and memory access depend on the rows, which are this party's own.
pub fn publish(
    epoch: Epoch,
    queries: u64,
    rows: Rows<'_>,
    rng: &mut Prg,
) -> Result<(Publication, EpochKey), PublishError> {
    check(epoch, queries, rows)?;
    let key = EpochKey::random(epoch.number, rng);
    let count = (rows.items.len() + rows.withdrawn.len()) as u64;
    let label_bytes = rows.label_bytes;
    let mut header =
        Header { epoch, rows: count, queries, label_bytes, key: *key.public(), digest: [0; 32] };
    let outputs = outputs(&key, rows).ok_or(PublishError::Unlucky)?;
    let mut order: Vec<(u128, u32)> =
        outputs.iter().map(|output| tag(output, header.tag_bits())).zip(0..).collect();
    order.sort_unstable();
    if order.windows(2).any(|two| two[0].0 == two[1].0) {
        return Err(PublishError::Unlucky);
    }
    let tags: Vec<u128> = order.iter().map(|(tag, _)| *tag).collect();
    let mut body = elias_fano::encode(&tags, header.tag_bits());
    for (_, row) in order {
        let row = row as usize;
        body.extend(slot(&header, rows, row, &outputs[row]));
    }
    header.digest = *blake3::hash(&body).as_bytes();
    Ok((Publication { header, body }, key))
}

fn check(epoch: Epoch, queries: u64, rows: Rows<'_>) -> Result<(), PublishError> {
    let Rows { items, labels, label_bytes, withdrawn } = rows;
    if items.len() * label_bytes as usize != labels.len() {
        let (items, each, got) = (items.len(), label_bytes, labels.len());
        return Err(PublishError::Labels { items, each, got });
    }
    if epoch.base.is_none() && !withdrawn.is_empty() {
        return Err(PublishError::Withdrawn);
    }
    let count = items.len() + withdrawn.len();
    if queries > MOST || u32::try_from(count).is_err() {
        return Err(PublishError::TooLarge);
    }
    let mut all = [items, withdrawn].concat();
    all.sort_unstable();
    if all.windows(2).any(|two| two[0] == two[1]) {
        return Err(PublishError::Duplicate);
    }
    Ok(())
}

/// The function of every item, those withdrawn last; nothing if an item's point is the neutral one.
fn outputs(key: &EpochKey, rows: Rows<'_>) -> Option<Vec<[u8; OUTPUT_BYTES]>> {
    let all = [rows.items, rows.withdrawn].concat();
    let mut outputs = Vec::with_capacity(all.len());
    for items in all.chunks(TOGETHER) {
        let inputs: Vec<_> = items.iter().map(|item| item.to_le_bytes()).collect();
        let mut elements = hash_to_group(inputs.iter().map(<[u8; 16]>::as_slice));
        elements = multiply(std::iter::repeat(*key.secret.scalar()), &elements)?;
        let pairs = inputs.iter().zip(&elements);
        outputs.extend(pairs.map(|(input, element)| output(input, element)));
    }
    Some(outputs)
}

/// The function of one item.
#[cfg(test)]
pub(super) fn function(key: &EpochKey, item: u128) -> [u8; OUTPUT_BYTES] {
    let rows = Rows { items: &[item], labels: &[], label_bytes: 0, withdrawn: &[] };
    outputs(key, rows).unwrap()[0]
}

/// A label as it is filed: behind it, in a change, whether the item is withdrawn; all of it encrypted.
fn slot(header: &Header, rows: Rows<'_>, row: usize, output: &[u8; OUTPUT_BYTES]) -> Vec<u8> {
    let width = rows.label_bytes as usize;
    let label = rows.labels.get(row * width..(row + 1) * width);
    let withdrawn = row >= rows.items.len();
    let mut slot = if withdrawn { vec![0; width] } else { label.unwrap_or_default().to_vec() };
    if header.epoch.base.is_some() {
        slot.push(u8::from(withdrawn));
    }
    mask(output, &mut slot);
    slot
}
