//! What a lookup puts on the link.

use super::{composite::MOST, proof::PROOF_BYTES};
use crate::session::{PairCost, Side};

/// The price of [`serve`](super::serve), who is the sender, and [`look_up`](super::look_up).
pub fn cost(c: &mut PairCost, queries: usize) {
    if queries == 0 {
        return;
    }
    let epoch = c.departs(Side::Receiver, size_of::<u64>());
    c.arrives(epoch);
    let mut answer = None;
    for start in (0..queries).step_by(MOST) {
        let bytes = 32 * MOST.min(queries - start);
        let asked = c.departs(Side::Receiver, bytes);
        if let Some(answer) = answer.take() {
            c.arrives(answer);
        }
        c.arrives(asked);
        answer = Some(c.departs(Side::Sender, bytes + PROOF_BYTES));
    }
    if let Some(answer) = answer {
        c.arrives(answer);
    }
}
