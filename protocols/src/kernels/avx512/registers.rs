//! Moves between memory and 512-bit registers.

use std::arch::x86_64::{__m512i, _mm512_loadu_si512, _mm512_storeu_si512};

/// What a register holds, at any alignment.
pub(super) type Line = [u8; 64];

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn load(line: &Line) -> __m512i {
    // SAFETY: `line` is 64 readable bytes; the load needs no alignment.
    unsafe { _mm512_loadu_si512(line.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn store(line: &mut Line, register: __m512i) {
    // SAFETY: `line` is 64 writable bytes; the store needs no alignment.
    unsafe { _mm512_storeu_si512(line.as_mut_ptr().cast(), register) }
}

/// Eight words as a register.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn load_words(words: &[u64; 8]) -> __m512i {
    load(bytemuck::cast_ref(words))
}

/// A register as eight words.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn store_words(words: &mut [u64; 8], register: __m512i) {
    store(bytemuck::cast_mut(words), register);
}
