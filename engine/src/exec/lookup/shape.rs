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
pub(super) struct Shape<'p> {
    pub(super) plan: &'p Plan,
    pub(super) of: &'p Lookup,
    pub(super) asks: Role,
    pub(super) answers: Role,
    /// Queries.
    pub(super) queries: usize,
    /// Bytes of the table.
    pub(super) table: usize,
}

impl<'p> Shape<'p> {
    pub(super) fn new(plan: &'p Plan, of: &'p Lookup) -> Option<Self> {
        let role = |at: u32| role_of(plan, &plan.inputs.get(at as usize)?.party);
        let [queries, _] = of.rows(plan)?;
        let (asks, answers) = (role(of.asks)?, role(of.answers)?);
        Some(Self { plan, of, asks, answers, queries, table: of.table_bytes(plan)? })
    }

    pub(super) fn opening(&self) -> (OpeningKind, usize, Recipient) {
        (OpeningKind::Membership, self.queries, Recipient::Party(self.asks.id()))
    }

    /// Whether a statement is of a table as the plan has it.
    pub(super) fn fits(&self, statement: &Statement) -> bool {
        let header = &statement.header;
        let rows = self.plan.inputs[self.of.answers as usize].rows;
        header.epoch.base.is_none()
            && (header.rows, header.queries) == (rows, self.of.queries)
            && header.label_bytes == self.of.label_bytes()
    }
}

/// How far a lookup was when its last connections began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Far {
    /// So many pieces of the table had come.
    Fetching(usize),
    /// All of it, and so many batches were heard of at the one end, so many answered at the other.
    Asking([usize; 2]),
}

/// Bytes of an attempt after another; nothing where it cannot have been so far.
#[must_use]
pub fn lookup_cost_from(plan: &Plan, of: &Lookup, far: Far) -> Option<u64> {
    let shape = Shape::new(plan, of)?;
    let mut c = PairCost::new();
    let pieces = shape.table.div_ceil(lookup::PIECE_BYTES);
    let (pieces, batches) = match far {
        Far::Fetching(there) => (Some(there).filter(|there| *there <= pieces)?, [0, 0]),
        Far::Asking(batches) => (pieces, batches),
    };
    held_cost(&mut c);
    lookup::table_cost(&mut c, shape.table, pieces as u64);
    lookup::cost_from(&mut c, shape.queries, batches)?;
    c.message::<u64>(Side::Receiver, 1);
    Some(c.total_bytes())
}

/// Bytes of the table where so many pieces of it have come; nothing if it has not so many.
#[must_use]
pub fn table_left(plan: &Plan, of: &Lookup, pieces: usize) -> Option<u64> {
    let table = Shape::new(plan, of)?.table;
    let mut c = PairCost::new();
    lookup::table_cost(&mut c, table, pieces as u64);
    (pieces <= table.div_ceil(lookup::PIECE_BYTES)).then(|| c.total_bytes())
}

/// What either end says first.
fn held_cost(c: &mut PairCost) {
    c.bytes_from(Side::Receiver, HELD_BYTES);
    c.bytes_from(Side::Sender, STATEMENT_BYTES);
}

/// Twin of [`run`](super::run) where the publication is held.
pub(in crate::exec) fn cost(
    m: &mut Meter,
    plan: &Plan,
    of: &Lookup,
    at: usize,
) -> Result<(), ExecError> {
    let shape = Shape::new(plan, of).ok_or(ExecError::Malformed(at))?;
    let (kind, count, to) = shape.opening();
    m.pass_gate(kind, count, to);
    m.pair(shape.answers, shape.asks, |c| {
        held_cost(c);
        lookup::cost(c, shape.queries);
        c.message::<u64>(Side::Receiver, 1);
    });
    Ok(())
}

/// What fetching the publication adds where nothing of it has come: the table, which travels behind its statement and so takes no round
/// of its own.
pub(in crate::exec) fn table_cost(
    plan: &Plan,
    of: &Lookup,
    at: usize,
) -> Result<(u64, u64), ExecError> {
    let shape = Shape::new(plan, of).ok_or(ExecError::Malformed(at))?;
    let mut cost = PairCost::new();
    lookup::table_cost(&mut cost, shape.table, 0);
    Ok((cost.total_bytes(), cost.messages))
}
