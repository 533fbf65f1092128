//! What is counted of rows beside their loss, so that more can be said of a model than how often it is right.

use super::{pass::sigmoid, rows::Rows};

/// Fractional bits of a label's part of its unit.
const BITS: i32 = 28;
/// Steps of rounding below which what labels vary by is not told from it: each row's part and its square are off by half a step at most,
/// so that a variance is by 2.5.
const LEAST_STEPS: f64 = 64.0;
/// A label is single precision: off by this part of the largest one, 64 times over.
const LABEL_STEP: f64 = 1.0 / 262_144.0;

/// What is counted of rows: counts of all providers' rows add up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tally {
    /// Of two classes: how many rows are of class 0, and then how many of class 1, where the model's probability of class 1 lies in
    /// each of so many bins of equal width, an even number of them.
    Bins(usize),
    /// Of a regression: the sum of the labels, less a public number in their middle, over a unit that is the largest of that, and one more, so
    /// that none is negative; and that of their squares, in steps of 2^−28. Of how labels vary they say all.
    Moments(Spread),
}

/// Where labels are, by public bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// What labels are counted from: the nearer their mean, the less of how they vary is lost in rounding.
    pub middle: f64,
    /// None is further from it.
    pub unit: f64,
}

impl Spread {
    /// Of labels between these two. The unit is a power of two, and no less than what single precision makes of such labels.
    #[must_use]
    pub fn between(min: f64, max: f64) -> Self {
        let least = min.abs().max(max.abs()) * LABEL_STEP;
        let unit = ((max - min) / 2.0).max(least);
        Self {
            middle: min / 2.0 + max / 2.0,
            unit: if unit > 0.0 { unit.log2().ceil().exp2() } else { 1.0 },
        }
    }
}

impl Tally {
    /// How many numbers there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self {
            Self::Bins(bins) => 2 * *bins,
            Self::Moments(_) => 2,
        }
    }

    /// Whether nothing is counted.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The numbers of these rows, given the model's first output for each as [`super::evaluate`] has it.
    #[must_use]
    pub fn of_rows(&self, outputs: &[f32], rows: &Rows) -> Vec<u64> {
        match *self {
            Self::Bins(bins) => {
                let places = outputs.iter().map(|odds| bin(sigmoid(*odds), *odds > 0.0, bins));
                counts(places, rows, bins)
            }
            Self::Moments(Spread { middle, unit }) => {
                let mut sums = vec![0; 2];
                for at in 0..outputs.len() {
                    let part = (f64::from(rows.label(at)) - middle) / unit + 1.0;
                    for (sum, x) in sums.iter_mut().zip([part, part * part]) {
                        #[expect(
                            clippy::cast_possible_truncation,
                            clippy::cast_sign_loss,
                            reason = "0 to 4, scaled"
                        )]
                        let fixed = (x * f64::from(BITS).exp2()).round() as u64;
                        *sum += fixed;
                    }
                }
                sums
            }
        }
    }

    /// The numbers of these rows, given a probability of class 1 for each; nothing of a regression, or of numbers that are no probabilities of
    /// as many rows.
    #[must_use]
    pub fn of_probabilities(&self, probabilities: &[f32], rows: &Rows) -> Option<Vec<u64>> {
        let Self::Bins(bins) = *self else { return None };
        let fits = probabilities.iter().all(|p| (0.0..=1.0).contains(p));
        let places = probabilities.iter().map(|p| bin(*p, *p > 0.5, bins));
        (fits && probabilities.len() == rows.len()).then(|| counts(places, rows, bins))
    }

    /// Whether these can be the numbers of at most so many rows.
    #[must_use]
    pub fn allows(&self, numbers: &[u64], most: u64) -> bool {
        let most = match self {
            Self::Bins(_) => most,
            Self::Moments(_) => most.saturating_mul(7 << BITS),
        };
        let sum = numbers.iter().try_fold(0_u64, |sum, number| sum.checked_add(*number));
        numbers.len() == self.len() && sum.is_some_and(|sum| sum <= most)
    }

    /// R² of a model whose squared errors add up to `error`: by what part that is less than for the mean of the labels. Of the sums of so many
    /// rows' moments; nothing where labels vary by little more than they are rounded by, less than 2^−11 of their unit, or of bins.
    #[must_use]
    pub fn explained(&self, [sum, squares]: [u64; 2], rows: u64, error: f64) -> Option<f64> {
        let Self::Moments(Spread { unit, .. }) = self else { return None };
        let mean = |sum: u64| sum as f64 / f64::from(BITS).exp2() / rows.max(1) as f64;
        let varies = mean(squares) - mean(sum).powi(2);
        let least = LEAST_STEPS / f64::from(BITS).exp2();
        let variance = unit.powi(2) * varies;
        (rows > 0 && varies >= least).then(|| 1.0 - error / rows as f64 / variance)
    }
}

