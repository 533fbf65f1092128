//! A set that stays with its owner, as an intersection of two reads it: ids and rows, found by ranges of ids.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use tables::{Spill, TableError};

/// The ids of a set's rows, in memory up to the owner's budget and on its disk beyond.
#[derive(Clone)]
pub struct OwnSet {
    ids: Arc<Mutex<Spill>>,
    rows: u64,
    context: [u8; 32],
}

impl OwnSet {
    /// The ids of a table of so many rows; rows without a key have none. The context is a one-way image of the salt that made
    /// the ids: both owners must hold the same.
    #[must_use]
    pub fn new(ids: Spill, rows: u64, context: [u8; 32]) -> Self {
        Self { ids: Arc::new(Mutex::new(ids)), rows, context }
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

    /// Each id once, ascending. All of them are in memory: this is for protocols that need them so.
    ///
    /// # Errors
    /// If the owner's disk fails.
    pub fn keys(&self) -> Result<Vec<u128>, TableError> {
        let mut pairs = Vec::new();
        self.between(0, u128::MAX, &mut pairs)?;
        let mut ids: Vec<u128> = pairs.into_iter().map(|(id, _)| id).collect();
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
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

/// Sets do not print.
impl fmt::Debug for OwnSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OwnSet of {} rows", self.rows)
    }
}
