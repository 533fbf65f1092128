//! The protocol, as its users call it.

use super::{
    follower::follow,
    leader::lead,
    setting::{Audience, Setting},
};
use crate::{
    party::PartyId,
    prg::Prg,
    psi::{
        buckets::{Buckets, Scattered},
        opprf::Size,
    },
    session::{OpeningKind, SessionError, Wire},
};

/// One party's part in the intersection of all sets. Returns which of its own items are common, ascending, to the leader,
/// and to all if they are to learn it; `None` to the others.
///
/// # Shape
/// Distinct items, no more than the setting says for this party.
///
/// # Cost
/// See [`super::cost`]: two stores of about 1.3 slots of 16 bytes for every item, of the leader's items and of the other party's, on
/// each of the leader's links, a fixed price for each link's correlations of a bucket, and a few words between every two parties.
/// Where a link is lost, a bucket more on each of the leader's links: see [`super::may_carry`].
///
/// # Errors
/// [`SessionError::Misuse`] for items that do not fit the setting or are there twice; [`SessionError::Unlucky`] with
/// probability 2^-40 for each link, and for a bucket that holds more than it may; [`SessionError::Invalid`] for a report that is no
/// list of items and for a turn out of order; errors of the links pass through, of one that was lost if it does not come about again,
/// or was lost more than [`Setting::RENEWALS`] times.
///
/// # Security
/// Any number of parties together, augmented semi-honest: see the module.
///
/// # Source
/// Kolesnikov, Matania, Pinkas, Rosulek, Trieu, CCS 2017.
pub fn intersect(
    wire: &mut Wire,
    setting: &Setting,
    items: &[u128],
    rng: &mut Prg,
) -> Result<Option<Vec<u32>>, SessionError> {
    if items.len() > setting.size(wire.me()) {
        return Err(unfit(wire));
    }
    let mut set = Scattered::new(items, setting.buckets());
    let learns = intersect_buckets(wire, setting, &mut set, rng)?;
    let mut positions = set.into_positions();
    positions.sort_unstable();
    Ok(learns.then_some(positions))
}

/// The same of a set that is read bucket by bucket and told which of its items are common; whether this party learns it.
///
/// # Shape
/// A set of at most as many items as the setting says for this party; smaller ones are padded.
///
/// # Cost
/// As [`intersect`]; a bucket in memory.
///
/// # Errors
/// As [`intersect`], and what the set says.
///
/// # Security
/// As [`intersect`]: each bucket is an intersection by itself, of items that all parties put there alike, under functions of its
/// own and the same keys, which no item meets twice: a bucket that is repeated has others.
pub fn intersect_buckets(
    wire: &mut Wire,
    setting: &Setting,
    set: &mut dyn Buckets,
    rng: &mut Prg,
) -> Result<bool, SessionError> {
    let (me, leader) = (wire.me(), setting.leader());
    if setting.parties().all(|party| party != me) {
        return Err(unfit(wire));
    }
    reveal(wire, setting)?;
    if me == leader {
        lead(wire, setting, set, rng)?;
    } else {
        follow(wire, setting, set, rng)?;
    }
    Ok(me == leader || setting.audience() == Audience::Everyone)
}

fn unfit(wire: &Wire) -> SessionError {
    SessionError::Misuse { step: wire.step(), what: "items do not fit what was agreed on" }
}

/// Takes what this party opens off the list: to the leader, or of the leader to all.
fn reveal(wire: &mut Wire, setting: &Setting) -> Result<(), SessionError> {
    let (me, leader) = (wire.me(), setting.leader());
    if me != leader {
        return wire.pair(leader).reveal(OpeningKind::Membership, setting.size(leader));
    }
    if setting.audience() == Audience::Leader {
        return Ok(());
    }
    let most = setting.most_common();
    let mut others = setting.others(me);
    others.try_for_each(|other| wire.pair(other).reveal(OpeningKind::Membership, most))
}

/// The programmed function between a party and the leader, of a bucket.
pub(super) fn size(setting: &Setting, party: PartyId) -> Size {
    let (queries, points) = (setting.capacity(setting.leader()), setting.capacity(party));
    Size { queries, points, columns: 1, instances: setting.instances() }
}
