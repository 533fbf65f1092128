//! The shape of instances, and the weight of their noise, as checked code.
//!
//! An instance stretches regular noise `e` of length `N`, one nonzero value in each of `t` classes of `N/t` positions, to
//! `K = N/2` outputs `G·e`. Two bounds give `t`, for a security level `λ` in bits:
//!
//! * linear tests: a test `h` in the row space of `G` that is nonzero on a fraction `2δ` of each class is passed by all
//!   `t` values with probability at most `(1 − 2δ)^t`, so `t ≥ −λ / log2(1 − 2δ)` with the pseudo-distance `δ = 1/4` that
//!   is estimated for the expander weight 21 and memory 24 (Raghuraman, Rindal and Tanguy, *Expand-Convolute Codes for
//!   Pseudorandom Correlation Generators from LPN*, CRYPTO 2023, <https://eprint.iacr.org/2023/882>);
//! * guessing `N − K` positions free of noise, spread evenly over the classes, and solving for the rest succeeds with
//!   probability `(K/N)^t` a time, so `t ≥ −λ / log2(K/N)`; the cost of one elimination is not counted.
//!
//! Both say 128 for λ = 128.
//!
//! # What that rests on
//! The first bound is that of noise in bits. Values of a large field pass a test of support `d` where no noisy position falls
//! into it, with probability `(1 − d)^t`: 2^-128 asks for a relative distance near 1/2, as random codes over a large field
//! have; with no more than 1/4 it would be about 2^-53. That the field constants give this code such a distance is an
//! assumption, made plausible by the paper's figures for bits and by the tests here, and not proved. Algebraic attacks on
//! regular noise (Briaud and Øygarden, EUROCRYPT 2023) are not counted either. A cryptographer should look before 128 bits
//! are claimed of it.
//!
//! The same holds of noise with values in GF(2^80), under the same code with constants of that field.
//!
//! The code multiplies by field constants: over GF(2^128) a binary code would let 192 outputs
//! betray the positions of the noise by elimination over GF(2) ("splitting"), whatever `t` is. Block-accumulate,
//! quasi-cyclic and Silver's codes are not offered.

use std::ops::RangeInclusive;

/// Bits of computational security.
pub const SECURITY_BITS: f64 = 128.0;
/// Pseudo-distance of the code.
pub const DISTANCE: f64 = 0.25;
/// Classes of noise, and trees, of an instance.
pub const TREES: usize = 128;

/// The least and greatest depth of trees.
const DEPTHS: RangeInclusive<usize> = 3..=10;
/// The same where bytes count for more than time: about an eighth of a byte an output, from vectors of 8 MiB.
pub(super) const LARGE_DEPTHS: RangeInclusive<usize> = 3..=13;
/// Up to this many outputs the transfers that an instance starts from cost less than the instance.
pub(super) const DIRECT: usize = 192;

/// The least number of noisy positions for a security level, pseudo-distance and rate `K/N`, a multiple of 8.
///
/// # Panics
/// If the distance is not in (0, 1/2) or the rate not in (0, 1).
#[must_use]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small and positive")]
pub fn noise_weight(security_bits: f64, distance: f64, rate: f64) -> usize {
    assert!(distance > 0.0 && distance < 0.5 && rate > 0.0 && rate < 1.0, "no such code");
    let tests = -security_bits / (1.0 - 2.0 * distance).log2();
    let guesses = -security_bits / rate.log2();
    (tests.max(guesses).ceil() as usize).next_multiple_of(8)
}

/// The shape of one instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Levels of each tree.
    pub depth: usize,
}

impl Shape {
    /// The least shape that has `outputs`; the greatest if none has.
    fn of(outputs: usize, depths: RangeInclusive<usize>) -> Self {
        let greatest = *depths.end();
        let depth = depths.into_iter().find(|depth| Self { depth: *depth }.outputs() >= outputs);
        Self { depth: depth.unwrap_or(greatest) }
    }

    /// Outputs `K`: half the leaves of all trees.
    #[must_use]
    pub const fn outputs(self) -> usize {
        TREES << (self.depth - 1)
    }

    /// Length `N` of the noise.
    #[must_use]
    pub const fn noise(self) -> usize {
        TREES << self.depth
    }

    /// Transfers for the trees.
    #[must_use]
    pub const fn transfers(self) -> usize {
        TREES * self.depth
    }
}

/// Instances that make `n` outputs one after the other, each of which keeps its last [`TREES`] for the next to start from.
pub(super) fn shapes(n: usize, depths: RangeInclusive<usize>) -> Vec<Shape> {
    let greatest = Shape { depth: *depths.end() };
    let mut shapes = Vec::new();
    let mut due = n;
    while due > greatest.outputs() {
        shapes.push(greatest);
        due -= greatest.outputs() - TREES;
    }
    shapes.push(Shape::of(due, depths));
    shapes
}

/// Outputs of all instances, of which each but the last loses those it starts the next with.
pub(super) fn made(shapes: &[Shape]) -> usize {
    shapes.iter().map(|shape| shape.outputs() - TREES).sum::<usize>() + TREES
}

/// How `n` outputs are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// From transfers alone: `n` outputs.
    Direct(usize),
    /// From instances one after the other, each of which keeps its last [`TREES`] outputs for the next to start from.
    Silent(Vec<Shape>),
}

impl Plan {
    /// The cheapest way to `n` outputs.
    #[must_use]
    pub fn new(n: usize) -> Self {
        if n <= DIRECT { Self::Direct(n) } else { Self::Silent(shapes(n, DEPTHS)) }
    }

    /// Transfers that all of it starts from.
    #[must_use]
    pub fn transfers(&self) -> usize {
        match self {
            Self::Direct(n) => n * 128,
            Self::Silent(shapes) => {
                TREES * 128 + shapes.iter().map(|shape| shape.transfers()).sum::<usize>()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_noise_is_heavy_enough() {
        assert_eq!(noise_weight(SECURITY_BITS, DISTANCE, 0.5), TREES);
        // Smaller distances ask for more noise, whatever the rate.
        assert_eq!(noise_weight(128.0, 0.15, 0.5), 256);
        assert_eq!(noise_weight(128.0, 0.2, 0.2), 176);
    }

    #[test]
    fn a_plan_makes_enough_and_not_much_more() {
        for n in [1, 192, 193, 512, 513, 65_536, 65_537, 1_375_731, 21_000_000] {
            match Plan::new(n) {
                Plan::Direct(direct) => assert_eq!(direct, n),
                Plan::Silent(shapes) => {
                    let made: usize = shapes.iter().map(|shape| shape.outputs()).sum();
                    let usable = made - TREES * (shapes.len() - 1);
                    assert!(usable >= n, "{n}");
                    assert!(usable < 2 * n.max(512), "{n}: {usable}");
                }
            }
            let large = shapes(n, LARGE_DEPTHS);
            assert!((n..2 * n.max(512)).contains(&made(&large)), "{n}: {}", made(&large));
        }
    }
}
