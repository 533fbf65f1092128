//! What a lookup puts on the link.

use std::collections::VecDeque;

use super::{buyer::AHEAD, composite::MOST, proof::PROOF_BYTES};
use crate::session::{PairCost, Side};

/// The price of [`serve`](super::serve), who is the sender, and [`look_up`](super::look_up).
pub fn cost(c: &mut PairCost, queries: usize) {
    cost_of(c, queries, 1);
}

/// The price of [`serve_from`](super::serve_from), who is the sender, and [`look_up_from`](super::look_up_from) in one attempt, where
/// there are so many tables: a whole one, and its changes.
pub fn cost_of(c: &mut PairCost, queries: usize, tables: usize) {
    if queries > 0 {
        epoch_cost(c, tables);
        batches_cost(c, Batches { queries, batch: MOST, tables }, 0, VecDeque::new());
    }
}

/// How queries go.
#[derive(Clone, Copy)]
pub(super) struct Batches {
    pub(super) queries: usize,
    /// Queries of a batch.
    pub(super) batch: usize,
    /// Keys that each is answered under.
    pub(super) tables: usize,
}

impl Batches {
    /// Bytes of a batch, and of its answer.
    fn bytes(&self, at: usize) -> [usize; 2] {
        let asked = 32 * self.batch.min(self.queries - at * self.batch);
        [asked, self.tables * (asked + PROOF_BYTES)]
    }
}

/// The price of an attempt after another with so many tables, where the buyer has heard of so many batches and the provider answered so
/// many: [`serve_from`](super::serve_from), who is the sender, and [`look_up_from`](super::look_up_from). Nothing if they cannot be
/// there.
#[must_use]
pub fn cost_from(c: &mut PairCost, queries: usize, tables: usize, far: [usize; 2]) -> Option<()> {
    cost_in(c, Batches { queries, batch: MOST, tables }, far)
}

/// The same in batches of so many.
pub(super) fn cost_in(c: &mut PairCost, of: Batches, [heard, answered]: [usize; 2]) -> Option<()> {
    let ahead = answered.checked_sub(heard).filter(|ahead| *ahead <= AHEAD);
    ahead.filter(|_| answered <= of.queries.div_ceil(of.batch))?;
    if of.queries == 0 {
        return Some(());
    }
    epoch_cost(c, of.tables);
    c.message::<u8>(Side::Receiver, size_of::<u64>());
    let far = c.departs(Side::Sender, size_of::<u64>());
    let again = (heard..answered).map(|at| c.departs(Side::Sender, of.bytes(at)[1]));
    let again = again.collect();
    c.arrives(far);
    batches_cost(c, of, heard, again);
    Some(())
}

fn epoch_cost(c: &mut PairCost, tables: usize) {
    c.message::<u64>(Side::Receiver, tables);
}

/// The batches from one on, of which these answers are on their way.
fn batches_cost(
    c: &mut PairCost,
    of: Batches,
    heard: usize,
    mut answers: VecDeque<crate::session::InFlight>,
) {
    let batches = of.queries.div_ceil(of.batch);
    for heard in heard..batches {
        while answers.len() < AHEAD && heard + answers.len() < batches {
            let [asked, answer] = of.bytes(heard + answers.len());
            c.bytes_from(Side::Receiver, asked);
            answers.push_back(c.departs(Side::Sender, answer));
        }
        if let Some(answer) = answers.pop_front() {
            c.arrives(answer);
        }
    }
}
