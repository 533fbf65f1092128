//! Points times scalars, a scalar of its own for each lane: signed digits of four bits, tables of eight multiples.

use std::arch::x86_64::{__mmask8, _mm512_cmpeq_epi64_mask};

use zeroize::Zeroize;

use super::{
    edwards::{Addend, Point},
    field::all,
    lanes::{WIDTH, load_words},
};

/// Digits of a scalar.
const DIGITS: usize = 64;

/// Eight points' multiples by 1 to 8, and eight scalars' digits.
pub(super) struct Terms {
    multiples: [Addend; 8],
    digits: [[i8; WIDTH]; DIGITS],
}

impl Terms {
    /// Up to eight scalars below 2^255; lanes without one have 0.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub(super) fn new(point: &Point, scalars: &[[u8; 32]]) -> Self {
        let first = point.to_addend();
        let (mut multiples, mut last) = ([first; 8], *point);
        for multiple in &mut multiples[1..] {
            last = last.plus(&first);
            *multiple = last.to_addend();
        }
        let mut digits = [[0; WIDTH]; DIGITS];
        for (lane, scalar) in scalars.iter().enumerate().take(WIDTH) {
            signed_digits(scalar, |place, digit| digits[place][lane] = digit);
        }
        Self { multiples, digits }
    }

    /// The multiples that the digits of a place ask for. Every multiple is looked at, whatever the digits.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn chosen(&self, place: usize) -> Addend {
        let digits = &self.digits[place];
        let absolute = load_words(&digits.map(|digit| u64::from(digit.unsigned_abs())));
        let lanes = digits.iter().enumerate();
        let negative: __mmask8 =
            lanes.fold(0, |mask, (lane, digit)| mask | (digit.cast_unsigned() >> 7) << lane);
        let mut chosen = Addend::neutral();
        for (digit, multiple) in (1..).zip(&self.multiples) {
            chosen = chosen.or_where(multiple, _mm512_cmpeq_epi64_mask(absolute, all(digit)));
        }
        chosen.negative_where(negative)
    }
}

impl Drop for Terms {
    fn drop(&mut self) {
        self.digits.zeroize();
    }
}

/// In each lane the sum of that lane's points times their scalars: the doublings are shared.
///
/// E. G. Straus, "Addition chains of vectors", American Mathematical Monthly 71, 1964.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(super) fn sums(terms: &[Terms]) -> Point {
    let mut sum = Point::neutral();
    for place in (0..DIGITS).rev() {
        sum = sum.doubled_times(4);
        for terms in terms {
            sum = sum.plus(&terms.chosen(place));
        }
    }
    sum
}

/// Digits from −8 to 7, the last up to 8.
fn signed_digits(scalar: &[u8; 32], mut put: impl FnMut(usize, i8)) {
    let mut carry = 0;
    for place in 0..DIGITS {
        let nibble = (scalar[place / 2] >> (4 * (place % 2)) & 15).cast_signed() + carry;
        carry = if place + 1 < DIGITS { (nibble + 8) >> 4 } else { 0 };
        put(place, nibble - (carry << 4));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_add_up() {
        for byte in [0, 1, 7, 8, 0x7f, 0x88] {
            let scalar = [byte; 32].map(|b: u8| b);
            let mut scalar = scalar;
            scalar[31] &= 0x7f;
            let mut low = 0_i128;
            signed_digits(&scalar, |place, digit| {
                assert!((-8..=8).contains(&digit));
                if place < 16 {
                    low += i128::from(digit) << (4 * place);
                }
            });
            let want = u64::from_le_bytes([byte; 8]);
            assert_eq!(low.rem_euclid(1 << 64), i128::from(want));
        }
    }
}
