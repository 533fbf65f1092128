//! Updates in 32 bits: half of the bytes, for large models.
//!
//! A weight becomes a number of 12 bits, `w_k = round(n_k · 4095 / n)` and 1 at least, where n is the most rows that any provider may
//! have, which all know; a coordinate becomes one of the two integers beside `d · 2^f`, drawn so that its mean is `d · 2^f`. The trailer
//! stays in 64 bits and brings both sums, of rows and of weights: the average is divided by that of the weights.
//!
//! ```text
//! average = Σ w_k·q_k / (2^f · Σ w_k)        providers · 4095 · ⌈largest · 2^f⌉ < 2^31
//! ```
//!
//! # Error
//! Against the average of the real numbers by rows, with K providers and W = Σ w_k: by rounding less than 2^-f, and nothing in the
//! mean; by weights at most `largest · K / W`, since no weight is off by more than ½, or twice that where providers with less than
//! half of what 1 stands for are counted as 1. (With w_k = s·n_k + e_k, the part of k is off by (e_k − E·n_k/N) / W: these add
//! up to zero, and their magnitudes to 2·Σ|e_k| / W at most.)
//!
//! # Source
//! Rounding without bias: Gupta, Agrawal, Gopalakrishnan and Narayanan, *Deep Learning with Limited Numerical Precision*, ICML 2015.

use super::encoding::{BoundsError, EncodeError};

/// The largest weight.
pub const LARGEST_WEIGHT: u64 = (1 << 12) - 1;
/// Fractional bits at most.
const MOST_BITS: u32 = 40;
/// Fractional bits at least: below, an average is no good.
pub(super) const LEAST_BITS: u32 = 8;
/// Most providers: their weights add up to less than 2^22.
const MOST_PROVIDERS: u64 = 1 << 10;
/// In the trailer's first word rows come first, in so many bits; weights are above them.
const ROW_BITS: u32 = 42;

/// What all know of weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Weights {
    /// The most rows of one provider.
    rows: u64,
    providers: u64,
}

impl Weights {
    pub(super) fn new(rows: u64, providers: usize) -> Result<Self, BoundsError> {
        let many = providers as u64;
        if !(1..=MOST_PROVIDERS).contains(&many) {
            return Err(BoundsError::Providers(providers));
        }
        if !(1..=1 << 40).contains(&rows) {
            return Err(BoundsError::Weight(rows));
        }
        Ok(Self { rows, providers: many })
    }

    /// The most fractional bits with which no sum overflows, whoever is in it.
    pub(super) fn bits(self, coordinate: f32) -> Result<u32, BoundsError> {
        let most = (self.providers * LARGEST_WEIGHT) as f64;
        let fits = |bits: u32| {
            let largest = (f64::from(coordinate) * f64::from(bits).exp2()).ceil();
            most * largest < 2.0_f64.powi(31)
        };
        (LEAST_BITS..=MOST_BITS).rev().find(|bits| fits(*bits)).ok_or(BoundsError::Narrow {
            providers: self.providers,
            coordinate,
            least: LEAST_BITS,
        })
    }

    /// What so many rows weigh.
    pub(super) fn of(self, rows: u64) -> Result<u32, EncodeError> {
        if rows == 0 || rows > self.rows {
            return Err(EncodeError::Weight);
        }
        let weight = (rows * LARGEST_WEIGHT + self.rows / 2) / self.rows;
        u32::try_from(weight.max(1)).map_err(|_| EncodeError::Weight)
    }

    /// Rows of which two providers can differ and weigh the same.
    pub(super) const fn step(self) -> u64 {
        self.rows.div_ceil(LARGEST_WEIGHT)
    }

    /// What all weigh together at most.
    pub(super) const fn most(self) -> u64 {
        self.providers * LARGEST_WEIGHT
    }
}

/// Rows, and what they weigh, in one word: as neither sum is too large for its bits, words add up to both.
pub(super) const fn joined(rows: u64, weight: u32) -> u64 {
    rows | (weight as u64) << ROW_BITS
}

/// The inverse of [`joined`], of a sum.
pub(super) const fn parted(word: u64) -> (u64, u64) {
    (word & ((1 << ROW_BITS) - 1), word >> ROW_BITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_have_twelve_bits_and_nobody_weighs_nothing() {
        let weights = Weights::new(10_000, 3).unwrap();
        let of = |rows| weights.of(rows).unwrap();
        assert_eq!([of(1), of(2), of(10_000), of(5000)], [1, 1, 4095, 2048]);
        assert!([0, 10_001].map(|rows| weights.of(rows)).iter().all(Result::is_err));
        assert_eq!((weights.step(), weights.most()), (3, 3 * 4095));
        let few = Weights::new(7, 3).unwrap();
        assert_eq!((few.of(7), few.step()), (Ok(4095), 1));
    }

    #[test]
    fn sums_that_would_overflow_are_refused_beforehand() {
        for (rows, providers) in [(0, 3), ((1 << 40) + 1, 3), (100, 0), (100, 1025)] {
            assert!(Weights::new(rows, providers).is_err(), "{rows} {providers}");
        }
        let bits = |providers, coordinate| Weights::new(1, providers).unwrap().bits(coordinate);
        assert_eq!([bits(2, 8.0), bits(3, 8.0), bits(3, 1.0)], [Ok(15), Ok(14), Ok(17)]);
        assert_eq!(bits(256, 8.0), Ok(8));
        assert!(matches!(bits(257, 8.0), Err(BoundsError::Narrow { providers: 257, .. })));
        assert!(matches!(bits(3, 1000.0), Err(BoundsError::Narrow { .. })));
        for (providers, coordinate) in [(2_u32, 8.0_f32), (3, 0.3), (256, 8.0), (100, 1e-6)] {
            let bits = bits(providers as usize, coordinate).unwrap();
            let largest = (f64::from(coordinate) * f64::from(bits).exp2()).ceil();
            assert!(f64::from(providers) * 4095.0 * largest < 2.0_f64.powi(31));
        }
    }

    #[test]
    fn rows_and_weights_add_up_in_one_word() {
        let most = 1_u64 << 40;
        let sum = joined(most - 5, 4095) + joined(5, 4095 * 1023);
        assert_eq!(parted(sum), (most, 4095 * 1024));
    }
}
