//! What is public of a fixed-point vector: fraction bits and the ends of its range.

/// Words within this many bits (and a sign) are free of overflow in every protocol here.
const SPAN: f64 = 4_611_686_018_427_387_904.0;
/// More fraction bits than this leave no room for anything else.
const MOST_FRACTION_BITS: u32 = 61;

/// Fraction bits and range of a fixed-point vector: the integers `x · 2^frac` are shared, and every `x` lies between two
/// public ends. A plan made from it is void beyond; [`check_ranges`](super::check_ranges) holds shared values to it.
///
/// Invariant: −2^62 ≤ `low` ≤ `high` < 2^62, in units of 2^−frac.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fixed {
    frac: u32,
    low: i64,
    high: i64,
}

/// How far a result may be off: `|got − want| ≤ absolute + relative · |want|`, where `want` is the function of the very number
/// that was shared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance {
    /// In units of the result.
    pub absolute: f64,
    /// As a part of the result.
    pub relative: f64,
}

impl Tolerance {
    /// Whether a result is near enough.
    #[must_use]
    pub fn allows(&self, got: f64, want: f64) -> bool {
        (got - want).abs() <= self.absolute + self.relative * want.abs()
    }
}

/// Ranges that a function cannot be computed on: found before anything is sent.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FixedError {
    /// Ends that are not numbers, the wrong way round, or beyond 62 bits.
    #[error(
        "{low} to {high} with {frac} fraction bits is no range of 62 bits; take fewer fraction bits or a narrower range"
    )]
    Range {
        /// The lower end.
        low: f64,
        /// The upper end.
        high: f64,
        /// Fraction bits.
        frac: u32,
    },
    /// A value to encode lies outside its range.
    #[error("value {at} lies outside the declared range; widen the range or clip the data")]
    Outside {
        /// Its place in the vector.
        at: usize,
    },
    /// An intermediate value would not fit its ring.
    #[error(
        "{what} needs {bits} bits where there are {limit}; declare a narrower range or fewer fraction bits"
    )]
    TooWide {
        /// Which function.
        what: &'static str,
        /// Bits that the declared ranges need.
        bits: u32,
        /// Bits that there are.
        limit: u32,
    },
    /// More fraction bits asked for than there are.
    #[error("{what} cannot turn {from} fraction bits into {to}")]
    Fraction {
        /// Which function.
        what: &'static str,
        /// Fraction bits there are.
        from: u32,
        /// Fraction bits wanted.
        to: u32,
    },
    /// Local truncation of so many so wide values would go wrong too often.
    #[error(
        "local truncation of {count} values of {bits} bits fails more often than once in 2^40 runs; take the exact one"
    )]
    Unsafe {
        /// Bits of the values.
        bits: u32,
        /// How many values.
        count: usize,
    },
    /// The approximation does not serve the whole range.
    #[error(
        "{what} serves values from -{limit} to {limit}; declare a narrower range, clip, or take segments"
    )]
    Reach {
        /// Which function.
        what: &'static str,
        /// How far it reaches.
        limit: f64,
    },
    /// The function is not defined on the whole range.
    #[error("{what} is not defined from {low} on; declare a positive lower end")]
    Domain {
        /// Which function.
        what: &'static str,
        /// The lower end of the range.
        low: f64,
    },
}

impl Fixed {
    /// Values from `low` to `high` with `frac` fraction bits.
    ///
    /// # Errors
    /// [`FixedError::Range`].
    pub fn new(frac: u32, low: f64, high: f64) -> Result<Self, FixedError> {
        let unfit = FixedError::Range { low, high, frac };
        if frac > MOST_FRACTION_BITS {
            return Err(unfit);
        }
        let (low, high) = ((low * unit(frac)).floor(), (high * unit(frac)).ceil());
        if !(-SPAN <= low && low <= high && high < SPAN) {
            return Err(unfit);
        }
        Ok(Self { frac, low: whole(low), high: whole(high) })
    }

    /// The same from the words themselves.
    ///
    /// # Errors
    /// [`FixedError::Range`].
    pub fn of_words(frac: u32, low: i64, high: i64) -> Result<Self, FixedError> {
        let span = 1_i64 << 62;
        if frac > MOST_FRACTION_BITS || low < -span || low > high || high >= span {
            return Err(FixedError::Range { low: real(low, frac), high: real(high, frac), frac });
        }
        Ok(Self { frac, low, high })
    }

    /// Fraction bits.
    #[must_use]
    pub fn frac(&self) -> u32 {
        self.frac
    }

    /// The lower end.
    #[must_use]
    pub fn low(&self) -> f64 {
        real(self.low, self.frac)
    }

    /// The upper end.
    #[must_use]
    pub fn high(&self) -> f64 {
        real(self.high, self.frac)
    }

    /// The ends in units of 2^−frac.
    pub(super) fn words(&self) -> (i64, i64) {
        (self.low, self.high)
    }

    /// Bits of the largest word, without its sign.
    #[must_use]
    pub fn bits(&self) -> u32 {
        bits_of(self.low, self.high)
    }

    /// The words of values, each rounded to the nearest.
    ///
    /// # Errors
    /// [`FixedError::Outside`] names the first value beyond the range.
    pub fn encode(&self, values: &[f64]) -> Result<Vec<u64>, FixedError> {
        let word = |(at, value): (usize, &f64)| {
            let scaled = (value * unit(self.frac)).round();
            let inside = scaled.abs() < SPAN && (self.low..=self.high).contains(&whole(scaled));
            if inside { Ok(whole(scaled).cast_unsigned()) } else { Err(FixedError::Outside { at }) }
        };
        values.iter().enumerate().map(word).collect()
    }

    /// The values of words.
    #[must_use]
    pub fn decode(&self, words: &[u64]) -> Vec<f64> {
        words.iter().map(|word| real(word.cast_signed(), self.frac)).collect()
    }

    /// The range of the sum of two vectors of equal fraction bits.
    ///
    /// # Errors
    /// [`FixedError::Fraction`] if they differ, [`FixedError::Range`] if the sum does not fit.
    pub fn sum(&self, other: &Self) -> Result<Self, FixedError> {
        if self.frac != other.frac {
            let (from, to) = (other.frac, self.frac);
            return Err(FixedError::Fraction { what: "a sum", from, to });
        }
        Self::of_words(self.frac, self.low + other.low, self.high + other.high)
    }
}

/// Bits of the largest magnitude between two ends.
pub(super) fn bits_of(low: i64, high: i64) -> u32 {
    let largest = low.unsigned_abs().max(high.unsigned_abs());
    u64::BITS - largest.leading_zeros()
}

/// 2^frac, below 2^1024, the same on every machine.
pub(super) fn unit(frac: u32) -> f64 {
    f64::from_bits((1023 + u64::from(frac)) << 52)
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people, and for f64 in tests")]
pub(super) fn real(word: i64, frac: u32) -> f64 {
    word as f64 / unit(frac)
}

/// A whole number below 2^62 as an integer.
#[expect(clippy::cast_possible_truncation, reason = "the caller has checked the range")]
pub(super) fn whole(value: f64) -> i64 {
    value as i64
}
