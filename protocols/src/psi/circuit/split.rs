//! From two providers' halves to shares among three, in one message.
//!
//! In every bin the receiver holds `t`, the sender a mask `m`, and `t + m` is to be shared. The sender draws `m` from the key
//! that it has in common with the third party: so `m` is a summand already. The second summand comes from the key of the
//! two providers, and the receiver sends what is missing from `t` to the third party.
//!
//! ```text
//!                      summand of sender and third: m        ← their key
//!   t + m  =  sum of   summand of the two providers: k       ← their key
//!                      summand of receiver and third: t − k  ← one message, receiver to third
//! ```

use crate::{
    kernels::Backend,
    mpc::{Column, Shape},
    party::Role,
    ring::{B64, Buf, Ring, Z64},
    session::{Meter, Session, SessionError},
    share::{Bits, Shared},
};

use super::task::Task;

/// What the parties know of a sharing before the receiver has its half.
pub(super) struct Split {
    shape: Shape,
    /// The sender's masks, at the sender and the third party.
    mask: Option<Buf<u64>>,
    /// The summand of the two providers.
    between: Option<Buf<u64>>,
}

impl Split {
    /// Draws masks for a column of the task's bins.
    pub(super) fn draw(s: &mut Session, task: &Task, shape: Shape) -> Self {
        let words = shape.wire_words(task.bins());
        let [mask, between] = summands(task);
        let mask = s.prss().summand::<Z64>(mask, words);
        let between = s.prss().summand::<Z64>(between, words);
        Self { shape, mask, between }
    }

    /// The masks row by row; at the sender.
    pub(super) fn masks(&self, bins: usize) -> Buf<u64> {
        let words = self.mask.as_deref().unwrap_or(&[]);
        match self.shape {
            Shape::Bits(width) => {
                let mut rows = Buf::scratch(bins);
                Backend::active().from_planes(words, width, &mut rows);
                rows
            }
            _ => Buf::copy_of(words),
        }
    }

    /// The shares. `rows` is the receiver's half, row by row; the others give none.
    pub(super) fn share(
        self,
        s: &mut Session,
        task: &Task,
        rows: Option<&[u64]>,
    ) -> Result<Column, SessionError> {
        let (receiver, helper) = (task.receiver().role, task.helper());
        let third = if s.role() == receiver {
            let mut rest = on_wire(self.shape, rows.unwrap_or(&[]));
            let between = self.between.as_deref().unwrap_or(&[]);
            s.same_len(rest.len(), between.len())?;
            match self.shape {
                Shape::Bits(_) => B64::sub_assign(&mut rest, between),
                _ => Z64::sub_assign(&mut rest, between),
            }
            s.send(helper.id(), &rest)?;
            Some(rest)
        } else if s.role() == helper {
            let mut rest = Buf::scratch(self.shape.wire_words(task.bins()));
            s.recv(receiver.id(), &mut rest)?;
            Some(rest)
        } else {
            None
        };
        let mut held = [None, None, None];
        let [mask, between] = summands(task);
        held[mask.index()] = self.mask;
        held[between.index()] = self.between;
        held[common(receiver, helper).index()] = third;
        let mut take = |index: Role| held[index.index()].take().unwrap_or_else(|| Buf::zeroed(0));
        let (own, next) = (take(s.role()), take(s.role().next()));
        Ok(column(self.shape, task.bins(), own, next))
    }
}

/// Twin of [`Split::share`].
pub(super) fn share_cost(m: &mut Meter, task: &Task, shape: Shape) {
    let words = shape.wire_words(task.bins());
    m.message::<u64>(task.receiver().role, task.helper(), words);
}

/// Rows as they lie in a column of this shape: words, or planes.
pub(super) fn on_wire(shape: Shape, rows: &[u64]) -> Buf<u64> {
    match shape {
        Shape::Bits(width) => {
            let mut planes = Buf::scratch(shape.wire_words(rows.len()));
            Backend::active().to_planes(rows, width, &mut planes);
            planes
        }
        _ => Buf::copy_of(rows),
    }
}

/// A column of zeros.
pub(super) fn zeros(shape: Shape, rows: usize) -> Column {
    let words = shape.wire_words(rows);
    column(shape, rows, Buf::zeroed(words), Buf::zeroed(words))
}

/// A column of words or planes.
pub(super) fn column(shape: Shape, rows: usize, own: Buf<u64>, next: Buf<u64>) -> Column {
    match shape {
        Shape::Bits(width) => {
            Column::Bits(Bits::from_planes(rows, width, Shared::from_parts(own, next)))
        }
        _ => Column::Z64(Shared::from_parts(own, next)),
    }
}

/// The summand of the sender and the third party, and that of the two providers.
pub(super) fn summands(task: &Task) -> [Role; 2] {
    let (receiver, sender) = (task.receiver().role, task.sender().role);
    [common(sender, task.helper()), common(receiver, sender)]
}

/// The summand that two parties hold.
fn common(a: Role, b: Role) -> Role {
    if a.next() == b { b } else { a }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_two_parties_have_one_summand_in_common() {
        for a in Role::ALL {
            for b in [a.next(), a.prev()] {
                let index = common(a, b);
                assert!([a, a.next()].contains(&index) && [b, b.next()].contains(&index));
            }
        }
    }
}
