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
pub(in crate::exec) fn ask(
    pair: &mut Pair<'_>,
    shape: &Shape<'_>,
    end: &Asks,
    rng: &mut Prg,
) -> Result<Labels, ExecError> {
    let mut copies = mem::take(&mut *end.copies.lock().unwrap_or_else(PoisonError::into_inner));
    let heard = copies.iter().filter_map(number).max();
    copies.resize_with(shape.tables.len(), TableCopy::default);
    let asking = Asking::new(shape.queries);
    let mut asker = Asker { shape, end, copies, heard, told: None, asking, keys: None };
    going_on(pair, |pair, time| {
        if time > 0 {
            asker.asking.lost();
        }
        asker.attempt(pair, rng)
    })?;
    let keys = asker.keys.ok_or_else(|| pair.misuse("an end before its keys were read"))?;
    Ok(keys.into_labels())
}

/// The number of the publication that there is something of.
fn number(copy: &TableCopy) -> Option<u64> {
    copy.statement().map(|statement| statement.header.epoch.number)
}

/// Where it stands, between attempts.
struct Asker<'a> {
    shape: &'a Shape<'a>,
    end: &'a Asks,
    /// What it has of each table that there may be.
    copies: Vec<TableCopy>,
    /// The last publication that it heard of in earlier runs.
    heard: Option<u64>,
    /// What the provider said in this run.
    told: Option<Vec<Statement>>,
    asking: Asking,
    keys: Option<Keys>,
}

impl Asker<'_> {
    fn attempt(&mut self, pair: &mut Pair<'_>, rng: &mut Prg) -> Result<(), ExecError> {
        let statements = self.hear_statements(pair)?;
        for (place, statement) in statements.iter().enumerate() {
            self.fetch(pair, place, statement)?;
        }
        if let (None, Some(whole)) = (&self.keys, statements.first()) {
            let (wire, label) = (pair.wire(), self.shape.of.label_bytes() as usize);
            let (end, salt) = (self.end, &whole.salt.0);
            let channel = wire.channel();
            let read = || Keys::read(end, (salt, label), channel, rng);
            let keys = at_work(|| wire.working(), read)?;
            self.keys = Some(keys);
        }
        let tables = self.copies.iter().take(statements.len()).filter_map(|copy| match copy {
            TableCopy::Whole(_, table) => Some(table),
            _ => None,
        });
        let tables: Vec<_> = tables.collect();
        if let (true, Some(keys)) = (tables.len() == statements.len(), &mut self.keys) {
            let asked = lookup::look_up_from(pair, &tables, &mut self.asking, keys, rng);
            asked.map_err(|error| keys.unless_full(failed(pair, error)))?;
        }
        Ok(pair.send(&[ARRIVED])?)
    }

    /// Says what it holds, and hears what there is: a whole table, and what changes it.
    fn hear_statements(&mut self, pair: &mut Pair<'_>) -> Result<Vec<Statement>, ExecError> {
        let held = self.copies.iter().zip(&self.shape.tables);
        let held: Vec<_> = held.map(|(copy, table)| held_of(copy, *table)).collect();
        pair.send(&held.concat())?;
        let mut count = 1;
        if self.shape.counts() {
            let told = usize::try_from(u64::from_le_bytes(pair.recv_array()?)).ok();
            let fits = told.filter(|count| self.shape.allows(*count));
            count =
                fits.ok_or_else(|| pair.invalid("more changes of its table than there may be"))?;
        }
        let bytes = pair.recv_words::<u8>(count * STATEMENT_BYTES)?;
        let told: Result<Vec<_>, _> =
            bytes.chunks_exact(STATEMENT_BYTES).map(|bytes| self.statement(bytes)).collect();
        let told = told.map_err(|error| pair.invalid(unfit(error)))?;
        if let Some(what) = self.misfit(&told) {
            return Err(pair.invalid(what).into());
        }
        self.told = Some(told.clone());
        Ok(told)
    }

    fn statement(&self, bytes: &[u8]) -> Result<Statement, StatementError> {
        Statement::check(bytes, self.shape.of.terms(self.shape.plan), &self.end.provider)
    }

    /// What is wrong with the provider's publications, if anything is.
    fn misfit(&self, told: &[Statement]) -> Option<&'static str> {
        let fits = |(place, statement): (usize, &Statement)| self.shape.fits(place, statement);
        if !told.iter().enumerate().all(fits) {
            return Some(unfit(StatementError::Terms));
        }
        if !told.windows(2).all(|pair| pair[1].changes(&pair[0])) {
            return Some("a change of another publication than the one it stands behind");
        }
        if self.told.as_ref().is_some_and(|before| before != told) {
            return Some("another publication than before its link was lost");
        }
        let last = told.last().map(|statement| statement.header.epoch.number);
        let older = self.shape.counts() && self.heard.is_some_and(|heard| last < Some(heard));
        older.then_some(
            "an older publication than one that it has told of before: it has to publish its table anew",
        )
    }

    /// What it lacks of a table comes, and is kept from then on.
    fn fetch(
        &mut self,
        pair: &mut Pair<'_>,
        place: usize,
        of: &Statement,
    ) -> Result<(), ExecError> {
        let mut copy = mem::take(&mut self.copies[place]);
        if copy.statement() != Some(of) {
            // Another publication, of which nothing has come: what there was is of no use.
            let begun = self.end.shelf.begin(place, of).map_err(|error| stored(&error))?;
            copy = TableCopy::Part(of.clone(), begun);
        }
        if let TableCopy::Part(_, landing) = &mut copy {
            let fetched = lookup::fetch_table(pair, landing);
            if let Err(error) = fetched {
                // What has come of it is there in the next attempt.
                self.copies[place] = copy;
                return Err(failed(pair, error));
            }
        }
        self.copies[place] = match copy {
            TableCopy::Part(of, landing) => {
                let table = self.open(pair, place, landing)?;
                self.end.shelf.keep(place, &of);
                TableCopy::Whole(of, table)
            }
            other => other,
        };
        Ok(())
    }

    /// The table, now that all of it has come.
    fn open(
        &self,
        pair: &mut Pair<'_>,
        place: usize,
        landing: Landing,
    ) -> Result<Table, ExecError> {
        let wire = pair.wire();
        let opened = at_work(|| wire.working(), || landing.table());
        opened.map_err(|error| {
            if !matches!(error, TableError::Storage(_)) {
                self.end.shelf.discard(place);
            }
            failed(pair, error.into())
        })
    }
}

/// What a party says that it holds of a table of so many bytes.
fn held_of(copy: &TableCopy, table: usize) -> [u8; HELD_BYTES] {
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
