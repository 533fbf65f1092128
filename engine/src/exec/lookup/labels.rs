//! What was found of a set's rows, on the disk: the label of each row that has one, at the row's place.

use std::{fmt, fs::File, io, os::unix::fs::FileExt as _};

/// A label for each row whose key was found. In memory is a bit for each row.
pub struct Labels {
    file: File,
    /// Bytes of a label.
    width: usize,
    rows: u64,
    /// A bit for each row, lowest first: whether it has one.
    found: Vec<u64>,
}

impl Labels {
    /// None yet, of so many rows; they go into this file, which is empty.
    ///
    /// # Errors
    /// If the file cannot be made so long.
    pub fn new(file: File, rows: u64, width: usize) -> io::Result<Self> {
        file.set_len(rows.saturating_mul(width as u64))?;
        let words = usize::try_from(rows.div_ceil(64)).unwrap_or(usize::MAX);
        Ok(Self { file, width, rows, found: vec![0; words] })
    }

    /// Bytes of a label.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// How many rows there are, with a label or without.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Keeps the label of a row; one that there is no place for is left out.
    pub(super) fn put(&mut self, row: u64, label: &[u8]) -> io::Result<()> {
        let word = usize::try_from(row / 64).ok().and_then(|word| self.found.get_mut(word));
        if let Some(word) = word.filter(|_| label.len() == self.width) {
            *word |= 1 << (row % 64);
            self.file.write_all_at(label, row.saturating_mul(self.width as u64))?;
        }
        Ok(())
    }

    /// Whether a row has one.
    #[must_use]
    pub fn has(&self, row: u64) -> bool {
        let word = usize::try_from(row / 64).ok().and_then(|word| self.found.get(word));
        word.is_some_and(|word| word >> (row % 64) & 1 == 1)
    }

    /// The places of so many rows from one on, one behind the other: zeros for a row that has none.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn read(&self, first: u64, rows: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; rows.saturating_mul(self.width)];
        self.file.read_exact_at(&mut bytes, first.saturating_mul(self.width as u64))?;
        Ok(bytes)
    }
}

/// What a party learned is its own.
impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Labels of {} rows", self.rows)
    }
}
