//! Where the sum of many losses lies, but for a negligible part of it.

use super::step::Losses;

/// Grid points that are looked at as one.
const COARSE: usize = 64;
/// Exponents that bounds are tried with, per unit of loss.
const EXPONENTS: std::ops::Range<i32> = -10..12;

/// Bounds that the sum of so many draws of each of these losses keeps, each but with probability e^−`exponent`, by Chernoff's
/// bound. Infinite losses aside.
pub(super) fn range(all: &[(Losses, u32)], exponent: f64) -> (f64, f64) {
    let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
    for power in EXPONENTS {
        for part in [1.0, 1.5] {
            let t = part * f64::from(power).exp2();
            high = high.min((ln_moment(all, t) + exponent) / t);
            low = low.max(-(ln_moment(all, -t) + exponent) / t);
        }
    }
    (low, high)
}

/// ln E[e^(t·sum)], not less than it is.
fn ln_moment(all: &[(Losses, u32)], t: f64) -> f64 {
    let one = |losses: &Losses| {
        let groups = losses.masses.chunks(COARSE).enumerate();
        let terms: Vec<(f64, f64)> = groups
            .map(|(group, masses)| {
                let from = losses.first as f64 + (group * COARSE) as f64;
                let to = from + (masses.len() - 1) as f64;
                let end = if t > 0.0 { to } else { from };
                (t * end * losses.interval, masses.iter().sum())
            })
            .collect();
        let most = terms.iter().map(|term| term.0).fold(f64::NEG_INFINITY, f64::max);
        most + terms.iter().map(|(x, mass)| mass * (x - most).exp()).sum::<f64>().ln()
    };
    all.iter().map(|(losses, steps)| f64::from(*steps) * one(losses)).sum()
}
