//! A table on its way from its provider to a buyer: read from the one's disk, written to the other's, never whole in memory.
//!
//! Where the way breaks off, or the buyer is started anew, it goes on behind the last whole piece that has come: the buyer says how
//! many have, of which table, and gets the others.

use super::{
    error::LookupError,
    landing::{Landing, PIECE_BYTES, pieces_of},
    places::Places,
    table::TableError,
};
use crate::session::{Pair, PairCost, Side};

/// Sends the body of a table without its first so many pieces.
///
/// # Cost
/// [`table_cost`]: one message, or none if the buyer has all.
///
/// # Errors
/// The session's, and [`Invalid`](crate::session::SessionError::Invalid) for a buyer that claims more pieces than there are;
/// [`LookupError::Table`] if the table cannot be read.
pub fn send_table(
    pair: &mut Pair<'_>,
    places: &dyn Places,
    pieces: u64,
) -> Result<(), LookupError> {
    let bytes = places.bytes();
    if pieces > pieces_of(bytes) {
        return Err(pair.invalid("a claim to more pieces of a table than it has").into());
    }
    let mut at = bytes.min(pieces * PIECE_BYTES as u64);
    let len = usize::try_from(bytes - at).unwrap_or(usize::MAX);
    pair.send_pieces(len, |piece| {
        places.read_at(at, piece).map_err(TableError::from)?;
        at += piece.len() as u64;
        Ok(())
    })
}

/// Receives what has not come of a table and writes it where it belongs, without a buffer of its own. Where that breaks off the pieces
/// that have come are in `landing`, and the next call goes on behind them.
///
/// # Cost
/// [`table_cost`].
///
/// # Errors
/// The session's; [`LookupError::Table`] if it cannot be written. That it is another table than was signed for shows when it is whole:
/// in [`Landing::table`].
pub fn fetch_table(pair: &mut Pair<'_>, landing: &mut Landing) -> Result<(), LookupError> {
    let left = usize::try_from(landing.left()).map_err(|_| TableError::Header)?;
    pair.recv_pieces::<LookupError>(left, |piece| {
        Ok(landing.take(piece).map_err(TableError::from)?)
    })
}

/// The price of [`send_table`], who is the sender, and [`fetch_table`], of a table of so many bytes of which so many pieces have come.
pub fn table_cost(c: &mut PairCost, bytes: usize, pieces: u64) {
    let there = usize::try_from(pieces).unwrap_or(usize::MAX).saturating_mul(PIECE_BYTES);
    c.bytes_from(Side::Sender, bytes.saturating_sub(there));
}
