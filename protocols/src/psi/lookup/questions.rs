//! What a buyer asks for, a batch at a time.

use super::buyer::Answer;

/// Items to look up, wherever they are kept, and what becomes of the answers.
pub trait Questions {
    /// Appends the next `count` items: distinct ones, those that fill the number up to what was agreed on among them. Called for one
    /// batch after the other.
    ///
    /// # Errors
    /// In words, if they cannot be read.
    fn next(&mut self, count: usize, out: &mut Vec<u128>) -> Result<(), String>;

    /// What the table says of the items of a batch, in their order. Called once for each batch, in order, and no more than two
    /// batches late.
    ///
    /// # Errors
    /// In words, if it cannot be kept.
    fn answered(&mut self, answers: Vec<Answer>) -> Result<(), String>;
}

/// Items that are all in memory, and their answers too.
pub(super) struct Listed<'i> {
    pub(super) items: &'i [u128],
    pub(super) answers: Vec<Answer>,
}

impl Questions for Listed<'_> {
    fn next(&mut self, count: usize, out: &mut Vec<u128>) -> Result<(), String> {
        let (next, rest) = self.items.split_at(count.min(self.items.len()));
        out.extend_from_slice(next);
        self.items = rest;
        Ok(())
    }

    fn answered(&mut self, answers: Vec<Answer>) -> Result<(), String> {
        self.answers.extend(answers);
        Ok(())
    }
}
