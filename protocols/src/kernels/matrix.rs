//! A matrix as kernels read it: words and the steps between them.

use std::fmt;

/// A borrowed matrix: element (i, j) is `words[i · row_step + j · column_step]`.
///
/// A transposed matrix is the same words read with the two steps exchanged: nothing is copied.
#[derive(Clone, Copy)]
pub struct Matrix<'a, W> {
    pub(super) words: &'a [W],
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) row_step: usize,
    pub(super) column_step: usize,
}

impl<'a, W> Matrix<'a, W> {
    /// `rows · columns` words, row by row.
    ///
    /// # Panics
    /// If there are more or fewer words.
    #[must_use]
    pub fn new(words: &'a [W], rows: usize, columns: usize) -> Self {
        assert_eq!(words.len(), rows * columns, "the words of {rows} × {columns}");
        Self { words, rows, columns, row_step: columns, column_step: 1 }
    }

    /// The same words, rows and columns exchanged.
    #[must_use]
    pub fn transposed(self) -> Self {
        Self {
            words: self.words,
            rows: self.columns,
            columns: self.rows,
            row_step: self.column_step,
            column_step: self.row_step,
        }
    }

    /// Rows `from..to`.
    ///
    /// # Panics
    /// If there are not that many.
    #[must_use]
    pub fn row_range(self, from: usize, to: usize) -> Self {
        assert!(from <= to && to <= self.rows, "rows {from}..{to} of {}", self.rows);
        let (rows, start) = (to - from, from * self.row_step);
        let words = if rows == 0 || self.columns == 0 {
            &[]
        } else {
            let last = (rows - 1) * self.row_step + (self.columns - 1) * self.column_step;
            &self.words[start..=start + last]
        };
        Self { words, rows, ..self }
    }

    /// Every `step`-th row, from row `first` on.
    ///
    /// # Panics
    /// If `step` is 0.
    #[must_use]
    pub fn every(self, first: usize, step: usize) -> Self {
        let rows = self.rows.saturating_sub(first).div_ceil(step);
        let row_step = self.row_step * step;
        let last = first + rows.saturating_sub(1) * step + 1;
        let whole = if rows == 0 { self.row_range(0, 0) } else { self.row_range(first, last) };
        Self { rows, row_step, ..whole }
    }

    /// The words from the first element to the last, those between included that are of another part.
    #[must_use]
    pub fn words(&self) -> &'a [W] {
        self.words
    }

    /// The same shape and order over other words.
    ///
    /// # Panics
    /// If there are more or fewer of them.
    #[must_use]
    pub fn with_words<'b>(&self, words: &'b [W]) -> Matrix<'b, W> {
        assert_eq!(words.len(), self.words.len(), "as many words");
        let Self { rows, columns, row_step, column_step, .. } = *self;
        Matrix { words, rows, columns, row_step, column_step }
    }

    /// How many rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many columns.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Element (i, j).
    ///
    /// # Panics
    /// If it lies outside.
    #[inline]
    #[must_use]
    pub fn at(&self, i: usize, j: usize) -> W
    where
        W: Copy,
    {
        self.words[i * self.row_step + j * self.column_step]
    }

    /// The words from element (i, j) on.
    #[inline(always)]
    pub(super) fn from(&self, i: usize, j: usize) -> &'a [W] {
        &self.words[i * self.row_step + j * self.column_step..]
    }
}

/// Matrices hold shares: they print their shape only.
impl<W> fmt::Debug for Matrix<'_, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Matrix({} × {})", self.rows, self.columns)
    }
}
