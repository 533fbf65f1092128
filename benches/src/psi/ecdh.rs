//! ECDH-PSI.

use protocols::{
    psi::{
        self, BUCKET_ITEMS, ParametersError, Scattered, Sizes,
        ecdh::{
            Output, Prepared, Setting, Shape, cost, cost_from, receive, receive_from, send_from,
        },
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
        party,
        quote: |sizes, _| quote(sizes, false),
        note: "ECDH-PSI on ristretto255, semi-honest, random 128-bit ids, to the receiver",
    },
    Protocol {
        name: "ecdh-repeat",
        parties: 2,
        party: repeated,
        quote: |sizes, _| quote(sizes, true),
        note: "ECDH-PSI against a set that the sender has kept prepared, semi-honest, to the receiver",
    },
];

fn shape(sizes: Sizes) -> Shape {
    let Sizes { sender, receiver } = sizes;
    Shape { sender, receiver, output: Output::ToReceiver }
}

/// As jobs have it, in buckets.
pub(super) fn points(sizes: Sizes, context: [u8; 32]) -> Result<Setting, ParametersError> {
    Setting::with_buckets_of(BUCKET_ITEMS, sizes, psi::Output::ToReceiver, context)
}

fn quote(sizes: Sizes, kept: bool) -> Option<Quote> {
    let mut c = PairCost::new();
    if kept {
        cost(&mut c, shape(sizes));
    } else {
        cost_from(&mut c, &points(sizes, [0; 32]).ok()?, 0);
    }
    Some(Quote { bytes: c.total_bytes(), rounds: c.rounds() })
}

fn party(seat: &mut Seat<'_>) -> Result<bool, Failure> {
    let Sets { own, common } = Sets::of(seat, seat.role);
    let setting = points(seat.sizes, [0; 32])?;
    let (sends, mut rng) = (seat.role == 0, seat.prg(0));
    let mut found = seat.timed_pair(|pair| {
        let mut set = Scattered::new(own, setting.buckets());
        let progress = &mut setting.progress();
        if sends {
            send_from(pair, &setting, &mut set, progress, &mut rng)?;
        } else {
            receive_from(pair, &setting, &mut set, progress, &mut rng)?;
        }
        Ok(set.into_positions())
    })?;
    if sends {
        return Ok(true);
    }
    found.sort_unstable();
    Ok(found == common)
}

fn repeated(seat: &mut Seat<'_>) -> Result<bool, Failure> {
    let Sets { own, common } = Sets::of(seat, seat.role);
    let shape = shape(seat.sizes);
    let mut rng = seat.prg(0);
    if seat.role == 0 {
        let prepared = Prepared::new(&own, &mut rng);
        seat.timed_pair(|pair| prepared.send(pair, shape))?;
        return Ok(true);
    }
    let found = seat.timed_pair(|pair| receive(pair, &own, shape, &mut rng))?;
    Ok(found == common)
}
