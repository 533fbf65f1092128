//! What comes out of an intersection: a shared table of one row a bin.

use super::task::Task;
use crate::{
    mpc::{
        Column, Shape, View, inject, inject_cost, mask_bits, mask_bits_cost, products,
        products_cost,
    },
    ring::Z64,
    session::{Meter, Session, SessionError},
    share::{Bits, Shared},
};

/// A shared table of one row a bin, as the operators on tables take it.
///
/// Row by row it follows the receiver's bins: an order that depends on its set and on a seed, that the receiver alone knows, and
/// that says nothing to the others, who see neither bits nor columns.
#[derive(Clone, Debug)]
pub struct Matches {
    /// Where the receiver's element is the sender's too.
    pub live: Bits,
    /// The receiver's columns: of its element in every bin, matched or not; 0 where there is none.
    pub receiver: Vec<Column>,
    /// The sender's columns: of the same element in live rows, arbitrary in the others until [`Matches::zeroed`].
    pub sender: Vec<Column>,
}

impl Matches {
    /// The live bits, and all columns: the receiver's, then the sender's. Dead rows hold what they hold.
    #[must_use]
    pub fn into_table(self) -> (Bits, Vec<Column>) {
        (self.live, self.receiver.into_iter().chain(self.sender).collect())
    }

    /// The same with 0 in all of the sender's columns where there is no match.
    ///
    /// # Cost
    /// For bits 1 round, in which each party sends the columns' planes; for words 3, in which each sends a word a row, and
    /// a word a row and column. Nothing if the sender has no columns.
    ///
    /// # Errors
    /// Channel errors pass through.
    ///
    /// # Security
    /// Semi-honest: multiplications and an injection.
    pub fn zeroed(mut self, s: &mut Session) -> Result<Self, SessionError> {
        let words: Vec<&Shared<Z64>> = self.sender.iter().filter_map(as_words).collect();
        let mut words = if words.is_empty() {
            Vec::new()
        } else {
            let live = inject::<Z64>(s, &self.live)?;
            let pairs: Vec<_> = words.iter().map(|of| (View::all(of), View::all(&live))).collect();
            let made = products::<Z64>(s, &pairs)?;
            let rows = live.len();
            (0..pairs.len()).map(|i| made.slice(i * rows, (i + 1) * rows)).collect()
        }
        .into_iter();
        for column in &mut self.sender {
            match column {
                Column::Bits(bits) => *bits = mask_bits(s, bits, &self.live)?,
                _ => *column = words.next().map_or_else(|| column.clone(), Column::Z64),
            }
        }
        Ok(self)
    }
}

/// Twin of [`Matches::zeroed`].
pub fn zeroed_cost(m: &mut Meter, task: &Task) {
    let (rows, columns) = (task.bins(), &task.sender().columns);
    let words = columns.iter().filter(|shape| **shape == Shape::Z64).count();
    if words > 0 {
        inject_cost::<Z64>(m, rows, 1);
        products_cost::<Z64>(m, words * rows);
    }
    for shape in columns {
        if let Shape::Bits(width) = shape {
            mask_bits_cost(m, rows, *width);
        }
    }
}

fn as_words(column: &Column) -> Option<&Shared<Z64>> {
    match column {
        Column::Z64(words) => Some(words),
        _ => None,
    }
}
