//! ECDH-PSI.

use protocols::{
    psi::ecdh::{Output, Shape, cost, receive, send},
    session::PairCost,
};

use super::{
    seat::{Protocol, Quote, Seat},
    sets::Sets,
};
use crate::Failure;

pub(super) const PROTOCOL: Protocol = Protocol {
    name: "ecdh",
    parties: 2,
    party,
    quote,
    note: "ECDH-PSI on u-coordinates, semi-honest, random 128-bit ids, to the receiver",
};

fn shape(n: usize) -> Shape {
    Shape { sender: n, receiver: n, output: Output::ToReceiver }
}

#[expect(clippy::unnecessary_wraps, reason = "the table of protocols asks for it")]
fn quote(n: usize) -> Option<Quote> {
    let mut c = PairCost::new();
    cost(&mut c, shape(n));
    Some(Quote { bytes: c.total_bytes(), rounds: c.rounds() })
}

fn party(seat: &mut Seat<'_>) -> Result<bool, Failure> {
    let Sets { own, common } = Sets::new(seat.role, seat.n, seat.n, seat.rep);
    let shape = shape(seat.n);
    let mut rng = seat.prg(0);
    if seat.role == 0 {
        seat.timed_pair(|pair| send(pair, &own, shape, &mut rng))?;
        return Ok(true);
    }
    let found = seat.timed_pair(|pair| receive(pair, &own, shape, &mut rng))?;
    Ok(found == common)
}
