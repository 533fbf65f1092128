//! GF(2^128) and GF(2^80) on VPCLMULQDQ: four products a register.

use std::arch::x86_64::{
    __m512i, _mm512_and_si512, _mm512_bslli_epi128, _mm512_bsrli_epi128, _mm512_clmulepi64_epi128,
    _mm512_set_epi64, _mm512_setzero_si512, _mm512_xor_si512,
};

use bytemuck::{cast_mut, cast_ref};

use super::registers::{load, store};
use crate::kernels::{
    field::{self, GF128},
    gf80::{MASK, TAIL},
    gf128,
};

/// Registers of elements in flight: a product has three dependent multiplications.
const WIDE: usize = 4;
type Wide = [[u128; 4]; WIDE];

/// A product before its reduction: `low + x^64 · middle + x^128 · high`.
#[derive(Clone, Copy)]
struct Unreduced {
    low: __m512i,
    middle: __m512i,
    high: __m512i,
}

#[inline]
#[target_feature(enable = "avx512f,vpclmulqdq")]
fn multiply(x: __m512i, y: __m512i) -> Unreduced {
    let low = _mm512_clmulepi64_epi128::<0x00>(x, y);
    let high = _mm512_clmulepi64_epi128::<0x11>(x, y);
    let middle = _mm512_xor_si512(
        _mm512_clmulepi64_epi128::<0x01>(x, y),
        _mm512_clmulepi64_epi128::<0x10>(x, y),
    );
    Unreduced { low, middle, high }
}

/// Folds 64 bits at a time from the top: `x^128 = x^7 + x^2 + x + 1`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,vpclmulqdq")]
fn reduce(Unreduced { low, middle, high }: Unreduced) -> __m512i {
    let tail = _mm512_set_epi64(0, 0x87, 0, 0x87, 0, 0x87, 0, 0x87);
    let top = _mm512_clmulepi64_epi128::<0x01>(high, tail);
    let middle = _mm512_xor_si512(middle, top);
    let high = _mm512_xor_si512(high, _mm512_bsrli_epi128::<8>(middle));
    let low = _mm512_xor_si512(low, _mm512_bslli_epi128::<8>(middle));
    _mm512_xor_si512(low, _mm512_clmulepi64_epi128::<0x00>(high, tail))
}

/// Folds what lies above 80 bits, twice: `x^80 = x^9 + x^4 + x^2 + 1`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,vpclmulqdq")]
fn reduce_80(Unreduced { low, middle, high }: Unreduced) -> __m512i {
    let tail = _mm512_set_epi64(0, TAIL, 0, TAIL, 0, TAIL, 0, TAIL);
    let low = _mm512_xor_si512(low, _mm512_bslli_epi128::<8>(middle));
    let high = _mm512_xor_si512(high, _mm512_bsrli_epi128::<8>(middle));
    // Of 159 bits, those from the eightieth on.
    let above = _mm512_xor_si512(_mm512_bsrli_epi128::<10>(low), _mm512_bslli_epi128::<6>(high));
    let folded = _mm512_xor_si512(
        _mm512_clmulepi64_epi128::<0x00>(above, tail),
        _mm512_bslli_epi128::<8>(_mm512_clmulepi64_epi128::<0x01>(above, tail)),
    );
    let rest = _mm512_clmulepi64_epi128::<0x00>(_mm512_bsrli_epi128::<10>(folded), tail);
    _mm512_xor_si512(truncated(_mm512_xor_si512(low, folded)), rest)
}

/// The lower 80 bits of each word.
#[inline]
#[target_feature(enable = "avx512f")]
fn truncated(x: __m512i) -> __m512i {
    _mm512_and_si512(x, load(&bytemuck::cast([MASK; 4])))
}

/// The product in the field of so many bits.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,vpclmulqdq")]
pub(super) fn product<const BITS: u32>(x: __m512i, y: __m512i) -> __m512i {
    if BITS == GF128 {
        reduce(multiply(x, y))
    } else {
        reduce_80(multiply(truncated(x), truncated(y)))
    }
}

/// Adds a product to each register of `acc`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,vpclmulqdq")]
fn add_products<const BITS: u32>(acc: &mut Wide, x: &Wide, y: [__m512i; WIDE]) {
    for ((acc, x), y) in acc.iter_mut().zip(x).zip(y) {
        let acc = cast_mut::<_, [u8; 64]>(acc);
        let sum = _mm512_xor_si512(load(acc), product::<BITS>(load(cast_ref(x)), y));
        store(acc, sum);
    }
}

#[target_feature(enable = "avx512f,avx512bw,vpclmulqdq")]
pub(super) fn scale_add<const BITS: u32>(acc: &mut [u128], x: &[u128], c: u128) {
    debug_assert_eq!(acc.len(), x.len());
    let factor = [load(&bytemuck::cast([c; 4])); WIDE];
    let (chunks, rest) = acc.as_chunks_mut::<{ 4 * WIDE }>();
    let (x_chunks, x_rest) = x.as_chunks::<{ 4 * WIDE }>();
    for (acc, x) in chunks.iter_mut().zip(x_chunks) {
        add_products::<BITS>(cast_mut(acc), cast_ref(x), factor);
    }
    field::scale_add::<BITS>(rest, x_rest, c);
}

#[target_feature(enable = "avx512f,avx512bw,vpclmulqdq")]
pub(super) fn mul_add<const BITS: u32>(acc: &mut [u128], x: &[u128], y: &[u128]) {
    debug_assert!(acc.len() == x.len() && x.len() == y.len());
    let (chunks, rest) = acc.as_chunks_mut::<{ 4 * WIDE }>();
    let (x_chunks, x_rest) = x.as_chunks::<{ 4 * WIDE }>();
    let (y_chunks, y_rest) = y.as_chunks::<{ 4 * WIDE }>();
    for ((acc, x), y) in chunks.iter_mut().zip(x_chunks).zip(y_chunks) {
        let y = cast_ref::<_, Wide>(y);
        let y = [
            load(cast_ref(&y[0])),
            load(cast_ref(&y[1])),
            load(cast_ref(&y[2])),
            load(cast_ref(&y[3])),
        ];
        add_products::<BITS>(cast_mut(acc), cast_ref(x), y);
    }
    field::mul_add::<BITS>(rest, x_rest, y_rest);
}

/// The products are added up before the one reduction.
#[target_feature(enable = "avx512f,avx512bw,vpclmulqdq")]
pub(super) fn inner(sum: &mut u128, x: &[u128], y: &[u128]) {
    debug_assert_eq!(x.len(), y.len());
    let zero = _mm512_setzero_si512();
    let mut total = Unreduced { low: zero, middle: zero, high: zero };
    let (x_chunks, x_rest) = x.as_chunks::<4>();
    let (y_chunks, y_rest) = y.as_chunks::<4>();
    for (x, y) in x_chunks.iter().zip(y_chunks) {
        let Unreduced { low, middle, high } = multiply(load(cast_ref(x)), load(cast_ref(y)));
        total.low = _mm512_xor_si512(total.low, low);
        total.middle = _mm512_xor_si512(total.middle, middle);
        total.high = _mm512_xor_si512(total.high, high);
    }
    let mut lanes = [0_u128; 4];
    store(cast_mut(&mut lanes), reduce(total));
    *sum ^= lanes[0] ^ lanes[1] ^ lanes[2] ^ lanes[3];
    gf128::inner(sum, x_rest, y_rest);
}
