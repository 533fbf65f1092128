//! Along which directions updates are weighed in a round.

use super::terms::{FOLDS, MOST, PRODUCT_BITS};
use crate::{
    average::WordsDigest,
    contribution::direction,
    gate::Terms,
    model::{Network, Rows},
    round::RoundError,
    stream::product,
};

/// A direction of which one coordinate has more of the squared norm than this is all but a coordinate. Where a single feature
/// decides it may have most of it; the others have a hundredth of the norm at least.
const MOST_OF_ONE: f64 = 0.9999;
/// Updates that pass a gate may be so many times as long as its bound, but for 2^-20.
const PASSES: f64 = 2.5;

/// How a round moves the model.
pub(super) struct Step<'a> {
    pub(super) model: &'a [f32],
    pub(super) average: &'a [f32],
    pub(super) rate: f32,
    /// All weights of the average together.
    pub(super) weight: u64,
}

/// A direction for each fold, as integers: of the mean slope times the step size, over all weights.
pub(super) struct Directions(Vec<Vec<u64>>);

impl Directions {
    pub(super) fn new(
        (network, terms): (&Network, &Terms),
        folds: &[Rows],
        step: &Step<'_>,
    ) -> Result<Self, RoundError> {
        let moved: Vec<f32> = step.average.iter().map(|x| step.rate * x).collect();
        let slope = |fold: &Rows| direction(network, step.model, &moved, fold).0;
        let slopes: Vec<Vec<f32>> = folds.iter().map(slope).collect();
        is_no_coordinate(&slopes)?;
        let scale = f64::from(step.rate) / step.weight as f64;
        let reach = PASSES * terms.clip * terms.most_weight as f64 * scale;
        let fits = |slope: &Vec<f32>| reach * norm(slope) < MOST;
        if !slopes.iter().all(fits) {
            return Err(RoundError::Worth(
                "the loss on the validation rows is too steep to be weighed",
            ));
        }
        let unit = scale * f64::from(PRODUCT_BITS - terms.encoding.bits()).exp2();
        #[expect(clippy::cast_possible_truncation, reason = "products with it are below 2^61")]
        let word = |x: &f32| ((f64::from(*x) * unit).round_ties_even() as i64).cast_unsigned();
        Ok(Self(slopes.iter().map(|slope| slope.iter().map(word).collect()).collect()))
    }

    /// What the parties compare.
    pub(super) fn digest(&self) -> [u8; 32] {
        let mut digest = WordsDigest::new();
        self.0.iter().for_each(|words| digest.update(words));
        digest.finish()
    }

    /// Adds to each fold's sum the products of words of a share, from `from` on, with its direction.
    pub(super) fn add_products(&self, from: usize, words: &[u64], sums: &mut [u64; FOLDS]) {
        for (sum, direction) in sums.iter_mut().zip(&self.0) {
            *sum = sum.wrapping_add(product(&direction[from..from + words.len()], words));
        }
    }
}

fn norm(slope: &[f32]) -> f64 {
    slope.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>().sqrt()
}

/// Whether what is opened of each update would be more than one of its coordinates: its product with the sum of the folds'
/// directions, and how far apart the folds' products are.
fn is_no_coordinate(slopes: &[Vec<f32>]) -> Result<(), RoundError> {
    let parameters = slopes.first().map_or(0, Vec::len);
    let of = |at: usize| slopes.iter().map(move |slope| f64::from(slope[at]));
    let together = |at: usize| of(at).sum::<f64>().powi(2);
    let apart = |at: usize| {
        let (sum, folds) = (of(at).sum::<f64>(), slopes.len() as f64);
        of(at).map(|slope| (folds * slope - sum).powi(2)).sum::<f64>()
    };
    if is_one(parameters, together) || is_one(parameters, apart) {
        return Err(RoundError::Worth(
            "the loss on the validation rows depends on one parameter alone, which would read it off every update",
        ));
    }
    Ok(())
}

/// Whether nearly all of a norm is one coordinate's.
fn is_one(parameters: usize, squared: impl Fn(usize) -> f64) -> bool {
    let (mut all, mut most) = (0.0, 0.0_f64);
    for square in (0..parameters).map(squared) {
        all += square;
        most = most.max(square);
    }
    most > MOST_OF_ONE * all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_direction_that_is_a_coordinate_is_refused() {
        let of = |slope: &[f32]| is_no_coordinate(&vec![slope.to_vec(); FOLDS]);
        assert!(matches!(of(&[0.0, 1.0, 0.0]), Err(RoundError::Worth(_))));
        assert!(matches!(of(&[0.01, -3.0, 0.005]), Err(RoundError::Worth(_))));
        assert_eq!(of(&[0.5, 1.0, 0.0]), Ok(()));
        assert_eq!(of(&[0.01, -3.0, 0.05]), Ok(()));
        assert_eq!(of(&[0.0; 3]), Ok(()), "where nothing can be gained, nothing is told");
        // Folds that differ, but whose sum is one coordinate.
        let slopes = [vec![1.0, 2.0], vec![-1.0, 2.0]];
        assert!(matches!(is_no_coordinate(&slopes), Err(RoundError::Worth(_))));
        // Folds whose sum is well spread, and that differ in one coordinate.
        let slopes = [vec![1.0, 2.0, 1.5], vec![1.0, 2.0, -0.5]];
        assert!(matches!(is_no_coordinate(&slopes), Err(RoundError::Worth(_))));
    }
}
