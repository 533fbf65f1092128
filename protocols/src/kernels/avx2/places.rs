//! Vectors read and written at three places, an element a register.

use std::arch::x86_64::{__m128i, _mm_loadu_si128, _mm_storeu_si128, _mm_xor_si128};

use crate::kernels::places::Place;

#[inline]
#[target_feature(enable = "avx2")]
fn at(vector: &[u128], place: impl Place) -> __m128i {
    let word = &vector[place.at()];
    // SAFETY: `word` is 16 readable bytes; the load needs no alignment.
    unsafe { _mm_loadu_si128(std::ptr::from_ref(word).cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn put(word: &mut u128, register: __m128i) {
    // SAFETY: `word` is 16 writable bytes; the store needs no alignment.
    unsafe { _mm_storeu_si128(std::ptr::from_mut(word).cast(), register) }
}

#[target_feature(enable = "avx2")]
pub(in crate::kernels) fn gather_three<P: Place>(
    out: &mut [u128],
    vector: &[u128],
    places: &[[P; 4]],
) {
    debug_assert_eq!(out.len(), places.len());
    for (out, [a, b, c, _]) in out.iter_mut().zip(places) {
        let sum = _mm_xor_si128(at(vector, *a), at(vector, *b));
        put(out, _mm_xor_si128(sum, at(vector, *c)));
    }
}

#[target_feature(enable = "avx2")]
pub(in crate::kernels) fn substitute<P: Place>(
    vector: &mut [u128],
    order: &[[P; 4]],
    values: &[u128],
) {
    for [pivot, a, b, value] in order.iter().rev() {
        let sum = _mm_xor_si128(at(vector, *a), at(vector, *b));
        let sum = _mm_xor_si128(sum, at(values, *value));
        put(&mut vector[pivot.at()], sum);
    }
}