/// How many rows of each class are in each bin.
fn counts(places: impl Iterator<Item = usize>, rows: &Rows, bins: usize) -> Vec<u64> {
    let mut counts = vec![0; 2 * bins];
    for (at, place) in places.enumerate() {
        counts[usize::from(rows.label(at) > 0.5) * bins + place] += 1;
    }
    counts
}

/// The bin of a row by the model's probability: rows that it calls class 1 are in the upper half.
fn bin(probability: f32, called: bool, bins: usize) -> usize {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1, scaled")]
    let place = (probability * bins as f32) as usize;
    let half = bins / 2;
    if called {
        place.clamp(half, bins.saturating_sub(1))
    } else {
        place.min(half.saturating_sub(1))
    }
}

/// What counts in bins say of a model of two classes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranking {
    /// Of the rows that it calls class 1, the part that is; nothing if it calls none so.
    pub precision: Option<f64>,
    /// Of the rows of class 1, the part that it calls so; nothing if there is none.
    pub recall: Option<f64>,
    /// The area under the curve, the rows of one bin as ties: exact up to how finely bins tell rows apart. Nothing where all rows are of
    /// one class.
    pub area: Option<f64>,
}

impl Ranking {
    /// Of counts as [`Tally::Bins`] has them.
    #[must_use]
    pub fn of(counts: &[u64]) -> Self {
        let (zeros, ones) = counts.split_at(counts.len() / 2);
        let half = ones.len() / 2;
        let (mut below, mut pairs) = (0, 0);
        for (zeros, ones) in zeros.iter().zip(ones) {
            pairs += ones * (2 * below + zeros);
            below += zeros;
        }
        let called = (ones[half..].iter().sum(), zeros[half..].iter().sum());
        Self::of_totals((below, ones.iter().sum()), pairs, Some(called))
    }

    /// Of the rows of class 0 and of class 1, twice the pairs of one of each in which that of class 1 ranks higher (ties once), and how many
    /// rows of class 1 and of class 0 the model calls class 1, if that is known.
    #[must_use]
    pub fn of_totals((zeros, ones): (u64, u64), pairs: u64, called: Option<(u64, u64)>) -> Self {
        let part = |of: u64, all: f64| (all > 0.0).then(|| of as f64 / all);
        Self {
            area: part(pairs, 2.0 * zeros as f64 * ones as f64),
            precision: called.and_then(|(hits, alarms)| part(hits, hits as f64 + alarms as f64)),
            recall: called.and_then(|(hits, _)| part(hits, ones as f64)),
        }
    }
}

#[cfg(test)]
mod tests {
    use protocols::{prg::Prg, ring::Z32};

    use super::*;
    use crate::model::area_under_curve;

    fn moments(min: f64, max: f64) -> Tally {
        Tally::Moments(Spread::between(min, max))
    }

    fn scored(n: usize) -> (Vec<f32>, Rows) {
        let words = Prg::new(&[6; 16]).elements::<Z32>(2 * n);
        let unit = |word: &u32| (word >> 8) as f32 / (1_u32 << 23) as f32 - 1.0;
        let outputs: Vec<f32> = words[..n].iter().map(|word| 4.0 * unit(word)).collect();
        let pairs = outputs.iter().zip(&words[n..]);
        let labels = pairs.map(|(x, noise)| f32::from(x + 3.0 * unit(noise) > 0.5)).collect();
        (outputs, Rows::new(0, Vec::new(), labels).unwrap())
    }

    #[test]
    fn bins_rank_as_rows_do() {
        let (outputs, rows) = scored(5000);
        let labels: Vec<f32> = (0..rows.len()).map(|at| rows.label(at)).collect();
        let exact = area_under_curve(&outputs, &labels);
        let odds: Vec<f32> = outputs.iter().map(|x| sigmoid(*x)).collect();
        for (bins, near) in [(2, 0.1), (20, 2e-3), (200, 2e-4)] {
            let counts = Tally::Bins(bins).of_rows(&outputs, &rows);
            assert_eq!((counts.len(), counts.iter().sum()), (2 * bins, 5000_u64));
            assert_eq!(Tally::Bins(bins).of_probabilities(&odds, &rows).unwrap(), counts);
            let found = Ranking::of(&counts);
            assert!((found.area.unwrap() - exact).abs() < near, "{bins} bins: {found:?}, {exact}");
            let pairs = || outputs.iter().zip(&labels);
            let right = pairs().filter(|(x, y)| **x > 0.0 && **y > 0.5).count() as f64;
            let called = outputs.iter().filter(|x| **x > 0.0).count() as f64;
            let ones = labels.iter().filter(|y| **y > 0.5).count() as f64;
            assert_eq!(found.precision, Some(right / called));
            assert_eq!(found.recall, Some(right / ones));
        }
    }

