//! Moves between memory and 128-bit registers.

use std::arch::x86_64::{__m128i, _mm_loadu_si128, _mm_storeu_si128};

/// What a register holds, at any alignment.
pub(super) type Line = [u8; 16];

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn load(line: &Line) -> __m128i {
    // SAFETY: `line` is 16 readable bytes; the load needs no alignment.
    unsafe { _mm_loadu_si128(line.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn store(line: &mut Line, register: __m128i) {
    // SAFETY: `line` is 16 writable bytes; the store needs no alignment.
    unsafe { _mm_storeu_si128(line.as_mut_ptr().cast(), register) }
}
