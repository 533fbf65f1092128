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
        c.bytes_from(Side::Receiver, HELD_BYTES);
        c.bytes_from(Side::Sender, STATEMENT_BYTES);
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
