//! A published table, as a buyer has it.

use std::io;

use super::{
    buyer::Answer,
    header::Header,
    index::Index,
    label::{mask, tag},
    places::{Places, digest},
    suite::OUTPUT_BYTES,
};

/// Why bytes are no table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// A header that is none.
    #[error("these bytes are no header of a lookup table; was the file cut short?")]
    Header,
    /// A body of another length than the header says.
    #[error("the table has {got} bytes where its header says {want}; fetch it again")]
    Length {
        /// Bytes due.
        want: usize,
        /// Bytes there are.
        got: usize,
    },
    /// A body that was not signed for.
    #[error("the table is not the one that was signed; fetch it again")]
    Digest,
    /// A body whose tags cannot be read, though they were signed for.
    #[error("the table was signed and cannot be read; the provider must publish it again")]
    Tags,
    /// A table that cannot be read or written where it is kept.
    #[error("the table cannot be read or written where it is kept: {0}")]
    Storage(io::ErrorKind),
}

impl From<io::Error> for TableError {
    fn from(error: io::Error) -> Self {
        Self::Storage(error.kind())
    }
}

/// A published table: the tags in ascending order, and behind them the labels in the same. In memory is an index of 8 bytes for
/// some 16,000 rows; what is looked up is read from where the table is kept.
pub struct Table {
    header: Header,
    places: Box<dyn Places>,
    index: Index,
}

impl Table {
    pub(super) fn open(header: &Header, places: Box<dyn Places>) -> Result<Self, TableError> {
        has_length(header, &*places)?;
        if digest(&*places)? != header.digest {
            return Err(TableError::Digest);
        }
        Self::indexed(header, places)
    }

    /// A table whose digest is known to be the header's.
    pub(super) fn indexed(header: &Header, places: Box<dyn Places>) -> Result<Self, TableError> {
        has_length(header, &*places)?;
        let rows = usize::try_from(header.rows).map_err(|_| TableError::Header)?;
        let index = Index::new(&*places, rows, header.tag_bits())?;
        Ok(Self { header: *header, places, index })
    }

    /// What describes it.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// What the table says under an output of the function.
    pub(super) fn find(&self, output: &[u8; OUTPUT_BYTES]) -> Result<Answer, TableError> {
        let tag = tag(output, self.header.tag_bits());
        let Some(place) = self.index.find(&*self.places, tag)? else {
            return Ok(Answer::Absent);
        };
        let [tags, _] = self.header.body_parts().ok_or(TableError::Header)?;
        let mut slot = vec![0; self.header.slot_bytes()];
        self.places.read_at(tags as u64 + place * slot.len() as u64, &mut slot)?;
        mask(output, &mut slot);
        if self.header.epoch.base.is_some() && slot.pop() != Some(0) {
            return Ok(Answer::Withdrawn);
        }
        Ok(Answer::Present(slot))
    }
}

fn has_length(header: &Header, places: &dyn Places) -> Result<(), TableError> {
    let [tags, slots] = header.body_parts().ok_or(TableError::Header)?;
    let (want, got) = (tags.saturating_add(slots), places.bytes());
    let got = usize::try_from(got).unwrap_or(usize::MAX);
    if want == got { Ok(()) } else { Err(TableError::Length { want, got }) }
}

/// Tables do not print.
impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Table(epoch {}, {} rows)", self.header.epoch.number, self.header.rows)
    }
}
