//! Three distinct places for a hash, eight hashes at a time.

use std::arch::x86_64::{
    __m512i, _mm512_cmpge_epu64_mask, _mm512_mask_add_epi64, _mm512_max_epu64, _mm512_min_epu64,
    _mm512_mul_epu32, _mm512_or_si512, _mm512_permutex2var_epi64, _mm512_set_epi64,
    _mm512_set1_epi64, _mm512_slli_epi64, _mm512_srli_epi64,
};

use bytemuck::{cast_slice, cast_slice_mut};

use super::registers::{Line, load, store};
use crate::kernels::places::{self, Places};

#[target_feature(enable = "avx512f")]
fn eight(halves: [&Line; 2], columns: [__m512i; 3]) -> __m512i {
    let [first, second] = halves.map(|line| load(line));
    let low = _mm512_set_epi64(14, 12, 10, 8, 6, 4, 2, 0);
    let high = _mm512_set_epi64(15, 13, 11, 9, 7, 5, 3, 1);
    let low = _mm512_permutex2var_epi64(first, low, second);
    let high = _mm512_permutex2var_epi64(first, high, second);
    let a = _mm512_srli_epi64::<32>(_mm512_mul_epu32(low, columns[0]));
    let b = _mm512_mul_epu32(_mm512_srli_epi64::<32>(low), columns[1]);
    let b = skip(_mm512_srli_epi64::<32>(b), a);
    let c = _mm512_srli_epi64::<32>(_mm512_mul_epu32(high, columns[2]));
    let c = skip(c, _mm512_min_epu64(a, b));
    let c = skip(c, _mm512_max_epu64(a, b));
    _mm512_or_si512(a, _mm512_or_si512(_mm512_slli_epi64::<16>(b), _mm512_slli_epi64::<32>(c)))
}

/// `x + 1` where `x` is not below `taken`.
#[inline]
#[target_feature(enable = "avx512f")]
fn skip(x: __m512i, taken: __m512i) -> __m512i {
    _mm512_mask_add_epi64(x, _mm512_cmpge_epu64_mask(x, taken), x, _mm512_set1_epi64(1))
}

#[target_feature(enable = "avx512f")]
pub(super) fn places(hashes: &[u128], columns: u32, out: &mut [Places]) {
    places::check_columns::<u16>(columns);
    debug_assert_eq!(hashes.len(), out.len());
    let wide = [0, 1, 2].map(|i| _mm512_set1_epi64(i64::from(columns) - i));
    let whole = hashes.len().min(out.len()) & !7;
    let (lines, _) = cast_slice::<u128, u8>(&hashes[..whole]).as_chunks::<64>();
    let (outs, _) = cast_slice_mut::<Places, u8>(&mut out[..whole]).as_chunks_mut::<64>();
    for (halves, out) in lines.as_chunks::<2>().0.iter().zip(outs) {
        store(out, eight([&halves[0], &halves[1]], wide));
    }
    places::places(&hashes[whole..], columns, &mut out[whole..]);
}
