//! A table on its way from its provider to a buyer: read from the one's disk, written to the other's, never whole in memory.

use std::io::Write;

use super::{
    error::LookupError,
    header::Header,
    places::Places,
    table::{Table, TableError},
};
use crate::session::{Pair, PairCost, Side};

/// Sends the body of a table.
///
/// # Cost
/// [`table_cost`]: one message.
///
/// # Errors
/// The session's; [`LookupError::Table`] if the table cannot be read.
pub fn send_table(pair: &mut Pair<'_>, places: &dyn Places) -> Result<(), LookupError> {
    let len = usize::try_from(places.bytes()).unwrap_or(usize::MAX);
    let mut at = 0;
    pair.send_pieces(len, |piece| {
        places.read_at(at, piece).map_err(TableError::from)?;
        at += piece.len() as u64;
        Ok(())
    })
}

/// Receives the body of the table that `header` describes and writes it to `out`, without a buffer of its own.
///
/// # Cost
/// [`table_cost`].
///
/// # Errors
/// The session's; [`LookupError::Table`] if it is another one than `header` was signed for, which shows when all of it has come,
/// or if it cannot be written.
pub fn fetch_table(
    pair: &mut Pair<'_>,
    header: &Header,
    out: &mut dyn Write,
) -> Result<Fetched, LookupError> {
    let [tags, slots] = header.body_parts().ok_or(TableError::Header)?;
    let len = tags.checked_add(slots).ok_or(TableError::Header)?;
    let mut hasher = blake3::Hasher::new();
    pair.recv_pieces::<LookupError>(len, |piece| {
        hasher.update(piece);
        Ok(out.write_all(piece).map_err(TableError::from)?)
    })?;
    out.flush().map_err(TableError::from)?;
    let same = *hasher.finalize().as_bytes() == header.digest;
    same.then_some(Fetched(*header)).ok_or(LookupError::Table(TableError::Digest))
}

/// A table that was received as it was signed for.
#[derive(Clone, Copy, Debug)]
pub struct Fetched(Header);

impl Fetched {
    /// The table, where its bytes were written to.
    ///
    /// # Errors
    /// [`TableError`] if it cannot be read.
    pub fn open(self, places: Box<dyn Places>) -> Result<Table, TableError> {
        Table::indexed(&self.0, places)
    }
}

/// The price of [`send_table`], who is the sender, and [`fetch_table`].
pub fn table_cost(c: &mut PairCost, bytes: usize) {
    c.bytes_from(Side::Sender, bytes);
}
