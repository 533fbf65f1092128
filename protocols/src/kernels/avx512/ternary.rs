//! Products with signs: four bits of signs pick one of sixteen sums of two coordinates, which two registers hold.

use std::arch::x86_64::{
    __m512i, _mm512_add_epi64, _mm512_mask_add_epi64, _mm512_mask_sub_epi64,
    _mm512_maskz_mov_epi64, _mm512_permutex2var_epi64, _mm512_set1_epi64, _mm512_setzero_si512,
    _mm512_srli_epi64,
};

use super::registers::{load_words, store_words};
use crate::kernels::ternary::{self, COORDINATES, block};

/// Registers of signs that are worked on together; as many sums of each of two vectors.
const WIDE: usize = 8;
/// Signs in so many registers.
const LANES: usize = 8 * WIDE;

/// Which of four lanes have +1, and −1, for the coordinate of the lower two bits; twice.
const PLUS: u8 = 0b0010_0010;
const MINUS: u8 = 0b0100_0100;
/// Lanes whose third bit is set: of the lower half +1 for the other coordinate; the others are −1 in the upper half.
const UPPER: u8 = 0b1111_0000;

/// See [`Backend::ternary_products`](crate::kernels::backend::Backend::ternary_products).
#[target_feature(enable = "avx512f")]
pub(super) fn products(signs: &[u64], x: [&[u64]; 2], sums: [&mut [u64]; 2]) {
    let [first, second] = sums;
    let each = first.len();
    ternary::check(signs, x, each, second.len());
    if each == 0 || !each.is_multiple_of(LANES) {
        return ternary::products(signs, x, [first, second]);
    }
    for (at, (first, second)) in
        first.chunks_exact_mut(LANES).zip(second.chunks_exact_mut(LANES)).enumerate()
    {
        let rows = signs.chunks_exact(each).map(|row| &row[at * LANES..(at + 1) * LANES]);
        some(rows, x, first, second);
    }
}

/// The sums of as many signs as registers hold.
#[inline]
#[target_feature(enable = "avx512f")]
fn some<'a>(
    signs: impl Iterator<Item = &'a [u64]>,
    x: [&[u64]; 2],
    first: &mut [u64],
    second: &mut [u64],
) {
    let (mut a, mut b) = ([_mm512_setzero_si512(); WIDE], [_mm512_setzero_si512(); WIDE]);
    for (a, first) in a.iter_mut().zip(first.as_chunks().0) {
        *a = load_words(first);
    }
    for (b, second) in b.iter_mut().zip(second.as_chunks().0) {
        *b = load_words(second);
    }
    for (at, signs) in signs.enumerate() {
        let from = at * COORDINATES;
        let mut bits = [_mm512_setzero_si512(); WIDE];
        for (bits, signs) in bits.iter_mut().zip(signs.as_chunks().0) {
            *bits = load_words(signs);
        }
        let whole = [0, 1].map(|i| x[i].get(from..).and_then(|x| x.first_chunk::<COORDINATES>()));
        if let [Some(x), Some(y)] = whole {
            step(&mut a, &mut b, bits, [x, y]);
        } else {
            let [x, y] = block(x, from);
            step(&mut a, &mut b, bits, [&x, &y]);
        }
    }
    for (a, first) in a.iter().zip(first.as_chunks_mut().0) {
        store_words(first, *a);
    }
    for (b, second) in b.iter().zip(second.as_chunks_mut().0) {
        store_words(second, *b);
    }
}

/// All coordinates of a word of signs.
#[inline]
#[target_feature(enable = "avx512f")]
fn step(
    a: &mut [__m512i; WIDE],
    b: &mut [__m512i; WIDE],
    mut bits: [__m512i; WIDE],
    [x, y]: [&[u64; COORDINATES]; 2],
) {
    for (x, y) in x.as_chunks::<2>().0.iter().zip(y.as_chunks::<2>().0) {
        let ([x_low, x_high], [y_low, y_high]) = (table(x), table(y));
        for ((a, b), bits) in a.iter_mut().zip(&mut *b).zip(&mut bits) {
            *a = _mm512_add_epi64(*a, _mm512_permutex2var_epi64(x_low, *bits, x_high));
            *b = _mm512_add_epi64(*b, _mm512_permutex2var_epi64(y_low, *bits, y_high));
            *bits = _mm512_srli_epi64::<4>(*bits);
        }
    }
}

/// What each four bits of signs make of two coordinates.
#[inline]
#[target_feature(enable = "avx512f")]
fn table(x: &[u64; 2]) -> [__m512i; 2] {
    let [x, other] = x.map(|x| _mm512_set1_epi64(x.cast_signed()));
    let first = _mm512_maskz_mov_epi64(PLUS, x);
    let first = _mm512_mask_sub_epi64(first, MINUS, first, x);
    [
        _mm512_mask_add_epi64(first, UPPER, first, other),
        _mm512_mask_sub_epi64(first, !UPPER, first, other),
    ]
}
