//! A table on its way into a file, in whole pieces: what has come stays there when the link is lost or the party starts anew.

use std::{fs::File, io, os::unix::fs::FileExt as _};

use super::{
    header::Header,
    places::Stored,
    table::{Table, TableError},
};
use crate::net::CHUNK_BYTES;

/// Bytes of a piece, but for the last one: those of a frame, so that what a frame brings is there or is not.
pub const PIECE_BYTES: usize = CHUNK_BYTES;

/// What the marks of pieces are derived for.
const MARK: &str = "unseen lookup piece v1";
const MARK_BYTES: usize = 32;

/// So many pieces a table of these bytes has.
pub(super) fn pieces_of(bytes: u64) -> u64 {
    bytes.div_ceil(PIECE_BYTES as u64)
}

/// What has come of the table that a header describes.
///
/// The file has the table where it belongs, and behind the place of its last byte a mark for each piece that has come: a hash of the
/// table's digest, the piece's number and its bytes. What the disk lost or changed is noticed by it and fetched again. Who changes
/// marks too is noticed when the table is whole, as is whoever sent another one: all of it is hashed as it comes, or as it is found.
pub struct Landing {
    file: File,
    /// Where the table begins in the file.
    from: u64,
    header: Header,
    bytes: u64,
    /// How many have come.
    pieces: u64,
    hasher: Box<blake3::Hasher>,
}

impl Landing {
    /// A table of which nothing has come. What stands in the file from `from` on is cut off.
    ///
    /// # Errors
    /// [`TableError`] if the file cannot be cut, or the header describes a table beyond counting.
    pub fn begin(file: File, from: u64, header: &Header) -> Result<Self, TableError> {
        let landing = Self::of(file, from, header)?;
        landing.file.set_len(from)?;
        Ok(landing)
    }

    /// A table of which some had come to this file: what is still there as it came, up to the first piece that is not. All of that is
    /// read.
    ///
    /// # Errors
    /// As [`Landing::begin`]; if the file cannot be read.
    pub fn again(file: File, from: u64, header: &Header) -> Result<Self, TableError> {
        let mut landing = Self::of(file, from, header)?;
        let mut piece = vec![0; PIECE_BYTES];
        while landing.pieces < pieces_of(landing.bytes) {
            let (piece, mut mark) = (&mut piece[..landing.due()], [0; MARK_BYTES]);
            let there = landing.read(landing.mark_at(), &mut mark)?
                && landing.read(landing.piece_at(), piece)?;
            if !there || landing.mark(piece) != mark {
                break;
            }
            landing.hasher.update(piece);
            landing.pieces += 1;
        }
        // Marks that are not true must not stand behind pieces that come now.
        let end = if landing.pieces == 0 { from } else { landing.mark_at() };
        landing.file.set_len(end)?;
        Ok(landing)
    }

    fn of(file: File, from: u64, header: &Header) -> Result<Self, TableError> {
        let [tags, slots] = header.body_parts().ok_or(TableError::Header)?;
        let bytes = tags.checked_add(slots).ok_or(TableError::Header)? as u64;
        let (header, hasher) = (*header, Box::new(blake3::Hasher::new()));
        Ok(Self { file, from, header, bytes, pieces: 0, hasher })
    }

    /// How many pieces have come.
    #[must_use]
    pub fn pieces(&self) -> u64 {
        self.pieces
    }

    /// Bytes that have not come.
    pub(super) fn left(&self) -> u64 {
        self.bytes.saturating_sub(self.pieces * PIECE_BYTES as u64)
    }

    /// Writes the next piece, which has come, and its mark.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn take(&mut self, piece: &[u8]) -> io::Result<()> {
        self.file.write_all_at(piece, self.piece_at())?;
        self.file.write_all_at(&self.mark(piece), self.mark_at())?;
        self.hasher.update(piece);
        self.pieces += 1;
        Ok(())
    }

    /// The table, now that all of it has come.
    ///
    /// # Errors
    /// [`TableError::Length`] if it has not, [`TableError::Digest`] if it is another one than was signed for: what came is of no use
    /// then. [`TableError::Tags`], and [`TableError::Storage`] if it cannot be read.
    pub fn table(self) -> Result<Table, TableError> {
        let Self { file, from, header, bytes, .. } = self;
        if self.pieces < pieces_of(bytes) {
            let count = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
            let got = count(self.pieces * PIECE_BYTES as u64);
            return Err(TableError::Length { want: count(bytes), got });
        }
        if *self.hasher.finalize().as_bytes() != header.digest {
            return Err(TableError::Digest);
        }
        file.set_len(from.saturating_add(bytes))?;
        Table::indexed(&header, Box::new(Stored::behind(file, from)?))
    }

    /// Bytes of the next piece.
    fn due(&self) -> usize {
        usize::try_from(self.left()).unwrap_or(PIECE_BYTES).min(PIECE_BYTES)
    }

    fn piece_at(&self) -> u64 {
        self.from.saturating_add(self.pieces * PIECE_BYTES as u64)
    }

    fn mark_at(&self) -> u64 {
        self.from.saturating_add(self.bytes).saturating_add(self.pieces * MARK_BYTES as u64)
    }

    /// The mark of the next piece.
    fn mark(&self, piece: &[u8]) -> [u8; MARK_BYTES] {
        let mut hasher = blake3::Hasher::new_derive_key(MARK);
        hasher.update(&self.header.digest).update(&self.pieces.to_le_bytes()).update(piece);
        *hasher.finalize().as_bytes()
    }

    /// Whether the file has so much there.
    fn read(&self, at: u64, out: &mut [u8]) -> io::Result<bool> {
        match self.file.read_exact_at(out, at) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            read => read.map(|()| true),
        }
    }
}

/// Tables do not print.
impl std::fmt::Debug for Landing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (epoch, of) = (self.header.epoch.number, pieces_of(self.bytes));
        write!(f, "Landing(epoch {epoch}, {} of {of} pieces)", self.pieces)
    }
}
