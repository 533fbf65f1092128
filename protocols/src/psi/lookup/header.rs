//! What a provider signs, and a buyer checks a table against.

use std::io;

use super::{
    key::PublicKey,
    places::{Places, digest},
    table::{Table, TableError},
};
use crate::psi::elias_fano;

/// Bytes of a header.
pub const HEADER_BYTES: usize = 109;

const MAGIC: [u8; 8] = *b"UNSLKUP1";

/// An absent item passes for a present one with this probability, in bits, over all queries of an epoch.
const STATISTICAL_BITS: u32 = 40;

/// Neither rows nor queries go beyond this.
pub(super) const MOST: u64 = 1 << 40;

/// Which publication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epoch {
    /// Its number; publications of one provider never share one.
    pub number: u64,
    /// For a change: the publication that it changes. None for a whole table.
    pub base: Option<u64>,
}

/// What describes a table: the provider signs these bytes, and the buyer trusts nothing else of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Which publication.
    pub epoch: Epoch,
    /// Rows, those of items withdrawn included.
    pub rows: u64,
    /// Queries that may be asked about it in all: tags are as wide as that asks for.
    pub queries: u64,
    /// Bytes of every label.
    pub label_bytes: u32,
    /// What answers are proved against.
    pub key: PublicKey,
    /// BLAKE3 of the body.
    pub digest: [u8; 32],
}

/// Bytes of the body of a whole table, of which all else is public; nothing if they are beyond counting.
#[must_use]
pub fn table_bytes(rows: u64, queries: u64, label_bytes: u32) -> Option<usize> {
    let count = usize::try_from(rows).ok().filter(|_| rows.max(queries) <= MOST)?;
    let slots = count.checked_mul(label_bytes as usize)?;
    elias_fano::len(count, tag_bits(rows, queries)).checked_add(slots)
}

/// 40 + log2(rows · queries).
fn tag_bits(rows: u64, queries: u64) -> u32 {
    let pairs = u128::from(rows.max(1)) * u128::from(queries.max(1));
    STATISTICAL_BITS + pairs.next_power_of_two().trailing_zeros()
}

impl Header {
    /// Bits of a tag: 40 + log2(rows · queries).
    #[must_use]
    pub fn tag_bits(&self) -> u32 {
        tag_bits(self.rows, self.queries)
    }

    /// Bytes of a label as it is filed: a change says besides whether the item was withdrawn.
    pub(super) fn slot_bytes(&self) -> usize {
        self.label_bytes as usize + usize::from(self.epoch.base.is_some())
    }

    /// Bytes of tags and of filed labels; nothing if they are beyond counting.
    pub(super) fn body_parts(&self) -> Option<[usize; 2]> {
        let rows = usize::try_from(self.rows).ok()?;
        let slots = rows.checked_mul(self.slot_bytes())?;
        Some([elias_fano::len(rows, self.tag_bits()), slots])
    }

    /// The bytes to sign.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; HEADER_BYTES] {
        let base = self.epoch.base.unwrap_or(0).to_le_bytes();
        let parts: [&[u8]; 9] = [
            &MAGIC,
            &self.epoch.number.to_le_bytes(),
            &[u8::from(self.epoch.base.is_some())],
            &base,
            &self.rows.to_le_bytes(),
            &self.queries.to_le_bytes(),
            &self.label_bytes.to_le_bytes(),
            self.key.as_bytes(),
            &self.digest,
        ];
        let mut out = [0; HEADER_BYTES];
        let mut rest = &mut out[..];
        for part in parts {
            let (here, after) = rest.split_at_mut(part.len());
            here.copy_from_slice(part);
            rest = after;
        }
        out
    }

    /// The header of bytes whose signature was checked.
    ///
    /// # Errors
    /// [`TableError::Header`] if they are none.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, TableError> {
        Self::parse(bytes).ok_or(TableError::Header)
    }

    fn parse(mut bytes: &[u8]) -> Option<Self> {
        let magic: [u8; 8] = take(&mut bytes)?;
        let number = u64::from_le_bytes(take(&mut bytes)?);
        let [changes] = take(&mut bytes)?;
        let base = u64::from_le_bytes(take(&mut bytes)?);
        let base = match (changes, base) {
            (0, 0) => None,
            (1, base) => Some(base),
            _ => return None,
        };
        let rows = u64::from_le_bytes(take(&mut bytes)?);
        let queries = u64::from_le_bytes(take(&mut bytes)?);
        let label_bytes = u32::from_le_bytes(take(&mut bytes)?);
        let key = PublicKey::new(take(&mut bytes)?)?;
        let digest = take(&mut bytes)?;
        let whole = magic == MAGIC && bytes.is_empty() && rows.max(queries) <= MOST;
        let epoch = Epoch { number, base };
        whole.then_some(Self { epoch, rows, queries, label_bytes, key, digest })
    }

    /// Whether this is the body that was signed for. All of it is read, little of it at a time.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn describes(&self, body: &dyn Places) -> io::Result<bool> {
        Ok(digest(body)? == self.digest)
    }

    /// The table that this header describes, all of it in memory.
    ///
    /// # Errors
    /// [`TableError`] if the body is not the one that was signed for, or is none at all.
    pub fn open(&self, body: &[u8]) -> Result<Table, TableError> {
        self.open_stored(Box::new(body.to_vec()))
    }

    /// The table that this header describes, where it is kept: all of it is read, little of it at a time.
    ///
    /// # Errors
    /// [`TableError`] if it is not the one that was signed for, or cannot be read.
    pub fn open_stored(&self, body: Box<dyn Places>) -> Result<Table, TableError> {
        Table::open(self, body)
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*first)
}
