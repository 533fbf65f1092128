//! The protocol, and its price.

use super::{
    setting::{Audience, Setting},
    zero::ZeroShares,
};
use crate::{
    party::PartyId,
    prg::Prg,
    psi::opprf::{self, Points, Size},
    ring::{Buf, Z128},
    session::{CircleCost, OpeningKind, SessionError, Wire},
};

/// One party's part in the intersection of all sets. Returns which of its own items are common, ascending, to the leader,
/// and to all if they are to learn it; `None` to the others.
///
/// # Shape
/// Distinct items, no more than the setting says for this party.
///
/// # Cost
/// See [`cost`]: two stores of about 1.3 slots of 16 bytes for every item, of the leader's items and of the other party's, on
/// each of the leader's links, a fixed price for each link's correlations, and a seed between every two parties.
///
/// # Errors
/// [`SessionError::Misuse`] for items that do not fit the setting or are there twice; [`SessionError::Unlucky`] with
/// probability 2^-40 for each link; [`SessionError::Invalid`] for a report that is no list of items; errors of the
/// links pass through.
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
    let (me, leader) = (wire.me(), setting.leader());
    if setting.parties().all(|party| party != me) || items.len() > setting.size(me) {
        let what = "items do not fit what was agreed on";
        return Err(SessionError::Misuse { step: wire.step(), what });
    }
    let zero = ZeroShares::agree(wire, setting, rng)?;
    let mut sums = Buf::zeroed(items.len());
    zero.add(items, &mut sums);
    if me == leader {
        for other in setting.others(me) {
            let got = evaluate(wire, setting, other, items, rng)?;
            sums.iter_mut().zip(got.iter()).for_each(|(sum, got)| *sum ^= *got);
        }
        let common: Vec<u32> =
            (0..).zip(sums.iter()).filter(|(_, sum)| **sum == 0).map(|(at, _)| at).collect();
        report(wire, setting, items, &common, rng)?;
        return Ok(Some(common));
    }
    let mut pair = wire.pair(leader);
    pair.reveal(OpeningKind::Membership, setting.size(leader))?;
    let points = Points { keys: Buf::copy_of(items), columns: vec![sums] };
    opprf::send(&mut pair, &size(setting, me), points, rng)?;
    hear_report(wire, setting, items)
}

/// What the leader gets of one other party: its share of zero at items that it has, something random at others.
pub(super) fn evaluate(
    wire: &mut Wire,
    setting: &Setting,
    other: PartyId,
    items: &[u128],
    rng: &mut Prg,
) -> Result<Buf<u128>, SessionError> {
    let mut pair = wire.pair(other);
    let mut columns = opprf::receive(&mut pair, &size(setting, other), items, rng)?;
    columns.pop().ok_or_else(|| SessionError::Misuse { step: wire.step(), what: "no column" })
}

/// The programmed function between a party and the leader.
fn size(setting: &Setting, party: PartyId) -> Size {
    let (queries, points) = (setting.size(setting.leader()), setting.size(party));
    Size { queries, points, columns: 1, instances: setting.sizes().len() as u64 - 1 }
}

/// Tells all others the common items, among random ones that stand for those there could have been.
fn report(
    wire: &mut Wire,
    setting: &Setting,
    items: &[u128],
    common: &[u32],
    rng: &mut Prg,
) -> Result<(), SessionError> {
    if setting.audience() == Audience::Leader {
        return Ok(());
    }
    let mut list = rng.elements::<Z128>(setting.most_common());
    for (place, at) in list.iter_mut().zip(common) {
        *place = items[*at as usize];
    }
    list.sort_unstable();
    for other in setting.others(wire.me()) {
        wire.pair(other).reveal(OpeningKind::Membership, list.len())?;
        wire.send(other, &list)?;
    }
    Ok(())
}

fn hear_report(
    wire: &mut Wire,
    setting: &Setting,
    items: &[u128],
) -> Result<Option<Vec<u32>>, SessionError> {
    if setting.audience() == Audience::Leader {
        return Ok(None);
    }
    let list = wire.recv_words::<u128>(setting.leader(), setting.most_common())?;
    if !list.is_sorted_by(|one, next| one < next) {
        return Err(wire.pair(setting.leader()).invalid("a report that is no list of items"));
    }
    let common = (0..).zip(items).filter(|(_, item)| list.binary_search(item).is_ok());
    Ok(Some(common.map(|(at, _)| at).collect()))
}

/// Twin of [`intersect`]: seeds between every two parties at once; the programmed function from one party after the other
/// to the leader; the report to all, if there is one.
pub fn cost(c: &mut CircleCost, setting: &Setting) {
    let seeds: Vec<_> = setting
        .parties()
        .flat_map(|from| {
            setting.others(from).filter(move |to| *to > from).map(move |to| (from, to))
        })
        .collect();
    c.at_once::<u128>(&seeds, 1);
    let leader = setting.leader();
    for other in setting.others(leader) {
        c.pair(other, leader, |c| opprf::cost(c, &size(setting, other)));
    }
    if setting.audience() == Audience::Everyone {
        let report: Vec<_> = setting.others(leader).map(|other| (leader, other)).collect();
        c.at_once::<u128>(&report, setting.most_common());
    }
}
