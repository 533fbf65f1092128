//! The protocol, and its price.

use super::{
    setting::{Audience, Setting},
    zero::ZeroShares,
};
use crate::{
    party::PartyId,
    prg::Prg,
    psi::{
        buckets::{Buckets, Scattered},
        opprf::{self, Points, Size},
    },
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
/// each of the leader's links, a fixed price for each link's correlations of a bucket, and a seed between every two parties.
///
/// # Errors
/// [`SessionError::Misuse`] for items that do not fit the setting or are there twice; [`SessionError::Unlucky`] with
/// probability 2^-40 for each link, and for a bucket that holds more than it may; [`SessionError::Invalid`] for a report that is no
/// list of items; errors of the links pass through.
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
/// own and the same keys, which no item meets twice.
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
    let zero = ZeroShares::agree(wire, setting, rng)?;
    for bucket in 0..setting.buckets() {
        let items = set.bucket(bucket, setting.buckets())?;
        if items.len() > setting.capacity(me) {
            let what = "more items fall into one bucket than it holds";
            return Err(SessionError::Unlucky { step: wire.step(), what });
        }
        let mut sums = Buf::zeroed(items.len());
        zero.add(&items, &mut sums);
        let common = if me == leader {
            Some(lead(wire, setting, &items, sums, rng)?)
        } else {
            let points = Points { keys: Buf::copy_of(&items), columns: vec![sums] };
            opprf::send(&mut wire.pair(leader), &size(setting, me), points, rng)?;
            hear_report(wire, setting, &items)?
        };
        drop(items);
        if let Some(common) = common {
            set.found(bucket, &common)?;
        }
        let other = setting.others(me).next().unwrap_or(leader);
        set.finished(&mut wire.pair(other), bucket)?;
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

/// The leader's part of a bucket: which of its items are common.
fn lead(
    wire: &mut Wire,
    setting: &Setting,
    items: &[u128],
    mut sums: Buf<u128>,
    rng: &mut Prg,
) -> Result<Vec<u32>, SessionError> {
    for other in setting.others(setting.leader()) {
        let got = evaluate(wire, setting, other, items, rng)?;
        sums.iter_mut().zip(got.iter()).for_each(|(sum, got)| *sum ^= *got);
    }
    let common: Vec<u32> =
        (0..).zip(sums.iter()).filter(|(_, sum)| **sum == 0).map(|(at, _)| at).collect();
    report(wire, setting, items, &common, rng)?;
    Ok(common)
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

/// The programmed function between a party and the leader, of a bucket.
fn size(setting: &Setting, party: PartyId) -> Size {
    let (queries, points) = (setting.capacity(setting.leader()), setting.capacity(party));
    let instances = (setting.sizes().len() as u64 - 1) * setting.buckets() as u64;
    Size { queries, points, columns: 1, instances }
}

/// Tells all others the common items of a bucket, among random ones that stand for those there could have been.
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
    let mut list = rng.elements::<Z128>(setting.most_common_in_bucket());
    for (place, at) in list.iter_mut().zip(common) {
        *place = items[*at as usize];
    }
    list.sort_unstable();
    for other in setting.others(wire.me()) {
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
    let list = wire.recv_words::<u128>(setting.leader(), setting.most_common_in_bucket())?;
    if !list.is_sorted_by(|one, next| one < next) {
        return Err(wire.pair(setting.leader()).invalid("a report that is no list of items"));
    }
    let common = (0..).zip(items).filter(|(_, item)| list.binary_search(item).is_ok());
    Ok(Some(common.map(|(at, _)| at).collect()))
}

/// Twin of [`intersect`] and [`intersect_buckets`]: seeds between every two parties at once; for each bucket the programmed function
/// from one party after the other to the leader, and the report to all, if there is one.
pub fn cost(c: &mut CircleCost, setting: &Setting) {
    let seeds: Vec<_> = setting
        .parties()
        .flat_map(|from| {
            setting.others(from).filter(move |to| *to > from).map(move |to| (from, to))
        })
        .collect();
    c.at_once::<u128>(&seeds, 1);
    let leader = setting.leader();
    let report: Vec<_> = setting.others(leader).map(|other| (leader, other)).collect();
    for _ in 0..setting.buckets() {
        for other in setting.others(leader) {
            c.pair(other, leader, |c| opprf::cost(c, &size(setting, other)));
        }
        if setting.audience() == Audience::Everyone {
            c.at_once::<u128>(&report, setting.most_common_in_bucket());
        }
    }
}
