//! Sums of losses, by one Fourier transform for both ways round.

use rustfft::{FftPlanner, num_complex::Complex};

use super::{
    range::range,
    step::{Losses, Neighbour, ends, losses},
};
use crate::account::event::Event;

/// The grid's distance where nothing asks for a coarser one.
const INTERVAL: f64 = 1e-4;
/// Points of the transform at most.
const MOST_POINTS: f64 = (1 << 20) as f64;
/// What is cut off on either side is e^-this, and counted as a loss without bound.
const CUT: f64 = 32.0;

/// The loss of all steps together.
pub(super) struct Composed {
    interval: f64,
    first: i64,
    masses: Vec<f64>,
    infinite: f64,
}

/// A unit removed, and a unit added.
pub(super) fn compose(events: &[Event]) -> [Composed; 2] {
    let sides = [Neighbour::Removed, Neighbour::Added];
    let interval = interval(events);
    let parts = sides.map(|side| {
        let one = |event: &Event| (losses(event, side, interval), event.steps());
        events.iter().map(one).collect::<Vec<_>>()
    });
    let ranges = parts.each_ref().map(|parts| {
        let (low, high) = range(parts, CUT);
        ((low / interval).floor(), (high / interval).ceil())
    });
    let span = ranges.iter().map(|(low, high)| high - low + 1.0).fold(1.0, f64::max);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "positive, at most some millions"
    )]
    let points = fast((span as usize).max(2));
    let sums = convolve(&parts, points);
    let mut sums = sums.into_iter();
    [0, 1].map(|side| {
        let sums = sums.next().unwrap_or_default();
        wind(&parts[side], sums, ranges[side], interval)
    })
}

/// A grid on which the sum has few enough points; a guess is enough, it only sets the precision.
fn interval(events: &[Event]) -> f64 {
    let span = |event: &Event| {
        let (low, high) = ends(event, Neighbour::Removed);
        let steps = f64::from(event.steps());
        // Of independent losses the spread grows by the root, the mean with the number.
        (high - low) * steps.sqrt().min(4.0 + steps.sqrt() * event.sampling() * 8.0)
    };
    let widest = events.iter().map(span).sum::<f64>();
    let mut interval = INTERVAL;
    while widest / interval > MOST_POINTS {
        interval *= 2.0;
    }
    interval
}

/// A number of points, no fewer, that a transform is fast for: 4 to 7 times a power of two.
fn fast(points: usize) -> usize {
    let unit = (points.next_power_of_two() / 8).max(1);
    (4..=8)
        .map(|times| times * unit)
        .find(|fast| *fast >= points)
        .unwrap_or(points)
        .next_multiple_of(2)
}

/// The masses of the sums on a circle of so many points, which begins at the sum of all first points.
fn convolve(parts: &[Vec<(Losses, u32)>; 2], points: usize) -> Vec<Vec<f64>> {
    let mut planner = FftPlanner::<f64>::new();
    let (forward, backward) = (planner.plan_fft_forward(points), planner.plan_fft_inverse(points));
    let (zero, one) = (Complex::new(0.0, 0.0), Complex::new(1.0, 0.0));
    // The spectrum of what is real mirrors itself: half of it says all.
    let half = points / 2 + 1;
    let mut product = [vec![one; half], vec![one; half]];
    for (removed, added) in parts[0].iter().zip(&parts[1]) {
        // Both are real: one transform serves as real and imaginary part.
        let mut both = vec![zero; points];
        for (i, mass) in removed.0.masses.iter().enumerate() {
            both[i % points].re += mass;
        }
        for (i, mass) in added.0.masses.iter().enumerate() {
            both[i % points].im += mass;
        }
        forward.process(&mut both);
        for k in 0..half {
            let (a, b) = (both[k], both[(points - k) % points].conj());
            let (sum, difference) = ((a + b) * 0.5, (a - b) * 0.5);
            product[0][k] *= sum.powu(removed.1);
            product[1][k] *= Complex::new(difference.im, -difference.re).powu(added.1);
        }
    }
    let mut both = vec![zero; points];
    for k in 0..half {
        let (r, a) = (product[0][k], product[1][k]);
        both[k] = Complex::new(r.re - a.im, r.im + a.re);
        both[(points - k) % points] = Complex::new(r.re + a.im, a.re - r.im);
    }
    // Where it mirrors itself onto itself, it is real.
    for k in [0, points / 2] {
        both[k] = Complex::new(product[0][k].re, product[1][k].re);
    }
    backward.process(&mut both);
    let scale = 1.0 / points as f64;
    let real = both.iter().map(|value| (value.re * scale).max(0.0)).collect();
    let imaginary = both.iter().map(|value| (value.im * scale).max(0.0)).collect();
    vec![real, imaginary]
}

/// Unrolls the circle where the sums are.
#[expect(clippy::cast_possible_truncation, reason = "grid indices are small")]
fn wind(
    parts: &[(Losses, u32)],
    mut sums: Vec<f64>,
    (low, _): (f64, f64),
    interval: f64,
) -> Composed {
    let start: i64 = parts.iter().map(|(losses, steps)| losses.first * i64::from(*steps)).sum();
    let first = low as i64;
    let points = i64::try_from(sums.len()).unwrap_or(i64::MAX).max(1);
    let turn = usize::try_from((first - start).rem_euclid(points)).unwrap_or(0);
    sums.rotate_left(turn);
    let finite: f64 =
        parts.iter().map(|(losses, steps)| (-losses.infinite).ln_1p() * f64::from(*steps)).sum();
    let infinite = -finite.exp_m1() + 2.0 * (-CUT).exp();
    Composed { interval, first, masses: sums, infinite }
}

impl Composed {
    fn loss(&self, at: usize) -> f64 {
        (self.first as f64 + at as f64) * self.interval
    }

    /// The curve at one ε.
    pub(super) fn delta(&self, epsilon: f64) -> f64 {
        let above = self.masses.iter().enumerate().map(|(at, mass)| (self.loss(at), mass));
        let above = above.filter(|(loss, _)| *loss > epsilon);
        self.infinite + above.map(|(loss, mass)| -(epsilon - loss).exp_m1() * mass).sum::<f64>()
    }

    /// The least ε ≥ 0 at which the curve is at most δ; infinite if there is none.
    pub(super) fn epsilon(&self, delta: f64) -> f64 {
        if self.infinite > delta {
            return f64::INFINITY;
        }
        // Over losses above ε: δ(ε) = infinite + Σ mass − e^ε·Σ mass·e^−loss.
        let (mut mass, mut scaled) = (self.infinite, 0.0);
        for at in (0..self.masses.len()).rev() {
            let loss = self.loss(at);
            // The curve at this loss, from what is above it.
            if mass - loss.exp() * scaled > delta {
                return ((mass - delta) / scaled).ln().max(0.0);
            }
            if loss <= 0.0 {
                return 0.0;
            }
            mass += self.masses[at];
            scaled += self.masses[at] * (-loss).exp();
        }
        0.0
    }
}
