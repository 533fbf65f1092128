//! The expansion on 128-bit registers: an entry is one load, and all 21 of an output may be on their way at once.

use std::arch::x86_64::{__m128i, _mm_loadu_si128, _mm_xor_si128};

use bytemuck::{cast_mut, cast_ref};

use super::registers::{load, store};
use crate::kernels::exconv::{EXPANSION_PLACES, REGIONS, SHORT, anywhere, check_expanded};

/// Entry `place` of `d`.
///
/// # Safety
/// `place` is less than the length of `d`.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn entry(d: &[u128], place: usize) -> __m128i {
    // SAFETY: the caller vouches that the 16 bytes at `place` lie in `d`; the load needs no alignment.
    unsafe { _mm_loadu_si128(d.as_ptr().add(place).cast()) }
}

#[target_feature(enable = "avx2")]
pub(in crate::kernels) fn expand_sums(out: &mut [u128], d: &[u128], places: &[u16]) {
    check_expanded(d);
    debug_assert_eq!(places.len(), out.len() * EXPANSION_PLACES);
    if d.len() > SHORT { sums::<true>(out, d, places) } else { sums::<false>(out, d, places) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn sums<const FAR: bool>(out: &mut [u128], d: &[u128], places: &[u16]) {
    let region = d.len() / REGIONS;
    for (out, places) in out.iter_mut().zip(places.as_chunks::<EXPANSION_PLACES>().0) {
        let mut sum = load(cast_ref(out));
        for (j, place) in places[..REGIONS].iter().enumerate() {
            // SAFETY: a place in region `j` of `REGIONS` equal ones, whose length is a power of two.
            sum = _mm_xor_si128(sum, unsafe {
                entry(d, j * region + (usize::from(*place) & (region - 1)))
            });
        }
        for place in anywhere::<FAR>(places) {
            // SAFETY: the length of `d` is a power of two, so that less than it remains of the place.
            sum = _mm_xor_si128(sum, unsafe { entry(d, place & (d.len() - 1)) });
        }
        store(cast_mut(out), sum);
    }
}
