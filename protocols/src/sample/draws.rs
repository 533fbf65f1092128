//! Uniform integers and coins of exact probabilities.

use std::fmt;

use crate::{
    prg::Prg,
    ring::{Buf, Z128},
};

/// Words that are drawn together.
const BATCH: usize = 64;

/// Random bits, as many as are asked for.
pub struct Draws<'a> {
    rng: &'a mut Prg,
    words: Buf<u128>,
    at: usize,
    /// What is left of the last word.
    word: u128,
    left: u32,
}

impl<'a> Draws<'a> {
    /// From a generator, which gives them in batches; some of the last one are thrown away.
    #[must_use]
    pub fn new(rng: &'a mut Prg) -> Self {
        Self { rng, words: Buf::zeroed(BATCH), at: BATCH, word: 0, left: 0 }
    }

    /// So many uniform bits, from 0 to 128.
    #[inline]
    fn bits(&mut self, bits: u32) -> u128 {
        if bits == 0 {
            return 0;
        }
        if self.left < bits {
            if self.at == BATCH {
                self.rng.fill::<Z128>(&mut self.words);
                self.at = 0;
            }
            (self.word, self.left) = (self.words[self.at], u128::BITS);
            self.at += 1;
        }
        let drawn = self.word & (u128::MAX >> (u128::BITS - bits));
        self.word = self.word.checked_shr(bits).unwrap_or(0);
        self.left -= bits;
        drawn
    }

    /// A uniform integer below `n`, which is at least 1.
    #[inline]
    pub fn below(&mut self, n: u128) -> u128 {
        let bits = u128::BITS - n.saturating_sub(1).leading_zeros();
        loop {
            let drawn = self.bits(bits);
            if drawn < n {
                return drawn;
            }
        }
    }

    /// True with probability `exp(−a/b)`, for a ≤ b and b below 2^116: algorithm 1, the part for exponents up to 1.
    #[inline]
    pub(super) fn exp_up_to_one(&mut self, a: u128, b: u128) -> bool {
        let mut k = 1;
        while self.below(b * k) < a {
            k += 1;
        }
        k % 2 == 1
    }

    /// True with probability 1/e.
    #[inline]
    pub(super) fn one_in_e(&mut self) -> bool {
        // As above with a = b = 1, of which the first draw is below 1 for certain.
        let mut k = 2;
        while self.below(k) == 0 {
            k += 1;
        }
        k % 2 == 1
    }

    /// True with probability `exp(−a/b)`, for any a: algorithm 1.
    pub(super) fn exp(&mut self, mut a: u128, b: u128) -> bool {
        while a > b {
            if !self.one_in_e() {
                return false;
            }
            a -= b;
        }
        self.exp_up_to_one(a, b)
    }
}

/// What is drawn does not print.
impl fmt::Debug for Draws<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Draws")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uniform_integers_stay_below_and_reach_all() {
        let mut rng = Prg::new(&[6; 16]);
        let mut draws = Draws::new(&mut rng);
        for n in [1, 2, 3, 7, 8, 100] {
            let seen: std::collections::BTreeSet<_> = (0..2000).map(|_| draws.below(n)).collect();
            assert!(seen.iter().copied().eq(0..n), "{n}");
        }
        let high = 1_u128 << 127;
        assert!((0..100).map(|_| draws.below(u128::MAX)).any(|drawn| drawn >= high));
        assert!((0..100).all(|_| draws.below(high + 1) <= high));
    }

    #[test]
    fn coins_fall_as_often_as_they_should() {
        let n = 40_000;
        let mut rng = Prg::new(&[8; 16]);
        let mut draws = Draws::new(&mut rng);
        for (a, b) in [(0, 1), (1, 1), (1, 3), (2, 3), (5, 2), (7, 2), (1 << 100, 3 << 100)] {
            let p = (-(a as f64) / b as f64).exp();
            let got = (0..n).filter(|_| draws.exp(a, b)).count() as f64;
            let want = p * f64::from(n);
            assert!(
                (got - want).abs() <= 5.0 * (want * (1.0 - p)).sqrt(),
                "{a}/{b}: {got}, {want}"
            );
        }
        let got = (0..n).filter(|_| draws.one_in_e()).count() as f64;
        assert!((got / f64::from(n) - (-1.0_f64).exp()).abs() < 0.015, "{got}");
    }
}
