//! What the two parties of a lookup bring to it: one its keys and the table it may hold already, the other its publication.

use std::{fmt, fs::File, io, sync::Arc};

use protocols::psi::lookup::{EpochKey, Places, Table};

use super::statement::Statement;
use crate::identity::PublicKey;

/// The ids of the rows' keys under a salt; none where a key has a NULL. Nothing where a column can be no key.
pub type KeyIds = dyn Fn(&[u8; 32]) -> Option<Vec<Option<u128>>> + Send + Sync;

/// A file for a table that is fetched, which stands where the table is to be written, behind whatever is in front.
pub type Store = dyn Fn(&Statement) -> io::Result<File> + Send + Sync;

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
    /// The publication that it fetched in an earlier run, checked.
    pub held: Option<(Statement, Table)>,
    /// Where it keeps another one that is fetched.
    pub store: Box<Store>,
}

/// What the party that answers brings.
pub struct Answers {
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
        write!(f, "Asks(holding a table: {})", self.held.is_some())
    }
}

/// Rows do not print.
impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Answers({:?})", self.statement)
    }
}
