//! Which ring is wide enough for values of a public range.

use super::{
    arithmetic::Arithmetic,
    z2k::{Z32, Z64, Z128},
};

/// The arithmetic rings by size, smallest first: half the bits are half the bytes of every product, opening and shuffle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Modulus {
    /// 2^32, [`Z32`].
    Z32,
    /// 2^64, [`Z64`].
    Z64,
    /// 2^128, [`Z128`].
    Z128,
}

impl Modulus {
    /// All of them, smallest first.
    pub const ALL: [Self; 3] = [Self::Z32, Self::Z64, Self::Z128];

    /// Bits of an element.
    #[must_use]
    pub fn bits(self) -> usize {
        match self {
            Self::Z32 => Z32::BITS,
            Self::Z64 => Z64::BITS,
            Self::Z128 => Z128::BITS,
        }
    }

    /// The smallest ring in which no two numbers from `low` to `high` are the same element, read as two's complement. The
    /// range is public: that of a column's type and of what is computed from it, never of the values at hand.
    ///
    /// ```
    /// # use protocols::ring::Modulus;
    /// assert_eq!(Modulus::holding(-5, 1 << 31), Modulus::Z64);
    /// assert_eq!(Modulus::holding(-(1 << 31), (1 << 31) - 1), Modulus::Z32);
    /// ```
    #[must_use]
    pub fn holding(low: i128, high: i128) -> Self {
        let bits = signed_bits(low).max(signed_bits(high));
        Self::ALL.into_iter().find(|modulus| bits <= modulus.bits()).unwrap_or(Self::Z128)
    }

    /// The smallest ring in which any two numbers from `low` to `high` can be compared, and the width to declare to
    /// `mpc::lt`: differences need a bit more than values. `None` if 128 bits do not suffice.
    ///
    /// ```
    /// # use protocols::ring::Modulus;
    /// assert_eq!(Modulus::comparing(0, 99), Some((Modulus::Z32, 7)));
    /// assert_eq!(Modulus::comparing(i64::MIN.into(), i64::MAX.into()), Some((Modulus::Z128, 64)));
    /// ```
    #[must_use]
    pub fn comparing(low: i128, high: i128) -> Option<(Self, usize)> {
        let most = high.max(low).checked_sub(low.min(high))?;
        // −2^width ≤ a − b < 2^width.
        let width = (signed_bits(most) - 1).max(1);
        let ring = Self::ALL.into_iter().find(|modulus| width < modulus.bits())?;
        Some((ring.max(Self::holding(low, high)), width))
    }
}

/// Bits of a number in two's complement, its sign included.
fn signed_bits(x: i128) -> usize {
    let magnitude = if x < 0 { !x } else { x };
    129 - magnitude.leading_zeros() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_held_by_the_smallest_ring_that_has_room() {
        for (modulus, bits) in [(Modulus::Z32, 32), (Modulus::Z64, 64), (Modulus::Z128, 128)] {
            let high = i128::MAX >> (128 - bits);
            assert_eq!(Modulus::holding(!high, high), modulus);
            assert_eq!(Modulus::holding(0, high), modulus);
            assert_eq!(Modulus::holding(!high, 0), modulus);
            assert!(bits == 128 || Modulus::holding(0, high + 1) > modulus);
            assert!(bits == 128 || Modulus::holding(!high - 1, 0) > modulus);
        }
        assert_eq!(Modulus::holding(0, 0), Modulus::Z32);
    }

    #[test]
    fn a_comparison_has_room_for_every_difference() {
        assert_eq!(Modulus::comparing(5, 5), Some((Modulus::Z32, 1)));
        assert_eq!(Modulus::comparing(0, 1), Some((Modulus::Z32, 1)));
        assert_eq!(Modulus::comparing(0, 2), Some((Modulus::Z32, 2)));
        assert_eq!(Modulus::comparing(-(1 << 30), (1 << 30) - 1), Some((Modulus::Z32, 31)));
        assert_eq!(Modulus::comparing(-(1 << 30), 1 << 30), Some((Modulus::Z64, 32)));
        assert_eq!(Modulus::comparing(0, i64::MAX.into()), Some((Modulus::Z64, 63)));
        // The values need the larger ring even where their differences do not.
        assert_eq!(Modulus::comparing(1 << 40, (1 << 40) + 3), Some((Modulus::Z64, 2)));
        assert_eq!(Modulus::comparing(0, i128::MAX), Some((Modulus::Z128, 127)));
        assert_eq!(Modulus::comparing(i128::MIN, i128::MAX), None);
    }
}
