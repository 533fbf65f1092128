//! Where the sum of many losses lies, but for a negligible part of it.

use super::step::Losses;

/// Grid points that are looked at as one.
const COARSE: usize = 64;
/// Exponents that bounds are tried with, per unit of loss.
const EXPONENTS: std::ops::Range<i32> = -10..12;

/// Bounds that the sum of so many draws of each of these losses keeps, each but with probability e^−`exponent`, by Chernoff's
/// bound. Infinite losses aside.
pub(super) fn range(all: &[(Losses, u32)], exponent: f64) -> (f64, f64) {
    let groups: Vec<_> = all.iter().map(|(losses, steps)| (ends(losses), *steps)).collect();
    let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
    for power in EXPONENTS {
        for part in [1.0, 1.5] {
            let t = part * f64::from(power).exp2();
            high = high.min((ln_moment(&groups, t) + exponent) / t);
            low = low.max(-(ln_moment(&groups, -t) + exponent) / t);
        }
    }
    (low, high)
}

/// The masses of groups of losses, moved to both ends of each so that their means stay: an exponential lies below its chords,
/// so that no moment gets less by it.
fn ends(losses: &Losses) -> Vec<(f64, f64)> {
    let mut moved = Vec::new();
    for (group, masses) in losses.masses.chunks(COARSE).enumerate() {
        let at = |i: usize| (losses.first as f64 + (group * COARSE + i) as f64) * losses.interval;
        let last = masses.len() - 1;
        let mass: f64 = masses.iter().sum();
        let weighed: f64 = masses.iter().enumerate().map(|(i, mass)| i as f64 * mass).sum();
        let upper = if last == 0 { 0.0 } else { weighed / last as f64 };
        moved.push((at(0), mass - upper));
        moved.push((at(last), upper));
    }
    moved
}

/// ln E[e^(t·sum)], not less than it is.
fn ln_moment(all: &[(Vec<(f64, f64)>, u32)], t: f64) -> f64 {
    let one = |masses: &[(f64, f64)]| {
        let most = masses.iter().map(|(loss, _)| t * loss).fold(f64::NEG_INFINITY, f64::max);
        most + masses.iter().map(|(loss, mass)| mass * (t * loss - most).exp()).sum::<f64>().ln()
    };
    all.iter().map(|(masses, steps)| f64::from(*steps) * one(masses)).sum()
}
