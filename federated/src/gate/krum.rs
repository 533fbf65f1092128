//! Which updates are nearest to their nearest others, by their projections.

use protocols::{
    mpc::{
        View, and, and_cost,
        fixed::{power, power_cost, truncate, truncate_cost},
        inject, inject_cost, mul, mul_cost, sum_of_products, sum_of_products_cost,
    },
    ring::Z64,
    session::{Meter, Session, SessionError},
    share::{Bits, Shared},
};

use super::{
    batch::{Batch, WEIGHT, gather, repeat},
    rank::{pairs, smallest, smallest_cost},
    terms::{Distances, Gates, Krum},
};

/// Bits of a distance between updates that are within bounds; one that has a refused update at an end counts 2^50.
const DISTANCE_BITS: u32 = 50;
/// Differences of distances, and of sums of fewer than 2^8 of them.
const WIDTH: usize = 51;
const SCORE_WIDTH: usize = 59;

/// Of the updates within bounds, those that multi-Krum takes.
///
/// # Cost
/// Projections lose their weights: a truncation, a reciprocal, a product and a truncation. Then n²/2 sums of k products, n³/2 and n²/2
/// comparisons. Some 40 rounds, however many providers there are.
pub(super) fn among(
    s: &mut Session,
    (gates, distances): (&Gates, &Distances),
    batch: &Batch,
    within: &Bits,
) -> Result<Bits, SessionError> {
    let (n, k, krum) = (batch.providers, gates.sums(), distances.krum);
    let sums = unweighted(s, distances, batch, k)?;
    let ends = pairs(n);
    let apart = squares(s, &sums, &ends, n)?;
    let apart = far_if_refused(s, &apart, &ends, within)?;

    let others = others(n, &ends);
    let apart = gather(&apart, &others);
    let near = smallest(s, &apart, (n - 1, n), neighbours(n, krum), WIDTH)?;
    let near = inject::<Z64>(s, &near)?;
    let terms: Vec<_> = (0..n - 1)
        .map(|slot| [&near, &apart].map(|of| View::of(of, slot * n, (slot + 1) * n)).into())
        .collect();
    let scores = sum_of_products(s, n, &terms)?;
    let best = smallest(s, &scores, (n, 1), krum.keep, SCORE_WIDTH)?;
    and(s, &best, within)
}

/// Twin of [`among`].
pub(super) fn among_cost(m: &mut Meter, gates: &Gates, distances: &Distances, n: usize) {
    let (k, ends) = (gates.sums(), pairs(n).len());
    if let Some(coarse) = &distances.coarse {
        truncate_cost(m, k * n, coarse);
    }
    if let Some((reciprocal, product)) = &distances.unweigh {
        power_cost(m, n, reciprocal);
        mul_cost::<Z64>(m, k * n);
        truncate_cost(m, k * n, product);
    }
    sum_of_products_cost::<Z64>(m, ends);
    inject_cost::<Z64>(m, n, 1);
    mul_cost::<Z64>(m, ends);
    mul_cost::<Z64>(m, ends);
    smallest_cost(m, (n - 1, n), WIDTH);
    inject_cost::<Z64>(m, (n - 1) * n, 1);
    sum_of_products_cost::<Z64>(m, n);
    smallest_cost(m, (n, 1), SCORE_WIDTH);
    and_cost(m, n, 1);
}

/// How many nearest others count: n − f − 2.
pub(super) fn neighbours(n: usize, krum: Krum) -> usize {
    n - krum.byzantine - 2
}

/// Projections of updates of weight 1, in units of about C·2^-17.
fn unweighted(
    s: &mut Session,
    distances: &Distances,
    batch: &Batch,
    k: usize,
) -> Result<Shared<Z64>, SessionError> {
    let mut sums = match &distances.coarse {
        Some(coarse) => truncate(s, &batch.sums, coarse)?,
        None => batch.sums.clone(),
    };
    if let Some((reciprocal, product)) = &distances.unweigh {
        let weights = power(s, &batch.figure(WEIGHT), reciprocal)?;
        sums = mul(s, &sums, &repeat(&weights, k))?;
        sums = truncate(s, &sums, product)?;
    }
    Ok(sums)
}

/// The squared distance of each pair.
fn squares(
    s: &mut Session,
    sums: &Shared<Z64>,
    ends: &[(usize, usize)],
    n: usize,
) -> Result<Shared<Z64>, SessionError> {
    let differences: Vec<Shared<Z64>> = (0..sums.len() / n)
        .map(|j| {
            let [a, b]: [Vec<usize>; 2] = [
                ends.iter().map(|pair| j * n + pair.0).collect(),
                ends.iter().map(|pair| j * n + pair.1).collect(),
            ];
            gather(sums, &a).minus(&gather(sums, &b))
        })
        .collect();
    let pairs: Vec<_> = differences.iter().map(|of| (View::all(of), View::all(of))).collect();
    sum_of_products(s, ends.len(), &pairs)
}

/// The same, and the largest distance where one end is refused.
fn far_if_refused(
    s: &mut Session,
    apart: &Shared<Z64>,
    ends: &[(usize, usize)],
    within: &Bits,
) -> Result<Shared<Z64>, SessionError> {
    let within = inject::<Z64>(s, within)?;
    let [a, b]: [Vec<usize>; 2] =
        [ends.iter().map(|pair| pair.0).collect(), ends.iter().map(|pair| pair.1).collect()];
    let both = mul(s, &gather(&within, &a), &gather(&within, &b))?;
    let far = 1_u64 << DISTANCE_BITS;
    let mut nearer = apart.clone();
    nearer.add_constant(s.role(), far.wrapping_neg());
    let mut apart = mul(s, &both, &nearer)?;
    apart.add_constant(s.role(), far);
    Ok(apart)
}

/// The pair of each provider and each of its others: those of all providers' first others first.
fn others(n: usize, ends: &[(usize, usize)]) -> Vec<usize> {
    let mut at = vec![0; n * n];
    for (pair, (a, b)) in ends.iter().enumerate() {
        at[a * n + b] = pair;
        at[b * n + a] = pair;
    }
    let other = |slot: usize, i: usize| if slot < i { slot } else { slot + 1 };
    (0..n - 1)
        .flat_map(|slot| (0..n).map(move |i| (i, other(slot, i))))
        .map(|(i, j)| at[i * n + j])
        .collect()
}
