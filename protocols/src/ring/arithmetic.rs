//! What integers modulo 2^k offer beyond a ring: bits that can be taken apart and put together.

use std::convert::identity;

use super::{
    element::Ring,
    z2k::{Z32, Z64, Z128},
};
use crate::kernels::Backend;

/// Integers modulo 2^[`BITS`](Self::BITS). All operations on vectors take time that depends on lengths and widths only.
pub trait Arithmetic: Ring {
    /// Bits of an element.
    const BITS: usize;

    /// Turns rows into bit planes: bit `i % 64` of word `i / 64` of plane `j` is bit `j` of `rows[i]`.
    ///
    /// # Shape
    /// `width` from 1 to [`BITS`](Self::BITS); `planes.len() == width · ⌈n / 64⌉`. Bits beyond row `n` are zero.
    fn to_planes(rows: &[Self::Word], width: usize, planes: &mut [u64]);
    /// The inverse of [`to_planes`](Self::to_planes); bits from `width` on are zero.
    fn from_planes(planes: &[u64], width: usize, rows: &mut [Self::Word]);
    /// `out[i]` = bit `i` of one plane, as 0 or 1.
    ///
    /// # Shape
    /// `plane.len() == ⌈out.len() / 64⌉`; bits beyond `out.len()` are ignored.
    fn expand(plane: &[u64], out: &mut [Self::Word]);

    /// A number modulo 2^[`BITS`](Self::BITS).
    fn from_u128(value: u128) -> Self::Word;
    /// The number from 0 to 2^[`BITS`](Self::BITS) − 1 that a word stands for.
    fn to_u128(word: Self::Word) -> u128;

    /// The low 64 bits.
    #[must_use]
    fn low_u64(word: Self::Word) -> u64 {
        low_half(Self::to_u128(word))
    }
    /// A signed number modulo 2^[`BITS`](Self::BITS).
    #[must_use]
    fn from_i128(value: i128) -> Self::Word {
        Self::from_u128(value.cast_unsigned())
    }
    /// The number from −2^(`BITS` − 1) to 2^(`BITS` − 1) − 1 that a word stands for.
    #[must_use]
    fn to_i128(word: Self::Word) -> i128 {
        let unused = 128 - Self::BITS;
        (Self::to_u128(word) << unused).cast_signed() >> unused
    }
    /// 2^`bit` in the ring: 0 from [`BITS`](Self::BITS) on.
    #[must_use]
    fn power_of_two(bit: usize) -> Self::Word {
        if bit < Self::BITS { Self::from_u128(1 << bit) } else { Self::ZERO }
    }
}

macro_rules! arithmetic {
    ($ring:ident, $word:ty, $to_planes:ident, $from_planes:ident, $expand:ident, $narrow:expr,
     $widen:expr) => {
        impl Arithmetic for $ring {
            const BITS: usize = 8 * size_of::<$word>();

            fn to_planes(rows: &[$word], width: usize, planes: &mut [u64]) {
                Backend::active().$to_planes(rows, width, planes);
            }
            fn from_planes(planes: &[u64], width: usize, rows: &mut [$word]) {
                Backend::active().$from_planes(planes, width, rows);
            }
            fn expand(plane: &[u64], out: &mut [$word]) {
                Backend::active().$expand(plane, out);
            }
            fn from_u128(value: u128) -> $word {
                $narrow(value)
            }
            fn to_u128(word: $word) -> u128 {
                $widen(word)
            }
        }
    };
}
arithmetic!(Z32, u32, to_planes_u32, from_planes_u32, expand_u32, low_quarter, u128::from);
arithmetic!(Z64, u64, to_planes, from_planes, expand_u64, low_half, u128::from);
arithmetic!(Z128, u128, to_planes_u128, from_planes_u128, expand_u128, identity, identity);

#[expect(clippy::cast_possible_truncation, reason = "the ring has no other bits")]
fn low_quarter(value: u128) -> u32 {
    value as u32
}

#[expect(clippy::cast_possible_truncation, reason = "the ring has no other bits")]
fn low_half(value: u128) -> u64 {
    value as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers<R: Arithmetic>() {
        let half = 1_i128 << (R::BITS - 2) << 1;
        let extremes = [0, 1, -1, 12345, -12345, half.wrapping_neg(), half.wrapping_sub(1)];
        for value in extremes {
            let word = R::from_i128(value);
            assert_eq!(R::to_i128(word), value, "{} {value}", R::NAME);
            assert_eq!(
                R::to_i128(R::neg(word)),
                if value == half.wrapping_neg() { value } else { -value }
            );
        }
        assert_eq!(R::to_i128(R::from_i128(half)), half.wrapping_neg(), "{} wraps", R::NAME);
        assert_eq!(R::power_of_two(R::BITS), R::ZERO);
        assert_eq!(R::to_u128(R::power_of_two(R::BITS - 1)), 1 << (R::BITS - 1));
        assert_eq!(R::low_u64(R::from_u128(77 | 1 << 127)), 77);
    }

    #[test]
    fn words_stand_for_signed_and_unsigned_numbers() {
        numbers::<Z32>();
        numbers::<Z64>();
        numbers::<Z128>();
    }
}
