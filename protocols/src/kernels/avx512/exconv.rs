//! The convolution on VPCLMULQDQ: a block is a register, and each of its entries is added under a mask to the six blocks
//! that follow, which stay in registers.

use std::arch::x86_64::{
    __m512i, _mm_loadu_si128, _mm512_broadcast_i32x4, _mm512_mask_xor_epi64, _mm512_setzero_si512,
    _mm512_shuffle_i64x2, _mm512_xor_si512, _pdep_u64,
};

use bytemuck::{cast_mut, cast_ref};

use super::{
    gf128::product,
    registers::{load, store},
};
use crate::kernels::exconv::{self, BACK, BLOCK, CONVOLUTION_STATE, REACH};

/// Blocks of state behind.
const BEHIND: usize = BACK / BLOCK;

/// What an entry is added to: masks of the lanes of the six blocks that follow, a byte each, and in byte 6 of its own.
#[inline]
#[target_feature(enable = "bmi2")]
fn masks(ahead: u64, inside: u64) -> [u8; 8] {
    // A bit for each entry becomes one for each of its two lanes.
    let lanes = _pdep_u64((ahead & 0xff_ffff) | (inside << 24), 0x5555_5555_5555_5555);
    (lanes | (lanes << 1)).to_le_bytes()
}

/// Adds entry `FROM` of `raw`, broadcast, to the blocks ahead and to its own.
#[inline]
#[target_feature(enable = "avx512f")]
fn tap(entry: __m512i, masks: [u8; 8], ahead: &mut [__m512i; REACH], own: __m512i) -> __m512i {
    for (block, mask) in ahead.iter_mut().zip(masks) {
        *block = _mm512_mask_xor_epi64(*block, mask, *block, entry);
    }
    _mm512_mask_xor_epi64(own, masks[REACH], own, entry)
}

/// The taps of each entry of a block, in the order of `exconv`.
#[inline]
#[target_feature(enable = "bmi2")]
#[expect(clippy::cast_possible_truncation, reason = "pieces of a word")]
fn all_masks(taps: u128) -> [[u8; 8]; BLOCK] {
    let inside = (taps >> 96) as u64;
    let bit = |from: u32, to: u32| (inside >> from & 1) << to;
    [
        masks(taps as u64, bit(0, 1) | bit(1, 2) | bit(3, 3)),
        masks((taps >> 24) as u64, bit(2, 2) | bit(4, 3)),
        masks((taps >> 48) as u64, bit(5, 3)),
        masks((taps >> 72) as u64, 0),
    ]
}

#[target_feature(enable = "avx512f,avx512bw,vpclmulqdq,bmi2")]
pub(super) fn convolve<const BITS: u32>(
    x: &mut [u128],
    state: &mut [u128; CONVOLUTION_STATE],
    taps: &[u128],
) {
    debug_assert!(x.len().is_multiple_of(BLOCK) && taps.len() * 2 == x.len());
    let (blocks, _) = x.as_chunks_mut::<BLOCK>();
    if blocks.len() < BEHIND {
        return exconv::convolve::<BITS>(x, state, taps);
    }
    let words = state.as_chunks_mut::<BLOCK>().0;
    let mut ahead = [_mm512_setzero_si512(); REACH];
    for (register, words) in ahead.iter_mut().zip(&words[BEHIND..]) {
        *register = load(cast_ref(words));
    }
    for (i, taps) in taps.as_chunks::<2>().0.iter().enumerate() {
        let back = if i < BEHIND { &words[i] } else { &blocks[i - BEHIND] };
        let back = load(cast_ref(back));
        // SAFETY: `taps[0]` is 16 readable bytes; the load needs no alignment.
        let factor =
            _mm512_broadcast_i32x4(unsafe { _mm_loadu_si128((&raw const taps[0]).cast()) });
        let entering = _mm512_xor_si512(load(cast_ref(&blocks[i])), back);
        let raw = _mm512_xor_si512(product::<BITS>(entering, factor), ahead[0]);
        ahead.rotate_left(1);
        ahead[REACH - 1] = _mm512_setzero_si512();
        let [m0, m1, m2, m3] = all_masks(taps[1]);
        let mut own = tap(_mm512_shuffle_i64x2::<0x00>(raw, raw), m0, &mut ahead, raw);
        own = tap(_mm512_shuffle_i64x2::<0x55>(raw, raw), m1, &mut ahead, own);
        own = tap(_mm512_shuffle_i64x2::<0xaa>(raw, raw), m2, &mut ahead, own);
        own = tap(_mm512_shuffle_i64x2::<0xff>(raw, raw), m3, &mut ahead, own);
        store(cast_mut(&mut blocks[i]), own);
    }
    words[..BEHIND].copy_from_slice(&blocks[blocks.len() - BEHIND..]);
    for (register, words) in ahead.iter().zip(&mut words[BEHIND..]) {
        store(cast_mut(words), *register);
    }
}
