//! The shared table that is trained on.

use std::borrow::Cow;

use protocols::{
    mpc::MatrixView,
    ring::{Buf, Z64},
    share::Shared,
};

/// Rows and columns that are turned at a time: what is read and written stays in the first-level cache.
const TILE: usize = 32;

/// Shared features, row by row.
///
/// Invariant: `words` has `rows · columns` elements.
#[derive(Clone, Debug)]
pub struct Features<'a> {
    words: Cow<'a, Shared<Z64>>,
    rows: usize,
    columns: usize,
}

impl<'a> Features<'a> {
    /// A matrix that lies row by row; `None` if it has not `rows · columns` elements.
    #[must_use]
    pub fn of_rows(words: &'a Shared<Z64>, rows: usize, columns: usize) -> Option<Self> {
        let fits = rows.checked_mul(columns) == Some(words.len());
        fits.then_some(Self { words: Cow::Borrowed(words), rows, columns })
    }

    /// Columns of equal length; `None` if they are not. Takes one pass over them and as much memory again.
    #[must_use]
    pub fn of_columns(columns: &[&Shared<Z64>]) -> Option<Self> {
        let rows = columns.first().map_or(0, |column| column.len());
        if columns.iter().any(|column| column.len() != rows) {
            return None;
        }
        let own: Vec<&[u64]> = columns.iter().map(|column| column.own()).collect();
        let next: Vec<&[u64]> = columns.iter().map(|column| column.next()).collect();
        let words = Shared::from_parts(by_rows(&own, rows), by_rows(&next, rows));
        Some(Self { words: Cow::Owned(words), rows, columns: columns.len() })
    }

    /// How many rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many features each has.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// All words, row by row.
    pub(super) fn words(&self) -> &Shared<Z64> {
        &self.words
    }

    /// All of it.
    pub(super) fn view(&self) -> MatrixView<'_, Z64> {
        MatrixView::new(&self.words, self.rows, self.columns)
    }
}

/// Columns as a matrix that lies row by row.
fn by_rows(columns: &[&[u64]], rows: usize) -> Buf<u64> {
    let width = columns.len();
    let mut out = Buf::scratch(rows * width);
    for (block, lines) in out.chunks_mut(TILE * width.max(1)).enumerate() {
        for (tile, columns) in columns.chunks(TILE).enumerate() {
            for (column, words) in columns.iter().enumerate() {
                let words = &words[block * TILE..];
                let at = tile * TILE + column;
                for (line, word) in lines.chunks_mut(width).zip(words) {
                    line[at] = *word;
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_become_rows() {
        for (rows, width) in [(0, 0), (0, 3), (5, 0), (1, 1), (31, 33), (64, 32), (65, 70)] {
            let value = |row: usize, column: usize| (row * 1000 + column) as u64;
            let columns: Vec<Vec<u64>> = (0..width)
                .map(|column| (0..rows).map(|row| value(row, column)).collect())
                .collect();
            let columns: Vec<&[u64]> = columns.iter().map(Vec::as_slice).collect();
            let want: Vec<u64> =
                (0..rows * width).map(|at| value(at / width, at % width)).collect();
            assert_eq!(by_rows(&columns, rows)[..], want[..], "{rows} × {width}");
        }
    }

    #[test]
    fn what_is_no_matrix_is_none() {
        let (short, long) = (Shared::<Z64>::zeros(3), Shared::<Z64>::zeros(4));
        assert!(Features::of_columns(&[&short, &long]).is_none());
        assert!(Features::of_rows(&long, 1, 3).is_none());
        assert!(Features::of_rows(&short, 1, 3).is_some());
    }
}
