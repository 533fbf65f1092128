//! ECDH-PSI.

use protocols::{
    psi::{
        Sizes,
        ecdh::{Output, Prepared, Shape, cost, receive, send},
    },
    session::PairCost,
};

use super::{
    seat::{Protocol, Quote, Seat},
    sets::Sets,
};
use crate::Failure;

pub(super) const PROTOCOLS: [Protocol; 2] = [
    Protocol {
        name: "ecdh",
        parties: 2,
        party: |seat| party(seat, false),
        quote,
        note: "ECDH-PSI on u-coordinates, semi-honest, random 128-bit ids, to the receiver",
    },
    Protocol {
        name: "ecdh-repeat",
        parties: 2,
        party: |seat| party(seat, true),
        quote,
        note: "ECDH-PSI against a set that the sender has kept prepared, semi-honest, to the receiver",
    },
];

fn shape(sizes: Sizes) -> Shape {
    let Sizes { sender, receiver } = sizes;
    Shape { sender, receiver, output: Output::ToReceiver }
}

#[expect(clippy::unnecessary_wraps, reason = "the table of protocols asks for it")]
fn quote(sizes: Sizes) -> Option<Quote> {
    let mut c = PairCost::new();
    cost(&mut c, shape(sizes));
    Some(Quote { bytes: c.total_bytes(), rounds: c.rounds() })
}

fn party(seat: &mut Seat<'_>, kept: bool) -> Result<bool, Failure> {
    let Sets { own, common } = Sets::of(seat, seat.role);
    let shape = shape(seat.sizes);
    let mut rng = seat.prg(0);
    if seat.role == 0 && kept {
        let prepared = Prepared::new(&own, &mut rng);
        seat.timed_pair(|pair| prepared.send(pair, shape))?;
        return Ok(true);
    }
    if seat.role == 0 {
        seat.timed_pair(|pair| send(pair, &own, shape, &mut rng))?;
        return Ok(true);
    }
    let found = seat.timed_pair(|pair| receive(pair, &own, shape, &mut rng))?;
    Ok(found == common)
}
