//! A party's share of the result, and the bytes that are sealed for it. Its length depends on public sizes only.

use std::fmt;

use protocols::party::Role;
use zeroize::{Zeroize, Zeroizing};

use crate::plan::{Kind, Shape};

/// Version of the bytes.
const FORMAT: u16 = 1;
/// Format, role, own summand, next summand, number of columns.
const HEADER_BYTES: usize = 2 + 1 + 1 + 1 + 4;
/// Kind, width, rows.
const COLUMN_HEADER_BYTES: usize = 1 + 2 + 8;

/// One column of a party's share: two of its three summands. Bits columns are plane-major, 64 rows to a word; a 128-bit value
/// is its lower word and then its upper one.
pub struct ShareColumn {
    shape: Shape,
    own: Vec<u64>,
    next: Vec<u64>,
}

/// One party's share of the whole result. Does not print, compare or serialise.
pub struct ResultShare {
    role: Role,
    columns: Vec<ShareColumn>,
}

/// Bytes or words that are no share of the result that is due. Never says what they hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// A column has another number of words than its shape asks for.
    #[error("column {column} has {got} words in a summand, {want} are due")]
    Words {
        /// Which column.
        column: usize,
        /// How many there are.
        got: usize,
        /// How many there should be.
        want: usize,
    },
    /// The shapes are larger than this machine can address.
    #[error("the result's shape is too large for this machine")]
    TooLarge,
    /// The bytes have another length than the shapes ask for.
    #[error("a share of {want} bytes is due, {got} came")]
    Length {
        /// How many came.
        got: usize,
        /// How many are due.
        want: usize,
    },
    /// The bytes describe another share.
    #[error("the share's header says another {0} than is due")]
    Header(&'static str),
}

/// How many 64-bit words one summand of a column of this shape takes; `None` where that overflows.
#[must_use]
pub fn column_words(shape: Shape) -> Option<usize> {
    let rows = usize::try_from(shape.rows).ok()?;
    match shape.kind {
        Kind::Z64 => Some(rows),
        Kind::Z128 => rows.checked_mul(2),
        Kind::Bits(width) => rows.div_ceil(64).checked_mul(usize::from(width)),
    }
}

impl ShareColumn {
    /// A column of its two summands. Bits beyond the last row are cleared: they are nobody's to see.
    ///
    /// # Errors
    /// [`Malformed::Words`] (of column 0) if a summand does not fit the shape.
    pub fn new(shape: Shape, own: Vec<u64>, next: Vec<u64>) -> Result<Self, Malformed> {
        let want = column_words(shape).ok_or(Malformed::TooLarge)?;
        let mut column = Self { shape, own, next };
        for words in [&column.own, &column.next] {
            if words.len() != want {
                return Err(Malformed::Words { column: 0, got: words.len(), want });
            }
        }
        clear_tail(shape, &mut column.own);
        clear_tail(shape, &mut column.next);
        Ok(column)
    }

    /// Its public shape.
    #[must_use]
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The words of both summands, own and next: secret until whoever holds them has them of a second party too.
    #[must_use]
    pub fn summands(&self) -> [&[u64]; 2] {
        [&self.own, &self.next]
    }

    pub(super) fn own(&self) -> &[u64] {
        &self.own
    }

    pub(super) fn next(&self) -> &[u64] {
        &self.next
    }
}

/// Clears the bits beyond the last row of every plane.
fn clear_tail(shape: Shape, words: &mut [u64]) {
    let used = shape.rows % 64;
    if !matches!(shape.kind, Kind::Bits(_)) || used == 0 {
        return;
    }
    let Ok(plane) = usize::try_from(shape.rows.div_ceil(64)) else { return };
    for last in words.iter_mut().skip(plane - 1).step_by(plane) {
        *last &= (1 << used) - 1;
    }
}

impl ResultShare {
    /// A party's share.
    #[must_use]
    pub fn new(role: Role, columns: Vec<ShareColumn>) -> Self {
        Self { role, columns }
    }

    /// The whole result, of one party that computes alone and knows every word: its own summand is the value, and that the row exists;
    /// the other is nothing.
    ///
    /// # Errors
    /// [`Malformed::Words`] if there are not as many words as rows.
    pub fn whole(shapes: &[Shape], words: &[u64]) -> Result<Self, Malformed> {
        let column = |shape: &Shape| {
            let count = column_words(*shape).ok_or(Malformed::TooLarge)?;
            let own = match shape.kind {
                Kind::Bits(_) => vec![u64::MAX; count],
                Kind::Z64 | Kind::Z128 => words.to_vec(),
            };
            ShareColumn::new(*shape, own, vec![0; count])
        };
        Ok(Self { role: Role::P0, columns: shapes.iter().map(column).collect::<Result<_, _>>()? })
    }

