//! Counter-mode keystreams on VAES. Counters are made, encrypted and combined in registers: the output is the
//! only memory touched.

use std::arch::x86_64::{
    __m128i, __m512i, _mm_loadu_si128, _mm512_add_epi32, _mm512_add_epi64, _mm512_aesenc_epi128,
    _mm512_aesenclast_epi128, _mm512_broadcast_i32x4, _mm512_cmplt_epu64_mask,
    _mm512_mask_add_epi64, _mm512_mask_sub_epi64, _mm512_set_epi64, _mm512_set1_epi64,
    _mm512_sub_epi32, _mm512_sub_epi64, _mm512_xor_si512,
};

use bytemuck::cast_slice_mut;

use super::registers::{Line, load, store};
use crate::kernels::aes::AesKey;

/// Registers of cipher state: enough for the latency of a round, few enough to leave the round keys of one or
/// two keys in the other registers.
pub(super) const STATES: usize = 8;
/// Registers of state for each of two keys.
const HALF: usize = STATES / 2;

/// The lanes with the low words of numbers of 128 bits.
const LOW_WORDS: u8 = 0b0101_0101;

pub(super) type Keys = [__m512i; 11];

#[target_feature(enable = "avx512f")]
pub(super) fn broadcast(key: &AesKey) -> Keys {
    let mut keys = [_mm512_set_epi64(0, 0, 0, 0, 0, 0, 0, 0); 11];
    for (wide, round_key) in keys.iter_mut().zip(key.round_keys()) {
        // SAFETY: `round_key` is 16 readable bytes; the load needs no alignment.
        let narrow = unsafe { _mm_loadu_si128(round_key.as_ptr().cast::<__m128i>()) };
        *wide = _mm512_broadcast_i32x4(narrow);
    }
    keys
}

/// Four blocks to encrypt: the path in the low word, consecutive numbers in the high one.
#[target_feature(enable = "avx512f")]
fn counters(path: u64, first_block: u64) -> __m512i {
    let path = path.cast_signed();
    let [b0, b1, b2, b3] = [0, 1, 2, 3].map(|i| first_block.wrapping_add(i).cast_signed());
    _mm512_set_epi64(b3, path, b2, path, b1, path, b0, path)
}

/// `N` consecutive registers of counters; moves `next` past them.
#[target_feature(enable = "avx512f")]
fn take<const N: usize>(next: &mut __m512i) -> [__m512i; N] {
    let four = _mm512_set_epi64(4, 0, 4, 0, 4, 0, 4, 0);
    let mut states = [*next; N];
    for state in &mut states {
        *state = *next;
        *next = _mm512_add_epi64(*next, four);
    }
    states
}

/// The streams of two keys over the same counters, a step of both at a time.
#[target_feature(enable = "avx512f,vaes")]
fn encrypt_two(a: &Keys, b: &Keys, counters: [__m512i; HALF]) -> [[__m512i; HALF]; 2] {
    let mut states = [counters; 2];
    for (states, key) in states.iter_mut().zip([a[0], b[0]]) {
        for state in states {
            *state = _mm512_xor_si512(*state, key);
        }
    }
    for (a, b) in a[1..10].iter().zip(&b[1..10]) {
        for (state, key) in states.iter_mut().zip([a, b]) {
            for state in state {
                *state = _mm512_aesenc_epi128(*state, *key);
            }
        }
    }
    for (state, key) in states.iter_mut().zip([a[10], b[10]]) {
        for state in state {
            *state = _mm512_aesenclast_epi128(*state, key);
        }
    }
    states
}

#[target_feature(enable = "avx512f,vaes")]
#[inline]
pub(super) fn encrypt_one(keys: &Keys, counters: [__m512i; STATES]) -> [__m512i; STATES] {
    // Loops, not closures: these are not always compiled into what calls them.
    let mut states = counters;
    for state in &mut states {
        *state = _mm512_xor_si512(*state, keys[0]);
    }
    for key in &keys[1..10] {
        for state in &mut states {
            *state = _mm512_aesenc_epi128(*state, *key);
        }
    }
    for state in &mut states {
        *state = _mm512_aesenclast_epi128(*state, keys[10]);
    }
    states
}

#[target_feature(enable = "avx512f,vaes")]
fn one_stream(key: &AesKey, path: u64, first_block: u64, out: &mut [u8]) {
    let keys = broadcast(key);
    let mut next = counters(path, first_block);
    let (chunks, rest) = out.as_chunks_mut::<{ 64 * STATES }>();
    for chunk in chunks {
        for (line, state) in lines(chunk).iter_mut().zip(encrypt_one(&keys, take(&mut next))) {
            store(line, state);
        }
    }
    if !rest.is_empty() {
        let mut last = [0; 64 * STATES];
        for (line, state) in lines(&mut last).iter_mut().zip(encrypt_one(&keys, take(&mut next))) {
            store(line, state);
        }
        rest.copy_from_slice(&last[..rest.len()]);
    }
}

