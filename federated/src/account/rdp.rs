//! Rényi differential privacy of the sampled Gaussian mechanism.
//!
//! # Source
//! Mironov, Talwar and Zhang, *Rényi Differential Privacy of the Sampled Gaussian Mechanism*, 2019,
//! <https://arxiv.org/abs/1908.10530>, §3.3 for whole and for fractional orders; the conversion to (ε, δ): Canonne, Kamath and
//! Steinke, <https://arxiv.org/abs/2004.00010>, proposition 12. Fractional orders are needed: with whole ones alone the first
//! line of the table in the tests reads 5.654 instead of 5.632.

use super::{
    event::Event,
    normal::{ln_add, ln_cdf},
};

/// Terms of a series that are this much smaller than its sum, as logarithm, are left out.
const NEGLIGIBLE: f64 = -30.0;
/// A series that has not converged after so many terms gives no bound.
const MOST_TERMS: f64 = 10_000.0;

/// The orders at which divergences are compared.
#[must_use]
pub fn orders() -> Vec<f64> {
    let tenths = (11..110).map(|tenth| f64::from(tenth) / 10.0);
    let whole = (11..64).chain([128, 256, 512, 1024]).map(f64::from);
    tenths.chain(whole).collect()
}

/// The Rényi divergence of one order that all steps of an event add up to.
///
/// # Panics
/// If the order is not above 1.
#[must_use]
pub fn divergence(event: &Event, order: f64) -> f64 {
    assert!(order > 1.0, "orders are above 1");
    let (q, variance) = (event.sampling(), event.noise() * event.noise());
    let one = if event.is_plain() {
        order / (2.0 * variance)
    } else if order.fract() == 0.0 {
        ln_moment_whole(q, variance, order) / (order - 1.0)
    } else {
        ln_moment(q, variance, order) / (order - 1.0)
    };
    f64::from(event.steps()) * one
}

/// The least ε for a δ over all [`orders`].
///
/// # Panics
/// If δ is not in (0, 1).
#[must_use]
pub fn epsilon(events: &[Event], delta: f64) -> f64 {
    assert!(delta > 0.0 && delta < 1.0, "δ is a probability");
    let bound = |order: f64| {
        let sum: f64 = events.iter().map(|event| divergence(event, order)).sum();
        sum + (-1.0 / order).ln_1p() - (delta.ln() + order.ln()) / (order - 1.0)
    };
    orders().into_iter().map(bound).fold(f64::INFINITY, f64::min).max(0.0)
}

/// ln E[(p/p_0)^α] for whole α: a binomial sum.
fn ln_moment_whole(q: f64, variance: f64, order: f64) -> f64 {
    let mut sum = f64::NEG_INFINITY;
    let (mut ln_binomial, mut k) = (0.0, 0.0);
    while k <= order {
        let weight = ln_binomial + k * q.ln() + (order - k) * (-q).ln_1p();
        sum = ln_add(sum, weight + k * (k - 1.0) / (2.0 * variance));
        ln_binomial += ((order - k) / (k + 1.0)).ln();
        k += 1.0;
    }
    sum
}

/// The same for any α, not less than it is: two infinite sums, on either side of the point where both densities weigh alike.
/// Their terms alternate in sign from the α-th on; all are counted as positive, so that nothing cancels. That is what makes
/// the first line of the table 5.632011 and not 5.631992.
fn ln_moment(q: f64, variance: f64, order: f64) -> f64 {
    let sigma = variance.sqrt();
    let turn = variance * (1.0 / q - 1.0).ln() + 0.5;
    let (ln_q, ln_rest) = (q.ln(), (-q).ln_1p());
    let (mut sum, mut last) = (f64::NEG_INFINITY, [f64::NEG_INFINITY; 2]);
    let (mut ln_binomial, mut i) = (0.0, 0.0);
    while i < MOST_TERMS {
        let j: f64 = order - i;
        let left = ln_binomial + i * ln_q + j * ln_rest + (i * i - i) / (2.0 * variance);
        let right = ln_binomial + j * ln_q + i * ln_rest + (j * j - j) / (2.0 * variance);
        // Both by the part of the line on which they stand for the density.
        let both = [left + ln_cdf((turn - i) / sigma), right + ln_cdf((j - turn) / sigma)];
        sum = ln_add(sum, ln_add(both[0], both[1]));
        let shrinks = both[0] < last[0] && both[1] < last[1];
        if shrinks && both[0].max(both[1]) < sum + NEGLIGIBLE {
            return sum;
        }
        last = both;
        ln_binomial += (j / (i + 1.0)).abs().ln();
        i += 1.0;
    }
    // A bound that is none must not be used.
    f64::INFINITY
}
