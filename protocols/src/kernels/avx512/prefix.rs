//! Prefix sums: within a register by shifted additions, across registers by one broadcast total.

use std::arch::x86_64::{
    __m512i, _mm512_add_epi32, _mm512_add_epi64, _mm512_alignr_epi32, _mm512_alignr_epi64,
    _mm512_permutexvar_epi32, _mm512_permutexvar_epi64, _mm512_set1_epi32, _mm512_set1_epi64,
    _mm512_setzero_si512,
};

use bytemuck::cast_mut;

use super::registers::{load, store};
use crate::kernels::loops;

#[target_feature(enable = "avx512f")]
pub(super) fn sum_u64(xs: &mut [u64]) {
    let mut before = _mm512_setzero_si512();
    let (lines, rest) = xs.as_chunks_mut::<8>();
    for line in &mut *lines {
        let line = cast_mut::<_, [u8; 64]>(line);
        let sums = within_u64(load(line));
        store(line, _mm512_add_epi64(sums, before));
        // The total is taken before the carry is added: the chain between registers is one addition.
        before = _mm512_add_epi64(before, _mm512_permutexvar_epi64(_mm512_set1_epi64(7), sums));
    }
    if let (Some(first), Some(line)) = (rest.first_mut(), lines.last()) {
        *first = first.wrapping_add(line[7]);
    }
    loops::prefix_sum(rest);
}

#[target_feature(enable = "avx512f")]
pub(super) fn sum_u32(xs: &mut [u32]) {
    let mut before = _mm512_setzero_si512();
    let (lines, rest) = xs.as_chunks_mut::<16>();
    for line in &mut *lines {
        let line = cast_mut::<_, [u8; 64]>(line);
        let sums = within_u32(load(line));
        store(line, _mm512_add_epi32(sums, before));
        before = _mm512_add_epi32(before, _mm512_permutexvar_epi32(_mm512_set1_epi32(15), sums));
    }
    if let (Some(first), Some(line)) = (rest.first_mut(), lines.last()) {
        *first = first.wrapping_add(line[15]);
    }
    loops::prefix_sum(rest);
}

#[inline]
#[target_feature(enable = "avx512f")]
fn within_u64(x: __m512i) -> __m512i {
    let zero = _mm512_setzero_si512();
    let x = _mm512_add_epi64(x, _mm512_alignr_epi64::<7>(x, zero));
    let x = _mm512_add_epi64(x, _mm512_alignr_epi64::<6>(x, zero));
    _mm512_add_epi64(x, _mm512_alignr_epi64::<4>(x, zero))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn within_u32(x: __m512i) -> __m512i {
    let zero = _mm512_setzero_si512();
    let x = _mm512_add_epi32(x, _mm512_alignr_epi32::<15>(x, zero));
    let x = _mm512_add_epi32(x, _mm512_alignr_epi32::<14>(x, zero));
    let x = _mm512_add_epi32(x, _mm512_alignr_epi32::<12>(x, zero));
    _mm512_add_epi32(x, _mm512_alignr_epi32::<8>(x, zero))
}