/// Replaces each register of `out` by `put(out, a, b)`.
#[target_feature(enable = "avx512f,vaes")]
fn two_streams(
    [key_a, key_b]: [&AesKey; 2],
    path: u64,
    first_block: u64,
    out: &mut [u8],
    put: impl Fn(__m512i, __m512i, __m512i) -> __m512i,
) {
    let (keys_a, keys_b) = (broadcast(key_a), broadcast(key_b));
    let mut next = counters(path, first_block);
    let mut step = |chunk: &mut [u8; 64 * HALF]| {
        let [a, b] = encrypt_two(&keys_a, &keys_b, take(&mut next));
        for ((line, a), b) in lines(chunk).iter_mut().zip(a).zip(b) {
            store(line, put(load(line), a, b));
        }
    };
    let (chunks, rest) = out.as_chunks_mut::<{ 64 * HALF }>();
    for chunk in chunks {
        step(chunk);
    }
    if !rest.is_empty() {
        let mut last = [0; 64 * HALF];
        last[..rest.len()].copy_from_slice(rest);
        step(&mut last);
        rest.copy_from_slice(&last[..rest.len()]);
    }
}

#[inline(always)]
pub(super) fn lines(chunk: &mut [u8]) -> &mut [Line] {
    chunk.as_chunks_mut::<64>().0
}

#[target_feature(enable = "avx512f,vaes")]
pub(super) fn fill_u64(key: &AesKey, path: u64, block: u64, out: &mut [u64]) {
    one_stream(key, path, block, cast_slice_mut(out));
}

#[target_feature(enable = "avx512f,vaes")]
pub(super) fn fill_u32(key: &AesKey, path: u64, block: u64, out: &mut [u32]) {
    one_stream(key, path, block, cast_slice_mut(out));
}

#[target_feature(enable = "avx512f,vaes")]
pub(super) fn fill_u128(key: &AesKey, path: u64, block: u64, out: &mut [u128]) {
    one_stream(key, path, block, cast_slice_mut(out));
}

#[target_feature(enable = "avx512f,vaes")]
pub(super) fn fill_sub_u64(a: &AesKey, b: &AesKey, path: u64, block: u64, out: &mut [u64]) {
    let put = |_, a, b| _mm512_sub_epi64(a, b);
    two_streams([a, b], path, block, cast_slice_mut(out), put);
}

#[target_feature(enable = "avx512f,vaes")]
pub(super) fn fill_sub_u32(a: &AesKey, b: &AesKey, path: u64, block: u64, out: &mut [u32]) {
    let put = |_, a, b| _mm512_sub_epi32(a, b);
    two_streams([a, b], path, block, cast_slice_mut(out), put);
}

#[target_feature(enable = "avx512f,vaes")]
pub(super) fn fill_xor(a: &AesKey, b: &AesKey, path: u64, block: u64, out: &mut [u64]) {
    let put = |_, a, b| _mm512_xor_si512(a, b);
    two_streams([a, b], path, block, cast_slice_mut(out), put);
}

#[target_feature(enable = "avx512f,vaes")]
pub(super) fn add_fill_sub_u64(a: &AesKey, b: &AesKey, path: u64, block: u64, acc: &mut [u64]) {
    let put = |acc, a, b| _mm512_add_epi64(acc, _mm512_sub_epi64(a, b));
    two_streams([a, b], path, block, cast_slice_mut(acc), put);
}

#[target_feature(enable = "avx512f,vaes")]
pub(super) fn add_fill_sub_u32(a: &AesKey, b: &AesKey, path: u64, block: u64, acc: &mut [u32]) {
    let put = |acc, a, b| _mm512_add_epi32(acc, _mm512_sub_epi32(a, b));
    two_streams([a, b], path, block, cast_slice_mut(acc), put);
}

#[target_feature(enable = "avx512f,vaes")]
pub(super) fn xor_fill_xor(a: &AesKey, b: &AesKey, path: u64, block: u64, acc: &mut [u64]) {
    let put = |acc, a, b| _mm512_xor_si512(acc, _mm512_xor_si512(a, b));
    two_streams([a, b], path, block, cast_slice_mut(acc), put);
}

/// `a - b` of four numbers of 128 bits: each low word's borrow is taken from its high word.
#[inline]
#[target_feature(enable = "avx512f")]
fn sub_u128(a: __m512i, b: __m512i) -> __m512i {
    let difference = _mm512_sub_epi64(a, b);
    let borrows = (_mm512_cmplt_epu64_mask(a, b) & LOW_WORDS) << 1;
    _mm512_mask_sub_epi64(difference, borrows, difference, _mm512_set1_epi64(1))
}

/// `a + b` of four numbers of 128 bits: a low word that became less than it was carries.
#[inline]
#[target_feature(enable = "avx512f")]
fn add_u128(a: __m512i, b: __m512i) -> __m512i {
    let sum = _mm512_add_epi64(a, b);
    let carries = (_mm512_cmplt_epu64_mask(sum, a) & LOW_WORDS) << 1;
    _mm512_mask_add_epi64(sum, carries, sum, _mm512_set1_epi64(1))
}

#[target_feature(enable = "avx512f,vaes")]
pub(super) fn fill_sub_u128(a: &AesKey, b: &AesKey, path: u64, block: u64, out: &mut [u128]) {
    let put = |_, a, b| sub_u128(a, b);
    two_streams([a, b], path, block, cast_slice_mut(out), put);
}

#[target_feature(enable = "avx512f,vaes")]
pub(super) fn add_fill_sub_u128(a: &AesKey, b: &AesKey, path: u64, block: u64, acc: &mut [u128]) {
    let put = |acc, a, b| add_u128(acc, sub_u128(a, b));
    two_streams([a, b], path, block, cast_slice_mut(acc), put);
}
