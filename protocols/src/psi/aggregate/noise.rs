//! Noise that no party knows all of, from an exact sampler on integers.
//!
//! Each of the three parties adds discrete Laplace noise of the full scale by itself. A party can subtract its own; what the two
//! others added stays, and any one of them is enough for the guarantee, since noise that is added to a private result
//! takes nothing from it. The price is three times the variance of one.
//!
//! # Source
//! Noise added by the parties of a computation, so that nobody is trusted with it: Dwork, Kenthapadi, McSherry, Mironov, Naor,
//! *Our Data, Ourselves: Privacy via Distributed Noise Generation*, EUROCRYPT 2006. The two-sided geometric, or discrete
//! Laplace, distribution: Ghosh, Roughgarden, Sundararajan, STOC 2009. The sampler: Canonne, Kamath, Steinke, *The Discrete
//! Gaussian for Differential Privacy*, 2020, <https://arxiv.org/abs/2004.00010>, algorithms 1 and 2: exact, no floating point.

use crate::{
    prg::Prg,
    ring::{Buf, Ring, Z64, Z128},
    session::{Meter, Session, SessionError},
    share::Shared,
};

/// Thousandths, in which an ε is given.
const MILLI: u128 = 1000;

/// How much noise each released number gets.
///
/// # Guarantee
/// One element more or less on either side changes a count by 1 and a sum by its bound at most, in one group. So each number by
/// itself is ε-differentially private towards whoever sees it together with one compute party's view, and a count with v sums
/// are (v + 1)·ε, all groups together, as groups have no element in common. Bounds are the data owner's to keep: values beyond
/// them are to be clipped before they come in. Not covered is the one bit a cell that says whether the *exact* count reached
/// the minimum, where there is one.
///
/// The time that drawing takes varies with what is drawn, as rejection samplers do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noise {
    /// ε of one number, in thousandths; at least 1.
    pub epsilon_milli: u32,
    /// For each sum, the largest magnitude of what an element adds to it; below 2^40.
    pub bounds: Vec<u64>,
}

impl Noise {
    /// Adds this party's noise to shares of cells, each a count and a sum for every bound.
    ///
    /// # Cost
    /// 1 round; each party sends a word a number.
    ///
    /// # Errors
    /// Channel errors pass through.
    ///
    /// # Security
    /// Semi-honest. The one message is masked by a fresh zero share. `rng` must be this party's own secret.
    pub(super) fn add(
        &self,
        s: &mut Session,
        cells: &mut Shared<Z64>,
        rng: &mut Prg,
    ) -> Result<(), SessionError> {
        let sensitivities: Vec<u64> = [1].into_iter().chain(self.bounds.iter().copied()).collect();
        add_noise(s, cells, (sensitivities.iter().copied().cycle(), self.epsilon_milli), rng)
    }
}

/// Adds this party's noise to shared numbers: to each as much as hides, at this ε in thousandths, a change by its sensitivity.
///
/// # Shape
/// At least as many sensitivities as numbers, each below 2^40; 0 gives no noise.
///
/// # Cost
/// 1 round; each party sends a word a number.
///
/// # Errors
/// Channel errors pass through.
///
/// # Security
/// Semi-honest; all three parties must call it. The one message is masked by a fresh zero share. `rng` must be this party's own
/// secret; see [`Noise`] for what the noise guarantees.
pub fn add_noise(
    s: &mut Session,
    numbers: &mut Shared<Z64>,
    (sensitivities, epsilon_milli): (impl Iterator<Item = u64>, u32),
    rng: &mut Prg,
) -> Result<(), SessionError> {
    let mut own = Buf::scratch(numbers.len());
    s.prss().zero_share::<Z64>(&mut own);
    for (number, sensitivity) in own.iter_mut().zip(sensitivities) {
        let scale = MILLI * u128::from(sensitivity);
        *number = number.wrapping_add(discrete_laplace(rng, scale, epsilon_milli));
    }
    let next = s.exchange::<Z64>(&own)?;
    numbers.add_assign(&Shared::from_parts(own, next));
    Ok(())
}

