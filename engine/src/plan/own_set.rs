//! A set that stays with its owner, as an intersection of two reads it: ids and rows, found by ranges of ids.

use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use protocols::psi::bucket_range;
use tables::{Lowest, Spill, TableError};

use crate::identity::Hash32;

/// All ids of a set are read in so many parts: rows go as they come.
const PARTS: usize = 1 << 6;

/// The ids of a set's rows, in memory up to the owner's budget and on its disk beyond.
#[derive(Clone)]
pub struct OwnSet {
    ids: Arc<Mutex<Spill>>,
    rows: u64,
    context: [u8; 32],
    kept: Option<KeptIn>,
}

/// Where an owner keeps how far the intersection of a set is, and what that is about.
#[derive(Clone)]
pub struct KeptIn {
    /// A folder of its own.
    pub folder: PathBuf,
    /// A hash of all that must be the same for another job to go on with it.
    pub question: [u8; 32],
    /// The run that the set's ids are of.
    pub run: Hash32,
    /// A digest of the set's ids and rows.
    pub set: [u8; 32],
}

/// A digest of a set tells who guesses the set.
impl fmt::Debug for KeptIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptIn").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl OwnSet {
    /// The ids of a table of so many rows; rows without a key have none. The context is a one-way image of the salt that made
    /// the ids: both owners must hold the same.
    #[must_use]
    pub fn new(ids: Spill, rows: u64, context: [u8; 32]) -> Self {
        Self { ids: Arc::new(Mutex::new(ids)), rows, context, kept: None }
    }

    /// The same, of which its owner keeps how far its intersection is.
    #[must_use]
    pub fn kept_in(self, kept: KeptIn) -> Self {
        Self { kept: Some(kept), ..self }
    }

    /// Where its owner keeps how far its intersection is, if it does.
    #[must_use]
    pub fn kept(&self) -> Option<&KeptIn> {
        self.kept.as_ref()
    }

    /// How many rows the table has, those without a key among them.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// What both owners must hold alike.
    #[must_use]
    pub fn context(&self) -> [u8; 32] {
        self.context
    }

    /// Whether the owner's budget of memory was not enough.
    #[must_use]
    pub fn is_on_disk(&self) -> bool {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).is_on_disk()
    }

    /// Each id once, ascending. All of them are in memory, and no row: this is for protocols that need them so.
    ///
    /// # Errors
    /// If the owner's disk fails.
    pub fn keys(&self) -> Result<Vec<u128>, TableError> {
        let mut ids = Vec::new();
        for part in 0..PARTS {
            let (first, last) = bucket_range(part, PARTS).into_inner();
            ids.extend(self.lowest(first, last)?.pairs.iter().map(|(id, _)| *id));
        }
        Ok(ids)
    }

    /// The keys between these two, both included, each once and ascending, with what comes along of the first row of each.
    ///
    /// # Errors
    /// If the owner's disk fails.
    pub fn portion(&self, first: u128, last: u128) -> Result<Portion, TableError> {
        let Lowest { pairs, values } = self.lowest(first, last)?;
        let width = self.ids.lock().unwrap_or_else(PoisonError::into_inner).values();
        let column = |of: usize| (0..pairs.len()).map(|at| values[at * width + of]).collect();
        let columns = (0..width).map(column).collect();
        Ok(Portion { ids: pairs.into_iter().map(|(id, _)| id).collect(), columns })
    }

    /// The first row of each key between these two.
    fn lowest(&self, first: u128, last: u128) -> Result<Lowest, TableError> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).lowest(first, last, 1)
    }

    /// Hands on the ids between these two, both included, each with its row, in no order. None of them is kept.
    ///
    /// # Errors
    /// If the owner's disk fails.
    pub fn visit(
        &self,
        first: u128,
        last: u128,
        take: &mut dyn FnMut(u128, u64),
    ) -> Result<(), TableError> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).visit(first, last, take)
    }

    /// Appends the ids between these two, both included, each with its row, in no order.
    ///
    /// # Errors
    /// If the owner's disk fails.
    pub fn between(
        &self,
        first: u128,
        last: u128,
        out: &mut Vec<(u128, u64)>,
    ) -> Result<(), TableError> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).between(first, last, out)
    }
}

/// Some keys of a set, and what comes along with them.
pub struct Portion {
    /// Each once, ascending.
    pub ids: Vec<u128>,
    /// A word for each of them.
    pub columns: Vec<Vec<u64>>,
}

/// Sets do not print.
impl fmt::Debug for Portion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Portion of {} columns", self.columns.len())
    }
}

/// Sets do not print.
impl fmt::Debug for OwnSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OwnSet of {} rows", self.rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_along_is_of_the_first_row_of_each_key() {
        for rows in [0, 1, 63, 64, 65, 1000_u64] {
            let mut spill = Spill::with_values(&std::env::temp_dir(), 0, 2);
            let id = |row: u64| u128::from((row % 40).wrapping_mul(0x9e37_79b9_7f4a_7c15)) << 64;
            // The last rows come first.
            for row in (0..rows).rev() {
                spill.push_with(id(row), row, [row, 7 * row].into_iter()).unwrap();
            }
            let set = OwnSet::new(spill, rows, [0; 32]);
            let middle = u128::MAX / 2;
            let halves = [(0, middle), (middle + 1, u128::MAX)];
            let mut seen = Vec::new();
            for (first, last) in halves {
                let Portion { ids, columns } = set.portion(first, last).unwrap();
                assert!(ids.is_sorted() && ids.iter().all(|id| (first..=last).contains(id)));
                for (at, of) in ids.iter().enumerate() {
                    let row = columns[0][at];
                    assert_eq!((id(row), columns[1][at]), (*of, 7 * row), "{rows} rows");
                    seen.push(row);
                }
            }
            seen.sort_unstable();
            assert!(seen.into_iter().eq(0..rows.min(40)), "{rows} rows");
        }
    }

    #[test]
    fn every_key_comes_once_in_ascending_order() {
        for rows in [0, 1, 63, 64, 65, 1000_u64] {
            let mut spill = Spill::new(&std::env::temp_dir(), 0);
            let id = |row: u64| u128::from((row / 3).wrapping_mul(0x9e37_79b9_7f4a_7c15)) << 64;
            (0..rows).for_each(|row| spill.push(id(row), row).unwrap());
            let mut due: Vec<u128> = (0..rows).map(id).collect();
            due.sort_unstable();
            due.dedup();
            assert_eq!(OwnSet::new(spill, rows, [0; 32]).keys().unwrap(), due, "{rows} rows");
        }
    }
}
