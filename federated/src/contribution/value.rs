//! Products of shares with a public direction.

use crate::{
    average::{Encoding, Share, TRAILER_WORDS},
    stream::{Stream, product},
};

/// Fractional bits of a direction at most and at least.
const BITS: std::ops::RangeInclusive<i32> = 8..=40;

/// A direction as integers, such that no product with an update within bounds wraps around.
#[derive(Clone, Debug, PartialEq)]
pub struct Values {
    words: Vec<u64>,
    /// Fractional bits of a product: of the direction and of the update.
    bits: i32,
}

/// Why there are no values.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ValuesError {
    /// A direction that is none.
    #[error("the validation loss has no finite slope; the model has diverged")]
    NotFinite,
    /// No precision is left.
    #[error(
        "products of this direction with updates of norm {clip} leave {bits} fractional bits; lower the bound on the norm of updates"
    )]
    Bits {
        /// The bound on updates' norms.
        clip: f64,
        /// What is left.
        bits: i32,
    },
}

impl Values {
    /// A direction for updates whose norm is at most `clip`, of providers of at most `weight` each: by Cauchy and Schwarz no
    /// product exceeds `weight · clip · ‖v‖`. What rounds is 2^-(b+1) of the update's sum of magnitudes, for b bits that are left
    /// of 61 by the update's and by that bound: [`Encoding::at_most`] leaves more.
    ///
    /// # Errors
    /// [`ValuesError`].
    pub fn new(
        direction: &[f32],
        encoding: &Encoding,
        clip: f64,
        weight: u64,
    ) -> Result<Self, ValuesError> {
        let norm = direction.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>().sqrt();
        if !norm.is_finite() || !clip.is_finite() {
            return Err(ValuesError::NotFinite);
        }
        let update_bits = i32::try_from(encoding.bits()).unwrap_or(i32::MAX);
        #[expect(clippy::cast_possible_truncation, reason = "a logarithm of doubles")]
        let used = (weight as f64 * clip * norm.max(1e-30)).log2().ceil() as i32;
        // One bit for the sign, one for what rounding adds.
        let bits = (61 - update_bits - used).min(*BITS.end());
        if bits < *BITS.start() {
            return Err(ValuesError::Bits { clip, bits });
        }
        let scale = f64::from(bits).exp2();
        #[expect(clippy::cast_possible_truncation, reason = "below 2^62 by the choice of bits")]
        let fixed = |x: &f32| ((f64::from(*x) * scale).round_ties_even() as i64).cast_unsigned();
        let words = direction.iter().map(fixed).collect();
        Ok(Self { words, bits: bits + update_bits })
    }

    /// One party's summand of the product of a provider's weighted update with the direction.
    ///
    /// # Panics
    /// If the share is of another model.
    #[must_use]
    pub fn of_share(&self, share: &Share) -> u64 {
        match share {
            Share::Words(words) => {
                assert_eq!(words.len(), self.words.len() + TRAILER_WORDS, "words of a share");
                product(&self.words, words)
            }
            Share::Plus(seed) => Stream::new(seed).product(&self.words),
            Share::Minus(seed) => Stream::new(seed).product(&self.words).wrapping_neg(),
        }
    }

    /// The value that three summands say, of a provider's part of all weights.
    #[must_use]
    pub fn open(&self, summands: [u64; 3], total_weight: u64) -> f64 {
        let sum = summands.into_iter().fold(0, u64::wrapping_add).cast_signed();
        sum as f64 * f64::from(-self.bits).exp2() / total_weight as f64
    }
}
