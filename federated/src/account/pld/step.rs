//! The loss of one step on a grid.

use super::super::{event::Event, normal::Point};

/// Standard deviations beyond which nothing is looked at: 10^-19 of the mass, counted as a loss without bound.
const REACH: f64 = 9.0;

/// Which of the two outcomes the loss is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Neighbour {
    /// The unit was there and is taken away.
    Removed,
    /// It was not and is added.
    Added,
}

/// A distribution of losses on the grid `i · interval`.
#[derive(Clone, Debug)]
pub(super) struct Losses {
    pub(super) interval: f64,
    /// The grid index of the first mass.
    pub(super) first: i64,
    pub(super) masses: Vec<f64>,
    /// The mass without bound.
    pub(super) infinite: f64,
}

/// Where the loss of a removed unit lies: from −z to 1 + z standard deviations of the two outcomes.
pub(super) fn ends(event: &Event, neighbour: Neighbour) -> (f64, f64) {
    let reach = REACH * event.noise();
    let (low, high) = (loss(event, -reach), loss(event, 1.0 + reach));
    match neighbour {
        Neighbour::Removed => (low, high),
        Neighbour::Added => (-high, -low),
    }
}

/// The loss of one step, on a grid.
#[expect(
    clippy::cast_possible_truncation,
    reason = "grid indices are small: noise is bounded below"
)]
pub(super) fn losses(event: &Event, neighbour: Neighbour, interval: f64) -> Losses {
    let (low, high) = ends(event, neighbour);
    let (first, last) = ((low / interval).floor() as i64, (high / interval).ceil() as i64);
    let cells = usize::try_from(last - first).unwrap_or(0).max(1);
    let mut masses = vec![0.0; cells + 1];
    let grid = |i: i64| i as f64 * interval;
    // What is below the grid counts as its first point: never less than it is.
    let end = |loss: f64| End::new(event, neighbour, loss);
    let mut before = end(grid(first));
    masses[0] = end(f64::NEG_INFINITY).up_to(before, event, neighbour).0;
    let spread = -(-interval).exp_m1();
    let mut from = first;
    for at in 0..cells {
        let next = end(grid(from + 1));
        let (p, q) = before.up_to(next, event, neighbour);
        // Both ends together have the cell's mass under P and under Q.
        let upper = ((p - q * grid(from).exp()) / spread).clamp(0.0, p);
        masses[at] += p - upper;
        masses[at + 1] += upper;
        (before, from) = (next, from + 1);
    }
    let infinite = before.up_to(end(f64::INFINITY), event, neighbour).0;
    Losses { interval, first, masses, infinite }
}

/// Where a loss lies among the outcomes without the unit and with it.
#[derive(Clone, Copy)]
struct End {
    without: Point,
    with: Point,
}

impl End {
    fn new(event: &Event, neighbour: Neighbour, loss: f64) -> Self {
        let x = match neighbour {
            Neighbour::Removed => outcome(event, loss),
            Neighbour::Added => outcome(event, -loss),
        };
        let sigma = event.noise();
        Self { without: Point::new(x / sigma), with: Point::new((x - 1.0) / sigma) }
    }

    /// The masses of the losses from this one to another under both outcomes, that of the loss first.
    fn up_to(self, to: Self, event: &Event, neighbour: Neighbour) -> (f64, f64) {
        // Losses of an added unit fall where outcomes rise.
        let (from, to) = match neighbour {
            Neighbour::Removed => (self, to),
            Neighbour::Added => (to, self),
        };
        let without = from.without.up_to(to.without);
        let q = event.sampling();
        let with = q * from.with.up_to(to.with) + (1.0 - q) * without;
        match neighbour {
            Neighbour::Removed => (with, without),
            Neighbour::Added => (without, with),
        }
    }
}

/// ln of how much likelier an outcome is with the unit than without.
fn loss(event: &Event, x: f64) -> f64 {
    let (q, variance) = (event.sampling(), event.noise() * event.noise());
    let gain = (2.0 * x - 1.0) / (2.0 * variance);
    if gain > 30.0 {
        // 1 − q is lost beside q·e^gain only when that is large.
        return gain + q.ln() + ((1.0 - q) / q * (-gain).exp()).ln_1p();
    }
    (q * gain.exp_m1()).ln_1p()
}

/// The outcome with a loss: the inverse of [`loss`].
fn outcome(event: &Event, loss: f64) -> f64 {
    let (q, variance) = (event.sampling(), event.noise() * event.noise());
    let gain = if loss > 30.0 {
        loss - q.ln() + (-(1.0 - q) * (-loss).exp()).ln_1p()
    } else {
        let ratio = loss.exp_m1() / q;
        if ratio <= -1.0 {
            return f64::NEG_INFINITY;
        }
        ratio.ln_1p()
    };
    variance * gain + 0.5
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_and_its_outcome_are_inverse() {
        for (q, sigma) in [(0.01, 1.1), (0.5, 0.3), (1.0, 2.0), (1e-4, 0.6)] {
            let event = Event::new(q, sigma, 1).unwrap();
            for x in [-0.5, 0.0, 0.5, 2.0, 9.0] {
                let back = outcome(&event, loss(&event, x));
                // Far on the left hardly anything of the loss is left to tell outcomes apart by.
                let told = q * ((2.0 * x - 1.0) / (2.0 * sigma * sigma)).exp();
                let slack = 1e-9 / told.min(1.0);
                assert!((back - x).abs() < slack, "q {q} σ {sigma}: {x} became {back}");
            }
        }
    }

    #[test]
    fn all_mass_is_somewhere() {
        for neighbour in [Neighbour::Removed, Neighbour::Added] {
            for (q, sigma) in [(0.01, 1.1), (0.5, 2.0), (1.0, 4.0), (0.05, 0.8)] {
                let event = Event::new(q, sigma, 1).unwrap();
                let losses = losses(&event, neighbour, 1e-3);
                let sum = losses.masses.iter().sum::<f64>() + losses.infinite;
                assert!((sum - 1.0).abs() < 1e-12, "{neighbour:?} q {q} σ {sigma}: {sum}");
                assert!(losses.masses.iter().all(|mass| *mass >= 0.0));
                assert!(losses.infinite < 1e-15);
            }
        }
    }
}
