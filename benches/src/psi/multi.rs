//! PSI of several parties.

use protocols::{
    party::PartyId,
    psi::{
        BUCKET_ITEMS, Sizes,
        multiparty::{Audience, Setting, cost, intersect},
    },
    session::CircleCost,
};

use super::{
    seat::{Protocol, Quote, RECEIVER, Seat},
    sets::Sets,
};
use crate::Failure;

pub(super) const PARTIES: u16 = 3;

pub(super) const PROTOCOLS: [Protocol; 1] = [Protocol {
    name: "multi",
    parties: PARTIES,
    party,
    quote: |sizes, _| quote(sizes),
    note: "PSI of three parties, augmented semi-honest, random 128-bit ids, to the leader",
}];

/// The receiver leads; all others have as many as the sender.
pub(super) fn setting(sizes: Sizes) -> Result<Setting, Failure> {
    let mut all = vec![sizes.sender; usize::from(PARTIES)];
    all[usize::from(RECEIVER)] = sizes.receiver;
    Ok(Setting::with_buckets_of(BUCKET_ITEMS, PartyId(RECEIVER), all, Audience::Leader)?)
}

fn quote(sizes: Sizes) -> Option<Quote> {
    let mut c = CircleCost::new(usize::from(PARTIES));
    cost(&mut c, &setting(sizes).ok()?);
    Some(Quote { bytes: c.total_bytes(), rounds: c.rounds() })
}

fn party(seat: &mut Seat<'_>) -> Result<bool, Failure> {
    let Sets { own, common } = Sets::of(seat, seat.role);
    let setting = setting(seat.sizes)?;
    let mut rng = seat.prg(0);
    let found = seat.timed(|wire| intersect(wire, &setting, &own, &mut rng))?;
    Ok(found.is_none_or(|found| found == common))
}