    /// Whose share it is.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// Its columns, in the order of the plan's output.
    #[must_use]
    pub fn columns(&self) -> &[ShareColumn] {
        &self.columns
    }

    /// The columns' shapes.
    #[must_use]
    pub fn shapes(&self) -> Vec<Shape> {
        self.columns.iter().map(|column| column.shape).collect()
    }

    /// The bytes: header, then each column's header, own and next words, all little-endian.
    ///
    /// # Errors
    /// [`Malformed::TooLarge`] if there are more than 2^32 columns or bytes than this machine can address.
    pub(super) fn encode(&self) -> Result<Zeroizing<Vec<u8>>, Malformed> {
        let count = u32::try_from(self.columns.len()).map_err(|_| Malformed::TooLarge)?;
        let length = encoded_len(&self.shapes())?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(length));
        bytes.extend_from_slice(&header(self.role, count));
        for column in &self.columns {
            bytes.extend_from_slice(&column_header(column.shape));
            for word in column.own.iter().chain(&column.next) {
                bytes.extend_from_slice(&word.to_le_bytes());
            }
        }
        Ok(bytes)
    }

    /// Reads a share of the given role and shapes; the bytes decide nothing about sizes.
    ///
    /// # Errors
    /// [`Malformed`] if the length or any header differs.
    pub(super) fn decode(bytes: &[u8], role: Role, shapes: &[Shape]) -> Result<Self, Malformed> {
        let want = encoded_len(shapes)?;
        if bytes.len() != want {
            return Err(Malformed::Length { got: bytes.len(), want });
        }
        let count = u32::try_from(shapes.len()).map_err(|_| Malformed::TooLarge)?;
        let (head, mut rest) = bytes.split_at(HEADER_BYTES);
        if head != header(role, count) {
            return Err(Malformed::Header(header_fault(head, role)));
        }
        let mut columns = Vec::with_capacity(shapes.len());
        for shape in shapes {
            let words = column_words(*shape).ok_or(Malformed::TooLarge)?;
            let (head, tail) = rest.split_at(COLUMN_HEADER_BYTES);
            if head != column_header(*shape) {
                return Err(Malformed::Header("column shape"));
            }
            let (own, tail) = tail.split_at(words * 8);
            let (next, tail) = tail.split_at(words * 8);
            columns.push(ShareColumn::new(*shape, read_words(own), read_words(next))?);
            rest = tail;
        }
        Ok(Self { role, columns })
    }
}

/// How many bytes a share of these shapes takes.
pub(super) fn encoded_len(shapes: &[Shape]) -> Result<usize, Malformed> {
    shapes
        .iter()
        .try_fold(HEADER_BYTES, |sum, shape| {
            let words = column_words(*shape)?;
            words.checked_mul(16)?.checked_add(COLUMN_HEADER_BYTES)?.checked_add(sum)
        })
        .ok_or(Malformed::TooLarge)
}

fn header(role: Role, columns: u32) -> [u8; HEADER_BYTES] {
    let mut bytes = [0; HEADER_BYTES];
    bytes[..2].copy_from_slice(&FORMAT.to_le_bytes());
    bytes[2] = byte(role);
    bytes[3] = byte(role);
    bytes[4] = byte(role.next());
    bytes[5..].copy_from_slice(&columns.to_le_bytes());
    bytes
}

/// Which part of a header is not the one due.
fn header_fault(head: &[u8], role: Role) -> &'static str {
    if head[..2] != FORMAT.to_le_bytes() {
        "format version"
    } else if head[2] != byte(role) {
        "party role"
    } else if head[3..5] != [byte(role), byte(role.next())] {
        "summand"
    } else {
        "number of columns"
    }
}

fn column_header(shape: Shape) -> [u8; COLUMN_HEADER_BYTES] {
    let (kind, width) = match shape.kind {
        Kind::Z64 => (0, 64),
        Kind::Bits(width) => (1, width),
        Kind::Z128 => (2, 128),
    };
    let mut bytes = [0; COLUMN_HEADER_BYTES];
    bytes[0] = kind;
    bytes[1..3].copy_from_slice(&u16::to_le_bytes(width));
    bytes[3..].copy_from_slice(&shape.rows.to_le_bytes());
    bytes
}

fn byte(role: Role) -> u8 {
    role as u8
}

fn read_words(bytes: &[u8]) -> Vec<u64> {
    bytes.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word)).collect()
}

impl Drop for ShareColumn {
    fn drop(&mut self) {
        self.own.zeroize();
        self.next.zeroize();
    }
}

impl fmt::Debug for ShareColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ShareColumn({:?}, {} rows)", self.shape.kind, self.shape.rows)
    }
}

impl fmt::Debug for ResultShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ResultShare({}, {:?})", self.role, self.columns)
    }
}
