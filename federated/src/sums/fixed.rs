//! Sums as integers.

/// Fractional bits at least; below, sums are too coarse to solve for.
const LEAST_BITS: i32 = 8;
/// Fractional bits at most, as many as a double has.
const MOST_BITS: i32 = 52;

/// How sums of at most `bound` in magnitude each, of so many providers, become integers that cannot overflow together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fixed {
    bound: f64,
    bits: i32,
}

/// Why a sum is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FixedError {
    /// Not enough bits for all.
    #[error(
        "sums of this bound, of so many providers, leave {0} fractional bits and {LEAST_BITS} are the least; scale features down"
    )]
    Bits(i32),
    /// A sum beyond the bound, or none at all.
    #[error("sum {at} is not finite or beyond the job's bound; scale features as the job says")]
    Bound {
        /// Which.
        at: usize,
    },
}

impl Fixed {
    /// For `providers` sums of at most `bound` each.
    ///
    /// # Errors
    /// [`FixedError::Bits`].
    pub fn new(bound: f64, providers: u32) -> Result<Self, FixedError> {
        #[expect(clippy::cast_possible_truncation, reason = "a logarithm of doubles")]
        let used = (bound.max(1e-9) * f64::from(providers.max(1))).log2().ceil() as i32;
        let bits = (62 - used).min(MOST_BITS);
        if bits < LEAST_BITS { Err(FixedError::Bits(bits)) } else { Ok(Self { bound, bits }) }
    }

    /// Fractional bits.
    #[must_use]
    pub const fn bits(&self) -> i32 {
        self.bits
    }

    /// Sums as integers modulo 2^64.
    ///
    /// # Errors
    /// [`FixedError::Bound`].
    pub fn encode(&self, sums: &[f64]) -> Result<Vec<u64>, FixedError> {
        let scale = f64::from(self.bits).exp2();
        let one = |(at, x): (usize, &f64)| {
            let fits = x.abs() <= self.bound;
            #[expect(clippy::cast_possible_truncation, reason = "below 2^62 by the choice of bits")]
            let fixed = || ((x * scale).round_ties_even() as i64).cast_unsigned();
            if fits { Ok(fixed()) } else { Err(FixedError::Bound { at }) }
        };
        sums.iter().enumerate().map(one).collect()
    }

    /// Totals as numbers.
    #[must_use]
    pub fn decode(&self, totals: &[u64]) -> Vec<f64> {
        let unit = f64::from(-self.bits).exp2();
        totals.iter().map(|word| word.cast_signed() as f64 * unit).collect()
    }
}
