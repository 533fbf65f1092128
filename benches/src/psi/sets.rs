//! Random sets with a known intersection.

use protocols::{prg::Prg, psi::Sizes, ring::Z128};

use super::seat::{RECEIVER, Seat};

/// Sets of two parties of which every second element is common, in no order.
pub(super) struct Sets {
    /// The own set.
    pub(super) own: Vec<u128>,
    /// Which of the own positions the other has, ascending.
    pub(super) common: Vec<u32>,
}

impl Sets {
    /// The set of party `role` in a seat's run; whoever is not the receiver has one like the sender's.
    pub(super) fn of(seat: &Seat<'_>, role: u16) -> Self {
        let Sizes { sender, receiver } = seat.sizes;
        let own = if role == RECEIVER { receiver } else { sender };
        Self::new(role, own, sender.min(receiver), seat.rep)
    }

    /// Party `role`'s set of `own` random ids, where the smaller of both sets has `least` and the repetition is `rep`.
    ///
    /// Half of the smaller set is common, rounded up.
    pub(super) fn new(role: u16, own: usize, least: usize, rep: u32) -> Self {
        let common = prg(rep, 0).elements::<Z128>(least.div_ceil(2));
        let rest = prg(rep, 1 + role).elements::<Z128>(own - common.len());
        // The common ones spread evenly over the set, at other places for each party.
        let step = own.checked_div(common.len()).unwrap_or(1);
        let at = |i: usize| i * step + usize::from(role) % step;
        let (mut set, mut places) = (Vec::with_capacity(own), Vec::with_capacity(common.len()));
        let (mut shared, mut others) = (0, rest.iter());
        for (row, position) in (0..own).zip(0_u32..) {
            if shared < common.len() && row == at(shared) {
                // Each party meets them in another order.
                set.push(common[if role == 0 { shared } else { common.len() - 1 - shared }]);
                places.push(position);
                shared += 1;
            } else {
                set.extend(others.next());
            }
        }
        Self { own: set, common: places }
    }
}

fn prg(rep: u32, label: u16) -> Prg {
    let seed = 0x7365_7473_u128 << 96 | u128::from(rep) << 32 | u128::from(label);
    Prg::new(&seed.to_le_bytes())
}