    #[test]
    fn what_nobody_can_say_is_not_said() {
        let none = Ranking { precision: None, recall: None, area: None };
        assert_eq!(Ranking::of(&[0; 4]), none);
        assert_eq!(Ranking::of(&[3, 0, 0, 0]), none);
        let found = Ranking::of(&[0, 0, 1, 3]);
        assert_eq!(found, Ranking { precision: Some(1.0), recall: Some(0.75), area: None });
        let edges = Rows::new(0, Vec::new(), vec![0.0, 1.0, 1.0, 0.0]).unwrap();
        let outputs = [0.0, f32::MIN_POSITIVE, f32::INFINITY, f32::NEG_INFINITY];
        let counts = Tally::Bins(4).of_rows(&outputs, &edges);
        assert_eq!(counts, [1, 1, 0, 0, 0, 0, 1, 1]);
        let probabilities = [0.5, 0.6, 1.0, 0.0];
        assert_eq!(Tally::Bins(4).of_probabilities(&probabilities, &edges).unwrap(), counts);
        for garbage in
            [&[0.5, f32::NAN, 1.0, 0.0][..], &[0.5, 1.1, 0.0, 0.0], &[-0.1; 4], &[0.5; 3]]
        {
            assert_eq!(Tally::Bins(4).of_probabilities(garbage, &edges), None);
        }
        assert_eq!(moments(-1.0, 1.0).of_probabilities(&probabilities, &edges), None);
    }

    #[test]
    fn moments_say_how_labels_vary() {
        let rows = Rows::new(0, Vec::new(), vec![6.0, -2.0]).unwrap();
        let tally = moments(-8.0, 8.0);
        let sums = tally.of_rows(&[0.0; 2], &rows);
        let one = 1_u64 << 28;
        assert_eq!(sums, [one * 5 / 2, one * 29 / 8]);
        assert!(tally.allows(&sums, 2) && !tally.allows(&sums, 0) && !tally.allows(&[1], 2));
        // A variance of 16; squared errors of 4 each.
        let found = tally.explained([sums[0], sums[1]], 2, 8.0).unwrap();
        assert!((found - 0.75).abs() < 1e-9, "{found}");
        assert_eq!(tally.explained([one, one], 1, 1.0), None, "a label alone does not vary");
        // Apart by 2^-9 of the unit, and by less than rounding leaves to tell.
        for (apart, told) in [(1.0 / 512.0, true), (1.0 / 2048.0, false), (1e-7, false)] {
            let rows = Rows::new(0, Vec::new(), vec![1.0, 1.0 - apart]).unwrap();
            let tally = moments(-1.0, 1.0);
            let sums = tally.of_rows(&[0.0; 2], &rows);
            let found = tally.explained([sums[0], sums[1]], 2, 0.0);
            assert_eq!(found, told.then_some(1.0), "{apart}");
        }
        // Far from 0, between bounds that are near each other: what labels are apart by is not lost.
        for (min, max) in
            [(1e6, 1e6 + 8.0), (-3e7, -3e7 + 8.0), (0.5, 0.5 + 1.0 / 1024.0), (7.0, 7.0)]
        {
            let apart = (max - min) / 2.0;
            #[expect(clippy::cast_possible_truncation, reason = "labels are single precision")]
            let labels = [min + apart / 2.0, min + 1.5 * apart].map(|label| label as f32);
            let rows = Rows::new(0, Vec::new(), labels.to_vec()).unwrap();
            let tally = moments(min, max);
            let sums = tally.of_rows(&[0.0; 2], &rows);
            assert!(tally.allows(&sums, 2), "{min}");
            // Off by half of how far they are from their mean.
            let off = f64::from(labels[1] - labels[0]) / 4.0;
            let found = tally.explained([sums[0], sums[1]], 2, 2.0 * off * off);
            let due = (max > min).then_some(0.75);
            assert!(
                found.zip(due).map_or(found == due, |(r2, due)| (r2 - due).abs() < 1e-6),
                "{min}: {found:?}"
            );
        }
        assert!(!Tally::Bins(2).allows(&[u64::MAX, 1, 0, 0], 9), "it would wrap");
    }
}
