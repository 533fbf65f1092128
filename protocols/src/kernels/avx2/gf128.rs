//! GF(2^128) and GF(2^80) on PCLMULQDQ, four products in flight.

use std::arch::x86_64::{
    __m128i, _mm_and_si128, _mm_bslli_si128, _mm_bsrli_si128, _mm_clmulepi64_si128, _mm_set_epi64x,
    _mm_setzero_si128, _mm_xor_si128,
};

use bytemuck::{cast_mut, cast_ref};

use super::registers::{load, store};
use crate::kernels::{
    field::{self, GF128},
    gf80::{MASK, TAIL},
};

/// Elements in flight: a product has three dependent multiplications.
const WIDE: usize = 4;

/// A product before its reduction: `low + x^64 · middle + x^128 · high`.
#[derive(Clone, Copy)]
struct Unreduced {
    low: __m128i,
    middle: __m128i,
    high: __m128i,
}

#[inline]
#[target_feature(enable = "avx2,pclmulqdq")]
fn multiply(x: __m128i, y: __m128i) -> Unreduced {
    let low = _mm_clmulepi64_si128::<0x00>(x, y);
    let high = _mm_clmulepi64_si128::<0x11>(x, y);
    let middle =
        _mm_xor_si128(_mm_clmulepi64_si128::<0x01>(x, y), _mm_clmulepi64_si128::<0x10>(x, y));
    Unreduced { low, middle, high }
}

/// Folds 64 bits at a time from the top: `x^128 = x^7 + x^2 + x + 1`.
#[inline]
#[target_feature(enable = "avx2,pclmulqdq")]
fn reduce(Unreduced { low, middle, high }: Unreduced) -> __m128i {
    let tail = _mm_set_epi64x(0, 0x87);
    let middle = _mm_xor_si128(middle, _mm_clmulepi64_si128::<0x01>(high, tail));
    let high = _mm_xor_si128(high, _mm_bsrli_si128::<8>(middle));
    let low = _mm_xor_si128(low, _mm_bslli_si128::<8>(middle));
    _mm_xor_si128(low, _mm_clmulepi64_si128::<0x00>(high, tail))
}

/// Folds what lies above 80 bits, twice: `x^80 = x^9 + x^4 + x^2 + 1`.
#[inline]
#[target_feature(enable = "avx2,pclmulqdq")]
fn reduce_80(Unreduced { low, middle, high }: Unreduced) -> __m128i {
    let tail = _mm_set_epi64x(0, TAIL);
    let low = _mm_xor_si128(low, _mm_bslli_si128::<8>(middle));
    let high = _mm_xor_si128(high, _mm_bsrli_si128::<8>(middle));
    // Of 159 bits, those from the eightieth on.
    let above = _mm_xor_si128(_mm_bsrli_si128::<10>(low), _mm_bslli_si128::<6>(high));
    let folded = _mm_xor_si128(
        _mm_clmulepi64_si128::<0x00>(above, tail),
        _mm_bslli_si128::<8>(_mm_clmulepi64_si128::<0x01>(above, tail)),
    );
    let rest = _mm_clmulepi64_si128::<0x00>(_mm_bsrli_si128::<10>(folded), tail);
    _mm_xor_si128(truncated(_mm_xor_si128(low, folded)), rest)
}

/// The lower 80 bits of a word.
#[inline]
#[target_feature(enable = "avx2")]
fn truncated(x: __m128i) -> __m128i {
    _mm_and_si128(x, load(cast_ref(&MASK)))
}

/// The product in the field of so many bits.
#[inline]
#[target_feature(enable = "avx2,pclmulqdq")]
fn product<const BITS: u32>(x: __m128i, y: __m128i) -> __m128i {
    if BITS == GF128 {
        reduce(multiply(x, y))
    } else {
        reduce_80(multiply(truncated(x), truncated(y)))
    }
}

/// Adds a product to each element of `acc`.
#[inline]
#[target_feature(enable = "avx2,pclmulqdq")]
fn add_products<const BITS: u32>(acc: &mut [u128; WIDE], x: &[u128; WIDE], y: [__m128i; WIDE]) {
    for ((acc, x), y) in acc.iter_mut().zip(x).zip(y) {
        let acc = cast_mut::<_, [u8; 16]>(acc);
        let product = product::<BITS>(load(cast_ref(x)), y);
        store(acc, _mm_xor_si128(load(acc), product));
    }
}

#[target_feature(enable = "avx2,pclmulqdq")]
pub(super) fn scale_add<const BITS: u32>(acc: &mut [u128], x: &[u128], c: u128) {
    debug_assert_eq!(acc.len(), x.len());
    let factor = [load(cast_ref(&c)); WIDE];
    let (chunks, rest) = acc.as_chunks_mut::<WIDE>();
    let (x_chunks, x_rest) = x.as_chunks::<WIDE>();
    for (acc, x) in chunks.iter_mut().zip(x_chunks) {
        add_products::<BITS>(acc, x, factor);
    }
    field::scale_add::<BITS>(rest, x_rest, c);
}

#[target_feature(enable = "avx2,pclmulqdq")]
pub(super) fn mul_add<const BITS: u32>(acc: &mut [u128], x: &[u128], y: &[u128]) {
    debug_assert!(acc.len() == x.len() && x.len() == y.len());
    let (chunks, rest) = acc.as_chunks_mut::<WIDE>();
    let (x_chunks, x_rest) = x.as_chunks::<WIDE>();
    let (y_chunks, y_rest) = y.as_chunks::<WIDE>();
    for ((acc, x), [y0, y1, y2, y3]) in chunks.iter_mut().zip(x_chunks).zip(y_chunks) {
        let y = [load(cast_ref(y0)), load(cast_ref(y1)), load(cast_ref(y2)), load(cast_ref(y3))];
        add_products::<BITS>(acc, x, y);
    }
    field::mul_add::<BITS>(rest, x_rest, y_rest);
}

/// The products are added up before the one reduction.
#[target_feature(enable = "avx2,pclmulqdq")]
pub(super) fn inner(sum: &mut u128, x: &[u128], y: &[u128]) {
    debug_assert_eq!(x.len(), y.len());
    let zero = _mm_setzero_si128();
    let mut total = Unreduced { low: zero, middle: zero, high: zero };
    for (x, y) in x.iter().zip(y) {
        let Unreduced { low, middle, high } = multiply(load(cast_ref(x)), load(cast_ref(y)));
        total.low = _mm_xor_si128(total.low, low);
        total.middle = _mm_xor_si128(total.middle, middle);
        total.high = _mm_xor_si128(total.high, high);
    }
    let mut product = 0_u128;
    store(cast_mut(&mut product), reduce(total));
    *sum ^= product;
}
