//! The party that asks: the table first, as far as it lacks it, then what it says of its keys.

use std::{mem, sync::PoisonError};

use protocols::{
    net::at_work,
    prg::Prg,
    psi::lookup::{self, Asking, Landing, PIECE_BYTES, Table, TableError},
    session::Pair,
};

use super::{
    attempts::{failed, going_on, stored},
    keys::Keys,
    labels::Labels,
    shape::{ARRIVED, HELD_BYTES, Shape},
};
use crate::{
    exec::error::ExecError,
    plan::{Asks, STATEMENT_BYTES, Statement, StatementError, TableCopy},
};

/// Asks, over as many connections as it takes; what was found.
pub(super) fn ask(
    pair: &mut Pair<'_>,
    shape: &Shape<'_>,
    end: &Asks,
    rng: &mut Prg,
) -> Result<Labels, ExecError> {
    let copy = mem::take(&mut *end.copy.lock().unwrap_or_else(PoisonError::into_inner));
    let asking = Asking::new(shape.queries);
    let mut asker = Asker { shape, end, copy, told: None, asking, keys: None };
    going_on(pair, |pair, time| {
        if time > 0 {
            asker.asking.lost();
        }
        asker.attempt(pair, rng)
    })?;
    let keys = asker.keys.ok_or_else(|| pair.misuse("an end before its keys were read"))?;
    Ok(keys.into_labels())
}

/// Where it stands, between attempts.
struct Asker<'a> {
    shape: &'a Shape<'a>,
    end: &'a Asks,
    copy: TableCopy,
    /// What the provider said in this run.
    told: Option<Statement>,
    asking: Asking,
    keys: Option<Keys>,
}

impl Asker<'_> {
    fn attempt(&mut self, pair: &mut Pair<'_>, rng: &mut Prg) -> Result<(), ExecError> {
        let statement = self.hear_statement(pair)?;
        self.fetch(pair, &statement)?;
        if self.keys.is_none() {
            let (wire, label) = (pair.wire(), self.shape.of.label_bytes() as usize);
            let (end, salt) = (self.end, &statement.salt.0);
            let channel = wire.channel();
            let read = || Keys::read(end, (salt, label), channel, rng);
            let keys = at_work(|| wire.working(), read)?;
            self.keys = Some(keys);
        }
        if let (TableCopy::Whole(_, table), Some(keys)) = (&self.copy, &mut self.keys) {
            let asked = lookup::look_up_from(pair, table, &mut self.asking, keys, rng);
            asked.map_err(|error| keys.unless_full(failed(pair, error)))?;
        }
        Ok(pair.send(&[ARRIVED])?)
    }

    /// Says what it holds, and hears what there is.
    fn hear_statement(&mut self, pair: &mut Pair<'_>) -> Result<Statement, ExecError> {
        pair.send(&held(&self.copy, self.shape.table))?;
        let bytes: [u8; STATEMENT_BYTES] = pair.recv_array()?;
        let statement =
            Statement::check(&bytes, self.shape.of.terms(self.shape.plan), &self.end.provider);
        let statement = statement.map_err(|error| pair.invalid(unfit(error)))?;
        if !self.shape.fits(&statement) {
            return Err(pair.invalid(unfit(StatementError::Terms)).into());
        }
        if self.told.as_ref().is_some_and(|told| *told != statement) {
            return Err(pair.invalid("another publication than before its link was lost").into());
        }
        self.told = Some(statement.clone());
        Ok(statement)
    }

    /// What it lacks of the table comes, and is kept from then on.
    fn fetch(&mut self, pair: &mut Pair<'_>, of: &Statement) -> Result<(), ExecError> {
        if self.copy.statement() != Some(of) {
            // Another publication, of which nothing has come: what there was is of no use.
            self.copy = TableCopy::Nothing;
            let begun = self.end.shelf.begin(of).map_err(|error| stored(&error))?;
            self.copy = TableCopy::Part(of.clone(), begun);
        }
        if let TableCopy::Part(_, landing) = &mut self.copy {
            lookup::fetch_table(pair, landing).map_err(|error| failed(pair, error))?;
        }
        self.copy = match mem::take(&mut self.copy) {
            TableCopy::Part(of, landing) => {
                let table = self.open(pair, landing)?;
                self.end.shelf.keep(&of);
                TableCopy::Whole(of, table)
            }
            other => other,
        };
        Ok(())
    }

    /// The table, now that all of it has come.
    fn open(&self, pair: &mut Pair<'_>, landing: Landing) -> Result<Table, ExecError> {
        let wire = pair.wire();
        let opened = at_work(|| wire.working(), || landing.table());
        opened.map_err(|error| {
            if !matches!(error, TableError::Storage(_)) {
                self.end.shelf.discard();
            }
            failed(pair, error.into())
        })
    }
}

/// What a party says that it holds of a table of so many bytes.
fn held(copy: &TableCopy, table: usize) -> [u8; HELD_BYTES] {
    let pieces = match copy {
        TableCopy::Nothing => 0,
        TableCopy::Part(_, landing) => landing.pieces(),
        TableCopy::Whole(..) => table.div_ceil(PIECE_BYTES) as u64,
    };
    let mut bytes = [0; HELD_BYTES];
    if let Some(statement) = copy.statement() {
        bytes[..32].copy_from_slice(&statement.digest());
        bytes[32..].copy_from_slice(&pieces.to_le_bytes());
    }
    bytes
}

/// What is wrong with what a provider says of its publication.
fn unfit(error: StatementError) -> &'static str {
    match error {
        StatementError::Unreadable => {
            "a description of its publication that cannot be read: it may run another version"
        }
        StatementError::Signature => {
            "a publication that is not signed with the key that is pinned for it"
        }
        StatementError::Terms => "a publication of other columns, rows or queries than the job's",
    }
}
