//! How many queries a recipient may ask, over all publications there will ever be.

use std::collections::BTreeMap;

/// Keeps count of queries. What is spent must be stored before `spend` returns, or a crash gives it back.
///
/// A recipient is a legal one: a buyer with two accounts has one budget.
pub trait Budget {
    /// Counts queries that are about to be answered.
    ///
    /// # Errors
    /// [`BudgetError`] if the recipient has not so many left; nothing is spent then.
    fn spend(&mut self, recipient: &str, queries: u64) -> Result<(), BudgetError>;
}

/// Why queries are not answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BudgetError {
    /// More than is left.
    #[error("{recipient} asks {asked} queries and has {left} left; nothing was answered")]
    Exceeded {
        /// Who asks.
        recipient: String,
        /// How many.
        asked: u64,
        /// How many are left, over all epochs.
        left: u64,
    },
    /// The count could not be kept.
    #[error("the count of queries could not be stored ({0}); nothing was answered")]
    Store(String),
}

/// A budget in memory: the same limit for every recipient.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    limit: u64,
    spent: BTreeMap<String, u64>,
}

impl Ledger {
    /// So many queries for each recipient.
    #[must_use]
    pub fn new(limit: u64) -> Self {
        Self { limit, spent: BTreeMap::new() }
    }

    /// The same limit, where so much was spent before.
    #[must_use]
    pub fn restored(limit: u64, spent: BTreeMap<String, u64>) -> Self {
        Self { limit, spent }
    }

    /// What each recipient has spent.
    #[must_use]
    pub fn spent(&self) -> &BTreeMap<String, u64> {
        &self.spent
    }
}

impl Budget for Ledger {
    fn spend(&mut self, recipient: &str, queries: u64) -> Result<(), BudgetError> {
        let before = self.spent.get(recipient).copied().unwrap_or(0);
        let left = self.limit.saturating_sub(before);
        if queries > left {
            let recipient = recipient.to_owned();
            return Err(BudgetError::Exceeded { recipient, asked: queries, left });
        }
        self.spent.insert(recipient.to_owned(), before + queries);
        Ok(())
    }
}
