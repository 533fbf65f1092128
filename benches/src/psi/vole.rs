//! VOLE-PSI.

use protocols::{
    psi::{
        Output, Parameters, ParametersError, Scattered, Setting, Sizes,
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

pub(super) const PROTOCOLS: [Protocol; 3] = [
    Protocol {
        name: "vole",
        parties: 2,
        party: |seat| party(seat, FULL),
        quote: |sizes, _| quote(sizes, FULL),
        note: "VOLE-PSI, semi-honest, random 128-bit ids, to the receiver",
    },
    Protocol {
        name: "vole-malicious",
        parties: 2,
        party: |seat| party(seat, MALICIOUS),
        quote: |sizes, _| quote(sizes, MALICIOUS),
        note: "VOLE-PSI, malicious, random 128-bit ids, to the receiver",
    },
    Protocol {
        name: "vole-low",
        parties: 2,
        party: |seat| party(seat, LOW),
        quote: |sizes, _| quote(sizes, LOW),
        note: "VOLE-PSI, semi-honest, low communication, random 128-bit ids, to the receiver",
    },
];

/// The parameters of a variant.
pub(super) type Variant = fn(Sizes) -> Result<Parameters, ParametersError>;

pub(super) const FULL: Variant = |sizes| Parameters::new(sizes, Model::SemiHonest);
pub(super) const MALICIOUS: Variant = |sizes| Parameters::new(sizes, Model::Malicious);
pub(super) const LOW: Variant = Parameters::low_communication;

fn setting(sizes: Sizes, variant: Variant) -> Result<Setting, Failure> {
    let parameters = variant(sizes)?;
    Ok(Setting { parameters, output: Output::ToReceiver, context: [0; 32] })
}

fn quote(sizes: Sizes, variant: Variant) -> Option<Quote> {
    let mut c = PairCost::new();
    cost(&mut c, &setting(sizes, variant).ok()?);
    Some(Quote { bytes: c.total_bytes(), rounds: c.rounds() })
}

fn party(seat: &mut Seat<'_>, variant: Variant) -> Result<bool, Failure> {
    let Sets { own, common } = Sets::of(seat, seat.role);
    let setting = setting(seat.sizes, variant)?;
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
