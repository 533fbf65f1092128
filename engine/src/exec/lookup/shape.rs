//! What is public of a lookup, and what it costs.

use protocols::{
    party::Role,
    psi::lookup,
    session::{Meter, OpeningKind, PairCost, Recipient, Side},
};

use crate::{
    exec::{error::ExecError, input::role_of},
    plan::{Lookup, Plan, STATEMENT_BYTES, Statement},
};

/// Bytes of what a party says that it holds: the digest of a statement, and how many pieces of its table.
pub(super) const HELD_BYTES: usize = 32 + 8;

/// The last word of the party that asks: that all answers have come.
pub(super) const ARRIVED: u64 = 1;

/// What is public of a lookup.
pub(in crate::exec) struct Shape<'p> {
    pub(super) plan: &'p Plan,
    pub(super) of: &'p Lookup,
    pub(super) asks: Role,
    pub(super) answers: Role,
    /// Queries.
    pub(super) queries: usize,
    /// Bytes of the whole table, and of each change that there may be of it.
    pub(super) tables: Vec<usize>,
}

impl<'p> Shape<'p> {
    pub(in crate::exec) fn new(plan: &'p Plan, of: &'p Lookup) -> Option<Self> {
        let role = |at: u32| role_of(plan, &plan.inputs.get(at as usize)?.party);
        let [queries, _] = of.rows(plan)?;
        let (asks, answers) = (role(of.asks)?, role(of.answers)?);
        Some(Self { plan, of, asks, answers, queries, tables: of.all_bytes(plan)? })
    }

    pub(super) fn opening(&self) -> (OpeningKind, usize, Recipient) {
        (OpeningKind::Membership, self.queries, Recipient::Party(self.asks.id()))
    }

    /// Whether changes are published, so that how many there are is told.
    pub(super) fn counts(&self) -> bool {
        self.tables.len() > 1
    }

    /// Whether there may be so many publications, the whole one and its changes.
    pub(super) fn allows(&self, count: usize) -> bool {
        (1..=self.tables.len()).contains(&count)
    }

    /// Whether a statement, in its place, is of a table as the plan has it.
    pub(super) fn fits(&self, place: usize, statement: &Statement) -> bool {
        let header = &statement.header;
        let rows = self.of.rows_of(self.plan, place);
        header.epoch.base.is_some() == (place > 0)
            && (Some(header.rows), header.queries) == (rows, self.of.queries)
            && header.label_bytes == self.of.label_bytes()
    }

    /// Everything but the tables themselves, where there are so many.
    fn cost(&self, c: &mut PairCost, count: usize) {
        self.held_cost(c, count);
        lookup::cost_of(c, self.queries, count);
        c.message::<u64>(Side::Receiver, 1);
    }

    /// What either end says first.
    fn held_cost(&self, c: &mut PairCost, count: usize) {
        c.bytes_from(Side::Receiver, HELD_BYTES * self.tables.len());
        if self.counts() {
            c.message::<u64>(Side::Sender, 1);
        }
        c.bytes_from(Side::Sender, STATEMENT_BYTES * count);
    }

    /// What is left of so many tables where so many pieces have come, those of the first ones first; nothing if they have not so many.
    fn tables_cost(&self, c: &mut PairCost, count: usize, pieces: usize) -> Option<()> {
        let mut come = pieces;
        for bytes in self.tables.get(..count)? {
            let there = come.min(bytes.div_ceil(lookup::PIECE_BYTES));
            lookup::table_cost(c, *bytes, there as u64);
            come -= there;
        }
        (come == 0).then_some(())
    }

    /// Pieces of so many tables.
    fn pieces(&self, count: usize) -> usize {
        self.tables.iter().take(count).map(|bytes| bytes.div_ceil(lookup::PIECE_BYTES)).sum()
    }
}

/// How far a lookup was when its last connections began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Far {
    /// So many pieces of the tables had come, those of the first ones first.
    Fetching(usize),
    /// All of them, and so many batches were heard of at the one end, so many answered at the other.
    Asking([usize; 2]),
}

/// Bytes of an attempt after another, with so many tables; nothing where it cannot have been so far, or there cannot be so many.
#[must_use]
pub fn lookup_cost_from(plan: &Plan, of: &Lookup, count: usize, far: Far) -> Option<u64> {
    let shape = Shape::new(plan, of).filter(|shape| shape.allows(count))?;
    let mut c = PairCost::new();
    let (pieces, batches) = match far {
        Far::Fetching(there) => (there, [0, 0]),
        Far::Asking(batches) => (shape.pieces(count), batches),
    };
    shape.held_cost(&mut c, count);
    shape.tables_cost(&mut c, count, pieces)?;
    lookup::cost_from(&mut c, shape.queries, count, batches)?;
    c.message::<u64>(Side::Receiver, 1);
    Some(c.total_bytes())
}

/// What comes on top of the quote where there are so many tables, of which so many pieces have come, those of the first ones first: of a
/// whole one that is held nothing. Nothing if there cannot be so many, or they have not so many pieces.
#[must_use]
pub fn tables_left(plan: &Plan, of: &Lookup, count: usize, pieces: usize) -> Option<u64> {
    let shape = Shape::new(plan, of).filter(|shape| shape.allows(count))?;
    let (mut with, mut without) = (PairCost::new(), PairCost::new());
    shape.cost(&mut with, count);
    shape.tables_cost(&mut with, count, pieces)?;
    shape.cost(&mut without, 1);
    with.total_bytes().checked_sub(without.total_bytes())
}

/// Twin of [`run`](super::run) where there is a whole publication without changes, and it is held.
pub(in crate::exec) fn cost(
    m: &mut Meter,
    plan: &Plan,
    of: &Lookup,
    at: usize,
) -> Result<(), ExecError> {
    let shape = Shape::new(plan, of).ok_or(ExecError::Malformed(at))?;
    let (kind, count, to) = shape.opening();
    m.pass_gate(kind, count, to);
    m.pair(shape.answers, shape.asks, |c| shape.cost(c, 1));
    Ok(())
}

/// What it takes on top where as many changes as there may be stand behind the publication and nothing of any has come: the tables, which
/// travel behind their statements, and longer answers, none of which take rounds of their own.
pub(in crate::exec) fn table_cost(
    plan: &Plan,
    of: &Lookup,
    at: usize,
) -> Result<(u64, u64), ExecError> {
    let malformed = || ExecError::Malformed(at);
    let shape = Shape::new(plan, of).ok_or_else(malformed)?;
    let (mut cost, count) = (PairCost::new(), shape.tables.len());
    shape.tables_cost(&mut cost, count, 0).ok_or_else(malformed)?;
    let bytes = tables_left(plan, of, count, 0).ok_or_else(malformed)?;
    Ok((bytes, cost.messages))
}
