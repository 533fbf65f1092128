//! How full the fullest bin gets.

use std::f64::consts::{LOG2_E, PI};

/// ln n! by Stirling's series; exact to a part in 10^12 from 16 on, and a table of products below.
fn ln_factorial(n: f64) -> f64 {
    if n < 16.0 {
        let mut product = 1.0;
        let mut factor = 2.0;
        while factor <= n {
            product *= factor;
            factor += 1.0;
        }
        return product.ln();
    }
    let inverse = 1.0 / n;
    let square = inverse * inverse;
    let series = inverse * (1.0 / 12.0 - square * (1.0 / 360.0 - square / 1260.0));
    (n + 0.5) * n.ln() - n + 0.5 * (2.0 * PI).ln() + series
}

/// log2 of a bound on the probability that any of `bins` bins gets more than `most` of `balls` balls, each ball falling
/// into a given bin with probability `p`.
///
/// The first term of the tail times a geometric series with its first ratio: the ratios fall. A union over the bins.
pub(crate) fn log2_overflow(balls: f64, p: f64, bins: f64, most: f64) -> f64 {
    if most >= balls {
        return f64::NEG_INFINITY;
    }
    let k = most + 1.0;
    let ratio = (balls - k) / (k + 1.0) * p / (1.0 - p);
    if ratio >= 1.0 {
        return 0.0;
    }
    let choose = ln_factorial(balls) - ln_factorial(k) - ln_factorial(balls - k);
    let first = choose + k * p.ln() + (balls - k) * (-p).ln_1p();
    LOG2_E * (first - (-ratio).ln_1p() + bins.ln())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factorials_are_the_products() {
        let mut sum = 0.0;
        for n in 1..2000_u32 {
            sum += f64::from(n).ln();
            let got = ln_factorial(f64::from(n));
            assert!((got - sum).abs() < 1e-9 * sum.max(1.0), "{n}: {got} is not {sum}");
        }
    }

    /// Against the whole sum, for a case small enough to write out: never below it, and not far above.
    #[test]
    fn the_bound_lies_above_the_tail() {
        let (n, p) = (200.0_f64, 0.1_f64);
        let term = |k: f64| {
            let choose = ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k);
            (choose + k * p.ln() + (n - k) * (-p).ln_1p()).exp()
        };
        for most in 30..60 {
            let exact: f64 = (most + 1..=200).map(|k| term(f64::from(k))).sum();
            let bound = log2_overflow(n, p, 10.0, f64::from(most)).exp2();
            let exact = 10.0 * exact;
            assert!(bound >= exact && bound < 1.25 * exact, "{most}: {bound} for {exact}");
        }
    }
}
