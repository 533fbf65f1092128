//! Bits to words by mask registers: a byte of a plane is the mask of eight 64-bit lanes.

use std::arch::x86_64::{_mm512_maskz_set1_epi32, _mm512_maskz_set1_epi64, _mm512_storeu_si512};

use crate::kernels::planes;

#[target_feature(enable = "avx512f")]
pub(super) fn expand_u64(plane: &[u64], out: &mut [u64]) {
    debug_assert_eq!(plane.len(), out.len().div_ceil(64));
    let (full, rest) = out.as_chunks_mut::<64>();
    for (word, lanes) in plane.iter().zip(full.iter_mut()) {
        for (mask, lanes) in word.to_le_bytes().into_iter().zip(lanes.as_chunks_mut::<8>().0) {
            let ones = _mm512_maskz_set1_epi64(mask, 1);
            // SAFETY: `lanes` is 64 writable bytes; the store needs no alignment.
            unsafe { _mm512_storeu_si512(lanes.as_mut_ptr().cast(), ones) }
        }
    }
    planes::expand(&plane[full.len()..], rest);
}

#[target_feature(enable = "avx512f")]
pub(super) fn expand_u32(plane: &[u64], out: &mut [u32]) {
    debug_assert_eq!(plane.len(), out.len().div_ceil(64));
    let (full, rest) = out.as_chunks_mut::<64>();
    for (word, lanes) in plane.iter().zip(full.iter_mut()) {
        let masks = [0, 16, 32, 48].map(|shift| (word >> shift & 0xffff) as u16);
        for (mask, lanes) in masks.into_iter().zip(lanes.as_chunks_mut::<16>().0) {
            let ones = _mm512_maskz_set1_epi32(mask, 1);
            // SAFETY: `lanes` is 64 writable bytes; the store needs no alignment.
            unsafe { _mm512_storeu_si512(lanes.as_mut_ptr().cast(), ones) }
        }
    }
    planes::expand(&plane[full.len()..], rest);
}
