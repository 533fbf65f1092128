//! A published table, as a buyer has it.

use super::{
    buyer::Answer,
    header::Header,
    label::{mask, tag},
    suite::OUTPUT_BYTES,
};
use crate::psi::elias_fano;

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
}

/// A published table: the tags in ascending order, and behind them the labels in the same.
pub struct Table {
    header: Header,
    tags: Vec<u128>,
    slots: Vec<u8>,
}

impl Table {
    pub(super) fn open(header: &Header, body: &[u8]) -> Result<Self, TableError> {
        let [tags, slots] = header.body_parts().ok_or(TableError::Header)?;
        let want = tags.saturating_add(slots);
        if body.len() != want {
            return Err(TableError::Length { want, got: body.len() });
        }
        if *blake3::hash(body).as_bytes() != header.digest {
            return Err(TableError::Digest);
        }
        let (tags, slots) = body.split_at(tags);
        let rows = usize::try_from(header.rows).map_err(|_| TableError::Header)?;
        let tags = elias_fano::decode(tags, rows, header.tag_bits());
        let tags = tags.map_err(|_| TableError::Tags)?;
        Ok(Self { header: *header, tags, slots: slots.to_vec() })
    }

    /// What describes it.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// What the table says under an output of the function.
    pub(super) fn find(&self, output: &[u8; OUTPUT_BYTES]) -> Answer {
        let Ok(place) = self.tags.binary_search(&tag(output, self.header.tag_bits())) else {
            return Answer::Absent;
        };
        let width = self.header.slot_bytes();
        let mut slot = self.slots[place * width..(place + 1) * width].to_vec();
        mask(output, &mut slot);
        if self.header.epoch.base.is_some() && slot.pop() != Some(0) {
            return Answer::Withdrawn;
        }
        Answer::Present(slot)
    }
}

/// Tables do not print.
impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Table(epoch {}, {} rows)", self.header.epoch.number, self.header.rows)
    }
}
