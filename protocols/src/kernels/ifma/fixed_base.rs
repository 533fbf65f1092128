//! Multiples of one point by many scalars: no doubling, for the multiples of every place of the scalar are laid out before.

use std::arch::x86_64::{
    __m512i, _mm_cvtsi128_si64, _mm_loadl_epi64, _mm512_abs_epi64, _mm512_castsi512_si128,
    _mm512_cvtepi8_epi64, _mm512_movepi64_mask, _mm512_permutex2var_epi64, _mm512_sub_epi64,
    _mm512_testn_epi64_mask,
};

use zeroize::Zeroize;

use super::{
    edwards::{Affine, Point},
    field::{Lanes, all},
    lanes::{WIDTH, load_words},
    ristretto::{Found, decode},
};

/// Bits of a digit.
const BITS: usize = 5;
/// Digits of a scalar below 2^254.
const DIGITS: usize = 51;
/// Multiples of a place: by 1 to 16.
const MULTIPLES: usize = 1 << (BITS - 1);
/// Limbs of a point as it is added.
const LIMBS: usize = 15;

/// For each place and each limb the limbs of the sixteen multiples: two registers.
pub(in crate::kernels) struct Table(Vec<[[[u64; WIDTH]; 2]; LIMBS]>);

impl Table {
    /// Of a point that is the encoding of one.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub(super) fn new(encoding: &[u8; 32]) -> Self {
        let [Found { point: mut first, .. }] = decode([&[*encoding; WIDTH]]);
        let mut points = Vec::with_capacity(DIGITS * MULTIPLES);
        for _ in 0..DIGITS {
            let (addend, mut last) = (first.to_addend(), first);
            points.push(last);
            for _ in 1..MULTIPLES {
                last = last.plus(&addend);
                points.push(last);
            }
            first = last.doubled();
        }
        let mut table = vec![[[[0; WIDTH]; 2]; LIMBS]; DIGITS];
        for (i, affine) in affine(&points).iter().enumerate() {
            let (place, multiple) = (i / MULTIPLES, i % MULTIPLES);
            let limbs = affine.0.iter().flat_map(|coordinate| coordinate.0);
            for (limb, entry) in limbs.zip(&mut table[place]) {
                let word = _mm_cvtsi128_si64(_mm512_castsi512_si128(limb)).cast_unsigned();
                entry[multiple / WIDTH][multiple % WIDTH] = word;
            }
        }
        Self(table)
    }

    /// The sum of each point and the multiple by the scalar of its lane, below 2^254, of two groups of lanes; lanes without a
    /// scalar add nothing.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub(super) fn add(&self, points: [Point; 2], scalars: [&[[u8; 32]]; 2]) -> [Point; 2] {
        let mut digits = [[[0; WIDTH]; 2]; DIGITS];
        for (group, scalars) in scalars.iter().enumerate() {
            for (lane, scalar) in scalars.iter().enumerate().take(WIDTH) {
                signed_digits(scalar, |place, digit| digits[place][group][lane] = digit);
            }
        }
        let mut sums = points;
        for (entries, digits) in self.0.iter().zip(&digits) {
            for (sum, digits) in sums.iter_mut().zip(digits) {
                *sum = sum.plus_affine(&chosen(entries, digits));
            }
        }
        digits.zeroize();
        sums
    }
}

/// The multiples that the digits of a place ask for: by a permutation of registers, the same loads whatever the digits.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn chosen(entries: &[[[u64; WIDTH]; 2]; LIMBS], digits: &[i8; WIDTH]) -> Affine {
    // SAFETY: eight readable bytes; the load needs no alignment.
    let digits = _mm512_cvtepi8_epi64(unsafe { _mm_loadl_epi64(digits.as_ptr().cast()) });
    let index = _mm512_sub_epi64(_mm512_abs_epi64(digits), all(1));
    let mut limbs: [__m512i; LIMBS] = [index; LIMBS];
    for (limb, [low, high]) in limbs.iter_mut().zip(entries) {
        *limb = _mm512_permutex2var_epi64(load_words(low), index, load_words(high));
    }
    let [a, b, c, ..] = *limbs.as_chunks::<5>().0 else { return Affine::neutral() };
    let chosen = Affine([Lanes(a), Lanes(b), Lanes(c)]);
    let chosen = chosen.or_where(&Affine::neutral(), _mm512_testn_epi64_mask(digits, digits));
    chosen.negative_where(_mm512_movepi64_mask(digits))
}

/// All points with one inversion.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn affine(points: &[Point]) -> Vec<Affine> {
    let mut product = Lanes::small(1);
    let mut before = Vec::with_capacity(points.len());
    for point in points {
        before.push(product);
        product = product.product(&point.z);
    }
    let mut inverse = product.inverse();
    let mut out = Vec::with_capacity(points.len());
    for (point, before) in points.iter().zip(&before).rev() {
        out.push(point.to_affine(&inverse.product(before)));
        inverse = inverse.product(&point.z);
    }
    out.reverse();
    out
}

/// Digits from −16 to 15, the last up to 16.
fn signed_digits(scalar: &[u8; 32], mut put: impl FnMut(usize, i8)) {
    let mut carry = 0;
    for place in 0..DIGITS {
        let (byte, bit) = (BITS * place / 8, BITS * place % 8);
        let above = scalar.get(byte + 1).copied().unwrap_or(0);
        let bits = u16::from_le_bytes([scalar[byte], above]) >> bit & 31;
        let digit = bits.to_le_bytes()[0].cast_signed() + carry;
        carry = if place + 1 < DIGITS { (digit + 16) >> 5 } else { 0 };
        put(place, digit - (carry << 5));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_add_up() {
        for byte in [0, 1, 7, 0x0f, 0x10, 0x84, 0xff_u8] {
            let mut scalar = [byte; 32];
            scalar[31] &= 0x3f;
            let mut low = 0_i128;
            signed_digits(&scalar, |place, digit| {
                assert!((-16..=16).contains(&digit));
                if place < 13 {
                    low += i128::from(digit) << (BITS * place);
                }
            });
            let want = i128::from(u64::from_le_bytes([byte; 8]));
            assert_eq!((low - want).rem_euclid(1 << 64), 0);
        }
    }
}
