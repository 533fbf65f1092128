//! VOLE-PSI.

use protocols::{
    psi::{
        Output, Parameters, Scattered, Setting, Sizes,
        vole_psi::{cost, receive, send},
    },
    session::PairCost,
    vole::Model,
};

use super::{
    seat::{Protocol, Quote, Seat},
    sets::Sets,
};
use crate::Failure;

pub(super) const PROTOCOLS: [Protocol; 2] = [
    Protocol {
        name: "vole",
        parties: 2,
        party: |seat| party(seat, Model::SemiHonest),
        quote: |n| quote(n, Model::SemiHonest),
        note: "VOLE-PSI, semi-honest, random 128-bit ids, to the receiver",
    },
    Protocol {
        name: "vole-malicious",
        parties: 2,
        party: |seat| party(seat, Model::Malicious),
        quote: |n| quote(n, Model::Malicious),
        note: "VOLE-PSI, malicious, random 128-bit ids, to the receiver",
    },
];

fn setting(n: usize, model: Model) -> Result<Setting, Failure> {
    let parameters = Parameters::new(Sizes { sender: n, receiver: n }, model)?;
    Ok(Setting { parameters, output: Output::ToReceiver, context: [0; 32] })
}

fn quote(n: usize, model: Model) -> Option<Quote> {
    let mut c = PairCost::new();
    cost(&mut c, &setting(n, model).ok()?);
    Some(Quote { bytes: c.total_bytes(), rounds: c.rounds() })
}

fn party(seat: &mut Seat<'_>, model: Model) -> Result<bool, Failure> {
    let Sets { own, common } = Sets::new(seat.role, seat.n, seat.n, seat.rep);
    let setting = setting(seat.n, model)?;
    let buckets = setting.parameters.buckets();
    let mut rng = seat.prg(0);
    if seat.role == 0 {
        seat.timed_pair(|pair| send(pair, &setting, &mut Scattered::new(own, buckets), &mut rng))?;
        return Ok(true);
    }
    let mut found = seat.timed_pair(|pair| {
        let mut set = Scattered::new(own, buckets);
        receive(pair, &setting, &mut set, &mut rng)?;
        Ok(set.into_positions())
    })?;
    found.sort_unstable();
    Ok(found == common)
}