/// Twin of [`add_noise`].
pub fn add_noise_cost(m: &mut Meter, numbers: usize) {
    m.exchange::<Z64>(numbers);
}

/// An integer `z`, modulo 2^64, with probability proportional to `exp(−|z|·s/t)`: algorithm 2.
fn discrete_laplace(rng: &mut Prg, t: u128, s: u32) -> u64 {
    if t == 0 {
        return 0;
    }
    loop {
        let u = below(rng, t);
        if !bernoulli_exp(rng, u, t) {
            continue;
        }
        let mut v = 0;
        while bernoulli_exp(rng, 1, 1) {
            v += 1;
        }
        let magnitude = (u + t * v) / u128::from(s.max(1));
        let negative = below(rng, 2) == 1;
        if negative && magnitude == 0 {
            continue;
        }
        #[expect(clippy::cast_possible_truncation, reason = "the ring's words are modulo 2^64")]
        let magnitude = magnitude as u64;
        return if negative { Z64::neg(magnitude) } else { magnitude };
    }
}

/// True with probability `exp(−a/b)`, for a ≤ b: algorithm 1.
fn bernoulli_exp(rng: &mut Prg, a: u128, b: u128) -> bool {
    let mut k = 1;
    while below(rng, b * k) < a {
        k += 1;
    }
    k % 2 == 1
}

/// A uniform integer below `n`, which is at least 1.
fn below(rng: &mut Prg, n: u128) -> u128 {
    let bits = u128::MAX >> (n - 1).leading_zeros().min(127);
    loop {
        let drawn = rng.elements::<Z128>(1)[0] & bits;
        if drawn < n {
            return drawn;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draws(t: u128, s: u32, n: usize) -> Vec<i64> {
        let mut rng = Prg::new(&[5; 16]);
        (0..n).map(|_| discrete_laplace(&mut rng, t, s).cast_signed()).collect()
    }

    #[test]
    fn small_integers_come_as_often_as_the_distribution_says() {
        let n = 40_000;
        for (t, s) in [(2, 1), (5, 3), (1, 1), (1000, 700)] {
            let drawn = draws(t, s, n);
            let decay = (-f64::from(s) / f64::from(u32::try_from(t).unwrap())).exp();
            let at_zero = (1.0 - decay) / (1.0 + decay);
            for z in -4_i64..=4 {
                let p = at_zero * decay.powi(i32::try_from(z.abs()).unwrap());
                let want = p * 40_000.0;
                let got = drawn.iter().filter(|drawn| **drawn == z).count();
                let got = f64::from(u32::try_from(got).unwrap());
                let spread = 5.0 * (want * (1.0 - p)).sqrt();
                assert!((got - want).abs() < spread, "{t}/{s} at {z}: {got} for {want}");
            }
        }
    }

    #[test]
    fn the_spread_follows_the_scale() {
        // The variance of the discrete Laplace distribution is near 2·(t/s)² for large scales.
        let drawn = draws(1000 * 500, 1000, 4000);
        let squares: f64 = drawn.iter().map(|z| (*z as f64).powi(2)).sum::<f64>() / 4000.0;
        assert!((400_000.0..600_000.0).contains(&squares), "{squares}");
        assert!(draws(0, 5, 3).iter().all(|z| *z == 0), "nothing to hide, no noise");
    }

    #[test]
    fn uniform_integers_stay_below_and_reach_all() {
        let mut rng = Prg::new(&[6; 16]);
        for n in [1, 2, 3, 7, 8, 100] {
            let seen: std::collections::BTreeSet<_> =
                (0..2000).map(|_| below(&mut rng, n)).collect();
            assert!(seen.iter().copied().eq(0..n), "{n}");
        }
    }
}
