//! Gates on the sketches of providers' updates: what follows the projections, whatever size the model has.

use federated::{
    average::{Bounds, Encoding, TRAILER_WORDS, Trailer},
    gate::{AcceptError, Gates, Krum, Projections, Sketch, Terms, accept, accept_cost},
};
use protocols::{
    mpc::Column,
    session::{Session, SessionError},
    share::Shared,
};

use crate::case::{Case, Clear, Random, Verdict, misfit};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "gate/norm",
        note: "whether the norms of n providers' updates are within bounds, by 128 projections each (10 providers if n is above 100)",
        rows: providers,
        clear: |random, n| sketches(random, n, [1.0, 2.5]),
        run: |s, inputs| choose(s, inputs, false),
        quote: |m, n| gates(n, false).map_or((), |gates| accept_cost(m, &gates, n)),
        judge: are_chosen,
    },
    Case {
        name: "gate/krum",
        note: "the same, and which of the updates are nearest to each other",
        rows: providers,
        clear: |random, n| sketches(random, n, [1.0, -1.0]),
        run: |s, inputs| choose(s, inputs, true),
        quote: |m, n| gates(n, true).map_or((), |gates| accept_cost(m, &gates, n)),
        judge: are_chosen,
    },
];

const SUMS: usize = Projections::Usual.count();
const WEIGHT: u64 = 5000;
/// Fractional bits of an update.
const BITS: u32 = 24;

/// `n` where it can be a number of providers.
fn providers(n: usize) -> usize {
    if n > 100 { 10 } else { n.max(5) }
}

/// How many of them deviate; they come last.
fn deviating(n: usize) -> usize {
    (n - 3) / 2
}

/// Gates for updates of norm 1.
fn gates(n: usize, krum: bool) -> Option<Gates> {
    let bounds = Bounds { total_weight: 1 << 24, coordinate: 16.0 };
    let (byzantine, keep) = (deviating(n), n - deviating(n));
    let terms = Terms {
        encoding: Encoding::new(bounds).ok()?.at_most(BITS),
        parameters: 1,
        clip: 1.0,
        most_weight: WEIGHT,
        most_loss: 100.0,
        projections: Projections::Usual,
        krum: krum.then_some(Krum { byzantine, keep }),
        private: false,
        least: 1,
    };
    Gates::new(terms).ok()
}

/// Projections of an update of norm 0.8 or so that all have, a tenth of another one beside it; those who deviate scale them.
fn sketches(random: &mut Random<'_>, n: usize, scales: [f64; 2]) -> Vec<Clear> {
    // Uniform, with a variance of a half.
    let mut draw = || ((random() >> 11) as f64 / (1_u64 << 52) as f64 - 1.0) * 1.5_f64.sqrt();
    let common: Vec<f64> = (0..SUMS).map(|_| 0.8 * draw()).collect();
    let mut words = Vec::new();
    for provider in 0..n {
        let scale = scales[usize::from(provider >= n - deviating(n))];
        for z in &common {
            let z = scale * (z + 0.1 * draw()) * f64::from(BITS).exp2() * WEIGHT as f64;
            #[expect(clippy::cast_possible_truncation, reason = "below 2^40")]
            words.push((z as i64).cast_unsigned());
        }
    }
    let trailer = Trailer { weight: WEIGHT, updates: 1, ..Trailer::default() };
    vec![Clear::Words(words), Clear::Words(trailer.words().repeat(n))]
}

fn choose(s: &mut Session, inputs: &[Column], krum: bool) -> Result<Vec<Column>, SessionError> {
    let [Column::Z64(sums), Column::Z64(trailers)] = inputs else { return Err(misfit(s, inputs)) };
    let n = sums.len() / SUMS;
    let gates = gates(n, krum).ok_or_else(|| misfit(s, inputs))?;
    let sketch = |i: usize| {
        let trailer = trailers.slice(i * TRAILER_WORDS, (i + 1) * TRAILER_WORDS);
        Sketch::new(sums.slice(i * SUMS, (i + 1) * SUMS), trailer)
    };
    let sketches: Vec<Sketch> = (0..n).map(sketch).collect();
    let taken = match accept(s, &gates, &sketches) {
        Ok(taken) => taken,
        Err(AcceptError::Session(error)) => return Err(error),
        Err(_) => return Err(misfit(s, inputs)),
    };
    let taken: Vec<u64> = taken.into_iter().map(u64::from).collect();
    Ok(vec![Column::Z64(Shared::public(s.role(), &taken))])
}

/// All but those who deviate.
fn are_chosen(clear: &[Clear], opened: &[Vec<u64>]) -> Verdict {
    let n = clear[0].words().len() / SUMS;
    let want = (0..n).map(|i| u64::from(i < n - deviating(n)));
    Verdict::Exact(opened[0].iter().copied().eq(want))
}
