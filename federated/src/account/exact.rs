//! Gaussian noise without sampling, exactly.
//!
//! # Source
//! Balle and Wang, *Improving the Gaussian Mechanism for Differential Privacy*, ICML 2018,
//! <https://arxiv.org/abs/1805.06530>, theorem 8; Dong, Roth and Su, *Gaussian Differential Privacy*, 2019,
//! <https://arxiv.org/abs/1905.02383>: T releases with noise σ are one with μ = √T/σ.

use super::{event::Event, normal::cdf};

/// δ(ε) of a Gaussian release whose sensitivity is `mu` standard deviations of its noise.
#[must_use]
pub fn delta(mu: f64, epsilon: f64) -> f64 {
    if mu <= 0.0 {
        return 0.0;
    }
    let (a, b) = (mu / 2.0 - epsilon / mu, -mu / 2.0 - epsilon / mu);
    // e^ε·Φ(b) where Φ(b) is no double: its logarithm is.
    let second = (epsilon + super::normal::ln_cdf(b)).exp();
    (cdf(a) - second).max(0.0)
}

/// The least ε for a δ, to about 10^-12; nothing if one of the events samples its units.
///
/// # Panics
/// If δ is not in (0, 1).
#[must_use]
pub fn epsilon(events: &[Event], delta: f64) -> Option<f64> {
    assert!(delta > 0.0 && delta < 1.0, "δ is a probability");
    let at = |epsilon| super::event::plain_delta(events, epsilon);
    if at(0.0)? <= delta {
        return Some(0.0);
    }
    let (mut low, mut high) = (0.0, 1.0);
    while at(high)? > delta {
        (low, high) = (high, 2.0 * high);
    }
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        if at(middle)? > delta {
            low = middle;
        } else {
            high = middle;
        }
    }
    Some(high)
}
