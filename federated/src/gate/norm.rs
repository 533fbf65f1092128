//! Whether an update's norm is within bounds, and its trailer.

use protocols::{
    mpc::{
        View, eq_bits, eq_bits_cost, lt_zero, lt_zero_cost, sum_of_products, sum_of_products_cost,
        widen, widen_cost,
    },
    party::Role,
    ring::{Z64, Z128},
    session::{Meter, Session, SessionError},
    share::{Bits, Shared},
};

use super::{
    batch::{Batch, CORRECT, LOSS, NORM, UPDATES, WEIGHT, repeat, times},
    terms::Gates,
};
use crate::average::TRAILER_WORDS;

/// All bits below the sign, in either ring.
const WIDTH: usize = 63;
const WIDE: usize = 127;

/// For each provider whether its update is within bounds.
///
/// Each figure x and its bound b are held to `0 ≤ x` and `0 ≤ b − x`, read as signed numbers; a projection z has `z + τ·n` for x and
/// `2τ·n` for b. As n is held to its own range, no bound is beyond 2^62, and a word that wraps fails one of the two.
///
/// # Cost
/// A comparison of 63 bits on 2·(k + 5) words a provider, [`widen`] on k + 1, a sum of products and a comparison of 127 bits on one,
/// and 2·(k + 5) ANDs of n bits.
pub(super) fn within(s: &mut Session, gates: &Gates, batch: &Batch) -> Result<Bits, SessionError> {
    let (n, k) = (batch.providers, gates.sums());
    let weights = batch.figure(WEIGHT);
    let bounds = repeat(&times(&weights, gates.tau), k);
    let above = batch.sums.plus(&bounds);
    let below = bounds.minus(&batch.sums);
    let [low, high] = trailers(s.role(), gates, batch);
    let all = Shared::concat(&[&above, &below, &low, &high]);
    let outside = lt_zero(s, &all, WIDTH)?;

    // Both are below 2^63 where the words above say so; where they do not, the update is refused whatever comes out.
    let wide = widen(s, &Shared::concat(&[&above, &weights]))?;
    let weights = wide.slice(k * n, (k + 1) * n);
    let sums = wide.slice(0, k * n).minus(&repeat(&times(&weights, gates.tau.into()), k));
    let left = slack(s, gates, &sums, &weights)?;
    let over = lt_zero(s, &left, WIDE)?;

    let columns: Vec<Bits> =
        (0..checks(k)).map(|check| outside.row_range(check * n, (check + 1) * n)).collect();
    let failed: Vec<&Bits> = columns.iter().chain([&over]).collect();
    eq_bits(s, &Bits::beside(&failed), &Bits::zeros(n, failed.len()))
}

/// Twin of [`within`].
pub(super) fn within_cost(m: &mut Meter, gates: &Gates, n: usize) {
    let k = gates.sums();
    lt_zero_cost(m, checks(k) * n, WIDTH);
    widen_cost(m, (k + 1) * n);
    sum_of_products_cost::<Z128>(m, n);
    lt_zero_cost(m, n, WIDE);
    eq_bits_cost(m, n, checks(k) + 1);
}

/// Comparisons of 63 bits a provider.
fn checks(k: usize) -> usize {
    2 * (k + TRAILER_WORDS)
}

/// Each figure of the trailers, and what its bound leaves: the weight from 1 to the largest, one update, at most all rows right,
/// losses and norms by weight.
fn trailers(role: Role, gates: &Gates, batch: &Batch) -> [Shared<Z64>; 2] {
    let weights = batch.figure(WEIGHT);
    let plus = |mut x: Shared<Z64>, c: u64| {
        x.add_constant(role, c);
        x
    };
    let minus = |c: u64, x: Shared<Z64>| plus(times(&x, u64::MAX), c);
    let [loss, correct, updates, norm] =
        [LOSS, CORRECT, UPDATES, NORM].map(|which| batch.figure(which));
    let low = [
        &plus(weights.clone(), u64::MAX),
        &loss,
        &correct,
        &plus(updates.clone(), u64::MAX),
        &norm,
    ];
    let high = [
        &minus(gates.terms().most_weight, weights.clone()),
        &times(&weights, gates.loss).minus(&loss),
        &weights.minus(&correct),
        &minus(1, updates),
        &times(&weights, gates.norm).minus(&norm),
    ];
    [Shared::concat(&low), Shared::concat(&high)]
}

/// What the bound on the sum of squares leaves: `θ·k/2·C²·n² − Σ z_j²`, below 2^127 either way.
fn slack(
    s: &mut Session,
    gates: &Gates,
    sums: &Shared<Z128>,
    weights: &Shared<Z128>,
) -> Result<Shared<Z128>, SessionError> {
    let n = weights.len();
    let mut negative = sums.clone();
    negative.negate();
    let bound = times(weights, gates.squares);
    let mut pairs = vec![(View::all(&bound), View::all(weights))];
    pairs.extend((0..gates.sums()).map(|j| {
        let part = |of| View::of(of, j * n, (j + 1) * n);
        (part(&negative), part(sums))
    }));
    sum_of_products(s, n, &pairs)
}
