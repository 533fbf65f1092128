//! What a lookup puts on the link.

use std::collections::VecDeque;

use super::{buyer::AHEAD, composite::MOST, proof::PROOF_BYTES};
use crate::session::{PairCost, Side};

/// The price of [`serve`](super::serve), who is the sender, and [`look_up`](super::look_up).
pub fn cost(c: &mut PairCost, queries: usize) {
    if queries > 0 {
        epoch_cost(c);
        batches_cost(c, (queries, MOST), 0, VecDeque::new());
    }
}

/// The price of an attempt after another, where the buyer has heard of so many batches and the provider answered so many:
/// [`serve_from`](super::serve_from), who is the sender, and [`look_up_from`](super::look_up_from). Nothing if they cannot be there.
#[must_use]
pub fn cost_from(c: &mut PairCost, queries: usize, far: [usize; 2]) -> Option<()> {
    cost_in(c, (queries, MOST), far)
}

/// The same in batches of so many.
pub(super) fn cost_in(
    c: &mut PairCost,
    (queries, batch): (usize, usize),
    [heard, answered]: [usize; 2],
) -> Option<()> {
    let ahead = answered.checked_sub(heard).filter(|ahead| *ahead <= AHEAD);
    ahead.filter(|_| answered <= queries.div_ceil(batch))?;
    if queries == 0 {
        return Some(());
    }
    epoch_cost(c);
    c.message::<u8>(Side::Receiver, size_of::<u64>());
    let far = c.departs(Side::Sender, size_of::<u64>());
    let again = (heard..answered).map(|at| {
        let queries = batch.min(queries - at * batch);
        c.departs(Side::Sender, 32 * queries + PROOF_BYTES)
    });
    let again = again.collect();
    c.arrives(far);
    batches_cost(c, (queries, batch), heard, again);
    Some(())
}

fn epoch_cost(c: &mut PairCost) {
    c.message::<u8>(Side::Receiver, size_of::<u64>());
}

/// The batches from one on, of which these answers are on their way.
fn batches_cost(
    c: &mut PairCost,
    (queries, batch): (usize, usize),
    heard: usize,
    mut answers: VecDeque<crate::session::InFlight>,
) {
    let bytes = |at: usize| 32 * batch.min(queries - at * batch);
    let batches = queries.div_ceil(batch);
    for heard in heard..batches {
        while answers.len() < AHEAD && heard + answers.len() < batches {
            let bytes = bytes(heard + answers.len());
            c.bytes_from(Side::Receiver, bytes);
            answers.push_back(c.departs(Side::Sender, bytes + PROOF_BYTES));
        }
        if let Some(answer) = answers.pop_front() {
            c.arrives(answer);
        }
    }
}
