//! What the two parties of a lookup bring to it: one its keys and the tables it may hold already, the other its publications.

use std::{
    fmt,
    fs::File,
    io,
    sync::{Arc, Mutex},
};

use protocols::psi::lookup::{EpochKey, Landing, Places, Table, TableError};

use super::{own_set::OwnSet, statement::Statement};
use crate::{identity::PublicKey, job::Failure};

/// The rows' keys as ids under a salt, those without a NULL; why not, where they cannot be read.
pub type KeyIds = dyn Fn(&[u8; 32]) -> Result<OwnSet, Failure> + Send + Sync;

/// A file for what is passing, without a name.
pub type Passing = dyn Fn() -> io::Result<File> + Send + Sync;

/// What a party has of a published table.
#[derive(Debug, Default)]
pub enum TableCopy {
    /// Nothing.
    #[default]
    Nothing,
    /// What has come of it, in whole pieces.
    Part(Statement, Landing),
    /// All of it, checked.
    Whole(Statement, Table),
}

impl TableCopy {
    /// Of which publication it is.
    #[must_use]
    pub fn statement(&self) -> Option<&Statement> {
        match self {
            Self::Nothing => None,
            Self::Part(statement, _) | Self::Whole(statement, _) => Some(statement),
        }
    }
}

/// Where the party that asks keeps the tables of one provider, between runs: at place 0 the whole one, behind it the changes of it.
pub trait Shelf: Send + Sync {
    /// A place for the table of another publication, of which nothing has come. What had come of one before is gone.
    ///
    /// # Errors
    /// If there is no room for it.
    fn begin(&self, place: usize, of: &Statement) -> Result<Landing, TableError>;

    /// The table has come, as it was signed: it is kept in the place of the one before it, and what changed that one is gone.
    fn keep(&self, place: usize, of: &Statement);

    /// What has come is another table than the one that was signed: none of it is of use.
    fn discard(&self, place: usize);
}

/// One party's end of a lookup.
#[derive(Clone, Debug)]
pub enum LookupEnd {
    /// Of the party that asks.
    Asks(Arc<Asks>),
    /// Of the party that answers.
    Answers(Arc<Answers>),
}

/// What the party that asks brings.
pub struct Asks {
    /// The key that the other party is known by.
    pub provider: PublicKey,
    /// Its own keys.
    pub ids: Box<KeyIds>,
    /// Where what is found goes, until the result is written.
    pub passing: Box<Passing>,
    /// What it has of the tables from earlier runs, by their places, up to the first that it has not whole; this run takes it.
    pub copies: Mutex<Vec<TableCopy>>,
    /// Where it keeps what it fetches.
    pub shelf: Box<dyn Shelf>,
}

/// What the party that answers brings.
#[derive(Debug)]
pub struct Answers {
    /// A whole table, and the changes of it in their order.
    pub layers: Vec<Layer>,
}

/// One publication, at its provider.
pub struct Layer {
    /// What it says of its table.
    pub statement: Statement,
    /// What answers queries.
    pub key: EpochKey,
    /// The table, where it is kept.
    pub body: Box<dyn Places>,
}

/// Keys do not print.
impl fmt::Debug for Asks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Asks(holding {:?})", self.copies)
    }
}

/// Rows do not print.
impl fmt::Debug for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Layer({:?})", self.statement)
    }
}
