//! Integers with probability proportional to `exp(−|z|·s/t)`.

use super::draws::Draws;
use crate::ring::{Ring, Z64};

/// An integer `z`, modulo 2^64, with probability proportional to `exp(−|z|·s/t)`: algorithm 2. With t = 0 it is 0.
pub fn discrete_laplace(draws: &mut Draws<'_>, t: u128, s: u32) -> u64 {
    if t == 0 {
        return 0;
    }
    let (negative, magnitude) = signed(draws, t, s);
    #[expect(clippy::cast_possible_truncation, reason = "the ring's words are modulo 2^64")]
    let magnitude = magnitude as u64;
    if negative { Z64::neg(magnitude) } else { magnitude }
}

/// Its sign and its magnitude.
#[inline]
pub(super) fn signed(draws: &mut Draws<'_>, t: u128, s: u32) -> (bool, u128) {
    loop {
        let u = draws.below(t);
        if !draws.exp_up_to_one(u, t) {
            continue;
        }
        let mut v = 0;
        while draws.one_in_e() {
            v += 1;
        }
        let magnitude = (u + t * v) / u128::from(s.max(1));
        let negative = draws.below(2) == 1;
        if !(negative && magnitude == 0) {
            return (negative, magnitude);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prg::Prg;

    fn sample(t: u128, s: u32, n: usize) -> Vec<i64> {
        let mut rng = Prg::new(&[5; 16]);
        let mut draws = Draws::new(&mut rng);
        (0..n).map(|_| discrete_laplace(&mut draws, t, s).cast_signed()).collect()
    }

    #[test]
    fn small_integers_come_as_often_as_the_distribution_says() {
        let n = 40_000;
        for (t, s) in [(2, 1), (5, 3), (1, 1), (1000, 700)] {
            let drawn = sample(t, s, n);
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
        let drawn = sample(1000 * 500, 1000, 4000);
        let squares: f64 = drawn.iter().map(|z| (*z as f64).powi(2)).sum::<f64>() / 4000.0;
        assert!((400_000.0..600_000.0).contains(&squares), "{squares}");
        assert!(sample(0, 5, 3).iter().all(|z| *z == 0), "nothing to hide, no noise");
    }
}
