//! The normal distribution where doubles run out.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// P(N(0,1) ≤ x).
pub(super) fn cdf(x: f64) -> f64 {
    0.5 * libm::erfc(-x * FRAC_1_SQRT_2)
}

/// A point of the line, and the smaller of the probabilities on its two sides.
#[derive(Clone, Copy, Debug)]
pub(super) struct Point {
    x: f64,
    tail: f64,
}

impl Point {
    pub(super) fn new(x: f64) -> Self {
        Self { x, tail: cdf(-x.abs()) }
    }

    /// P(self ≤ N(0,1) ≤ to) for a point not below this one, with all its digits in both tails.
    pub(super) fn up_to(self, to: Self) -> f64 {
        if self.x > 0.0 {
            self.tail - to.tail
        } else if to.x < 0.0 {
            to.tail - self.tail
        } else {
            1.0 - self.tail - to.tail
        }
    }
}

/// ln P(N(0,1) ≤ x), also where that probability is no double.
pub(super) fn ln_cdf(x: f64) -> f64 {
    if x > -20.0 {
        return cdf(x).ln();
    }
    // The asymptotic series of the tail; at 20 its fifth term is 10^-10.
    let t = 1.0 / (x * x);
    let series = 1.0 - t * (1.0 - 3.0 * t * (1.0 - 5.0 * t * (1.0 - 7.0 * t)));
    -0.5 * x * x - (-x).ln() - 0.5 * (2.0 * PI).ln() + series.ln()
}

/// ln(e^a + e^b).
pub(super) fn ln_add(a: f64, b: f64) -> f64 {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    if low == f64::NEG_INFINITY { high } else { high + (low - high).exp().ln_1p() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_go_on_where_doubles_end() {
        // Values from the asymptotic expansion to 12 terms, worked out by hand in extended precision.
        assert!((ln_cdf(-20.0) - -203.917_155_371_097_3).abs() < 1e-8, "{}", ln_cdf(-20.0));
        assert!((ln_cdf(-40.0) - -804.608_442_013_754_2).abs() < 1e-8, "{}", ln_cdf(-40.0));
        assert!((ln_cdf(-19.999_999) - ln_cdf(-20.000_001)).abs() < 1e-4);
        assert!((ln_cdf(0.0) - 0.5_f64.ln()).abs() < 1e-15);
    }

    #[test]
    fn intervals_keep_their_digits_in_both_tails() {
        let between = |a, b| Point::new(a).up_to(Point::new(b));
        let (left, right) = (between(-9.0, -8.0), between(8.0, 9.0));
        assert!((left / right - 1.0).abs() < 1e-12 && left > 0.0);
        assert!((between(-1.0, 1.0) - 0.682_689_492_137_085_9).abs() < 1e-14);
    }

    #[test]
    fn exponentials_add_up_beyond_the_range_of_doubles() {
        assert!((ln_add(-1000.0, -1000.0) - (-1000.0 + 2.0_f64.ln())).abs() < 1e-12);
        assert_eq!(ln_add(f64::NEG_INFINITY, -3.0), -3.0);
    }
}
