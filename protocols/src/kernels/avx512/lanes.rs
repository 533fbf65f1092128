//! Words of three bytes, sixteen at a time: one permutation of bytes and one store that the next one overlaps.

use std::arch::x86_64::{__m512i, _mm512_maskz_permutexvar_epi8, _mm512_permutexvar_epi8};

use super::registers::{Line, load, store};
use crate::kernels::lanes as portable;

/// Where each byte of sixteen packed words comes from.
static PACKED: Line = {
    let mut order = [0; 64];
    let mut at: u8 = 0;
    while at < 48 {
        order[at as usize] = 4 * (at / 3) + at % 3;
        at += 1;
    }
    order
};
/// Where each of the three low bytes of sixteen words comes from.
static UNPACKED: Line = {
    let mut order = [0; 64];
    let mut at: u8 = 0;
    while at < 64 {
        order[at as usize] = 3 * (at / 4) + at % 4;
        at += 1;
    }
    order
};
/// The three low bytes of each word.
const LOW: u64 = 0x7777_7777_7777_7777;

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn packed(words: __m512i) -> __m512i {
    _mm512_permutexvar_epi8(load(&PACKED), words)
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn unpacked(bytes: __m512i) -> __m512i {
    _mm512_maskz_permutexvar_epi8(LOW, load(&UNPACKED), bytes)
}

/// See [`Backend::pack_u32`](crate::kernels::backend::Backend::pack_u32).
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
pub(super) fn pack(out: &mut [u8], values: &[u32], bytes: usize) {
    debug_assert_eq!(out.len(), bytes * values.len());
    if bytes != 3 {
        return portable::pack(out, values, bytes);
    }
    let mut done = 0;
    for line in values.as_chunks::<16>().0 {
        let Some(target) = out[3 * done..].first_chunk_mut::<64>() else { break };
        store(target, packed(load(bytemuck::cast_ref(line))));
        done += 16;
    }
    portable::pack(&mut out[3 * done..], &values[done..], 3);
}

/// See [`Backend::unpack_u32`](crate::kernels::backend::Backend::unpack_u32).
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
pub(super) fn unpack(values: &mut [u32], bytes_in: &[u8], bytes: usize) {
    debug_assert_eq!(bytes_in.len(), bytes * values.len());
    if bytes != 3 {
        return portable::unpack(values, bytes_in, bytes);
    }
    let mut done = 0;
    for line in values.as_chunks_mut::<16>().0 {
        let Some(source) = bytes_in[3 * done..].first_chunk::<64>() else { break };
        store(bytemuck::cast_mut(line), unpacked(load(source)));
        done += 16;
    }
    portable::unpack(&mut values[done..], &bytes_in[3 * done..], 3);
}
