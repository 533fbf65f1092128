//! A provider's input, encoded and padded: what is shared next. Clear data of one provider, in its own memory only.

use std::fmt;

/// The columns of one local input, padded to its public row bound.
#[derive(Clone)]
pub struct EncodedInput {
    /// In the order of the plan's input.
    pub columns: Vec<EncodedColumn>,
    /// 1 for a row of the sub-plan's result, 0 for padding.
    pub live: Vec<u64>,
}

/// One encoded column; rows that are padding or NULL hold 0.
#[derive(Clone)]
pub enum EncodedColumn {
    /// Unsigned integers of this many bits, at most 64, one word a row.
    Bits {
        /// Bits.
        width: u16,
        /// One word a row.
        rows: Vec<u64>,
    },
    /// 64-bit integers in two's complement.
    Words(Vec<u64>),
}

/// Clear data does not print.
impl fmt::Debug for EncodedInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EncodedInput({} columns, {} rows)", self.columns.len(), self.live.len())
    }
}

impl fmt::Debug for EncodedColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bits { width, rows } => write!(f, "Bits({width} bits, {} rows)", rows.len()),
            Self::Words(rows) => write!(f, "Words({} rows)", rows.len()),
        }
    }
}
