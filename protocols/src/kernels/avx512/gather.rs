//! Gathering by a public permutation: one instruction fetches eight words, so that more cache misses are in
//! flight than a loop of loads can hold.

use std::arch::x86_64::{
    __m256i, _mm256_cmpgt_epu32_mask, _mm256_loadu_si256, _mm256_set1_epi32, _mm256_storeu_si256,
    _mm512_cvtepu32_epi64, _mm512_i64gather_epi32, _mm512_i64gather_epi64, _mm512_storeu_si512,
};

use crate::kernels::loops;

/// Eight indices, if all lie inside a source of which `last` is the last index.
#[inline]
#[target_feature(enable = "avx512f,avx512vl")]
fn inside(indices: &[u32; 8], last: u32) -> Option<__m256i> {
    // SAFETY: `indices` is 32 readable bytes; the load needs no alignment.
    let indices = unsafe { _mm256_loadu_si256(indices.as_ptr().cast()) };
    let last = _mm256_set1_epi32(last.cast_signed());
    (_mm256_cmpgt_epu32_mask(indices, last) == 0).then_some(indices)
}

/// The last index of a source that an index of 32 bits reaches; none of an empty one.
fn last_index<W>(src: &[W]) -> Option<u32> {
    let last = src.len().checked_sub(1)?;
    Some(u32::try_from(last).unwrap_or(u32::MAX))
}

#[target_feature(enable = "avx512f,avx512vl")]
pub(super) fn gather_u64(out: &mut [u64], src: &[u64], perm: &[u32]) {
    debug_assert_eq!(out.len(), perm.len());
    let Some(last) = last_index(src) else { return loops::gather(out, src, perm) };
    let (lines, rest) = out.as_chunks_mut::<8>();
    let (octets, rest_perm) = perm.as_chunks::<8>();
    for (line, octet) in lines.iter_mut().zip(octets) {
        let Some(indices) = inside(octet, last) else { return loops::gather(line, src, octet) };
        // SAFETY: every index, widened without its sign, is at most `last`, the index of an element of `src`;
        // the scale is the size of an element. `line` is 64 writable bytes; the store needs no alignment.
        unsafe {
            let words =
                _mm512_i64gather_epi64::<8>(_mm512_cvtepu32_epi64(indices), src.as_ptr().cast());
            _mm512_storeu_si512(line.as_mut_ptr().cast(), words);
        }
    }
    loops::gather(rest, src, rest_perm);
}

#[target_feature(enable = "avx512f,avx512vl")]
pub(super) fn gather_u32(out: &mut [u32], src: &[u32], perm: &[u32]) {
    debug_assert_eq!(out.len(), perm.len());
    let Some(last) = last_index(src) else { return loops::gather(out, src, perm) };
    let (lines, rest) = out.as_chunks_mut::<8>();
    let (octets, rest_perm) = perm.as_chunks::<8>();
    for (line, octet) in lines.iter_mut().zip(octets) {
        let Some(indices) = inside(octet, last) else { return loops::gather(line, src, octet) };
        // SAFETY: every index, widened without its sign, is at most `last`, the index of an element of `src`;
        // the scale is the size of an element. `line` is 32 writable bytes; the store needs no alignment.
        unsafe {
            let words =
                _mm512_i64gather_epi32::<4>(_mm512_cvtepu32_epi64(indices), src.as_ptr().cast());
            _mm256_storeu_si256(line.as_mut_ptr().cast(), words);
        }
    }
    loops::gather(rest, src, rest_perm);
}
