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

/// How many there are where nothing else is said.
pub(super) const PARTIES: u16 = 3;

pub(super) const PROTOCOLS: [Protocol; 1] = [among::<PARTIES>("multi")];

/// The same of more parties.
static MORE: [Protocol; 13] = [
    among::<4>("multi/4"),
    among::<5>("multi/5"),
    among::<6>("multi/6"),
    among::<7>("multi/7"),
    among::<8>("multi/8"),
    among::<9>("multi/9"),
    among::<10>("multi/10"),
    among::<11>("multi/11"),
    among::<12>("multi/12"),
    among::<13>("multi/13"),
    among::<14>("multi/14"),
    among::<15>("multi/15"),
    among::<16>("multi/16"),
];

/// Those that are left out where all protocols are asked for.
pub(super) fn more() -> impl Iterator<Item = &'static Protocol> {
    MORE.iter()
}

const fn among<const COUNT: u16>(name: &'static str) -> Protocol {
    Protocol {
        name,
        parties: COUNT,
        party: party::<COUNT>,
        quote: |sizes, _| quote(COUNT, sizes),
        note: match COUNT {
            PARTIES => {
                "PSI of three parties, augmented semi-honest, random 128-bit ids, to the leader"
            }
            _ => "PSI of several parties, augmented semi-honest, random 128-bit ids, to the leader",
        },
    }
}

/// The receiver leads; all others have as many as the sender.
pub(super) fn setting(parties: u16, sizes: Sizes) -> Result<Setting, Failure> {
    let mut all = vec![sizes.sender; usize::from(parties)];
    all[usize::from(RECEIVER)] = sizes.receiver;
    Ok(Setting::with_buckets_of(BUCKET_ITEMS, PartyId(RECEIVER), all, Audience::Leader)?)
}

fn quote(parties: u16, sizes: Sizes) -> Option<Quote> {
    let mut c = CircleCost::new(usize::from(parties));
    cost(&mut c, &setting(parties, sizes).ok()?);
    Some(Quote { bytes: c.total_bytes(), rounds: c.rounds() })
}

fn party<const COUNT: u16>(seat: &mut Seat<'_>) -> Result<bool, Failure> {
    let Sets { own, common } = Sets::of(seat, seat.role);
    let setting = setting(COUNT, seat.sizes)?;
    let mut rng = seat.prg(0);
    let found = seat.timed(|wire| intersect(wire, &setting, &own, &mut rng))?;
    Ok(found.is_none_or(|found| found == common))
}
