//! PSI of several parties.

use protocols::{
    party::PartyId,
    psi::multiparty::{Audience, Setting, cost, intersect},
    session::CircleCost,
};

use super::{
    seat::{Protocol, Quote, Seat},
    sets::Sets,
};
use crate::Failure;

const PARTIES: u16 = 3;

pub(super) const PROTOCOLS: [Protocol; 1] = [Protocol {
    name: "multi",
    parties: PARTIES,
    party,
    quote,
    note: "PSI of three parties, augmented semi-honest, random 128-bit ids, to the leader",
}];

fn setting(n: usize) -> Result<Setting, Failure> {
    let sizes = vec![n; usize::from(PARTIES)];
    Ok(Setting::new(PartyId(PARTIES - 1), sizes, Audience::Leader)?)
}

fn quote(n: usize) -> Option<Quote> {
    let mut c = CircleCost::new(usize::from(PARTIES));
    cost(&mut c, &setting(n).ok()?);
    Some(Quote { bytes: c.total_bytes(), rounds: c.rounds() })
}

fn party(seat: &mut Seat<'_>) -> Result<bool, Failure> {
    let Sets { own, common } = Sets::new(seat.role, seat.n, seat.n, seat.rep);
    let setting = setting(seat.n)?;
    let mut rng = seat.prg(0);
    let found = seat.timed(|wire| intersect(wire, &setting, &own, &mut rng))?;
    Ok(found.is_none_or(|found| found == common))
}
