//! Counter-mode keystreams on AES-NI. Counters are made, encrypted and combined in registers: the output is the
//! only memory touched.

use std::arch::x86_64::{
    __m128i, _mm_add_epi32, _mm_add_epi64, _mm_aesenc_si128, _mm_aesenclast_si128, _mm_set_epi64x,
    _mm_setzero_si128, _mm_sub_epi32, _mm_sub_epi64, _mm_xor_si128,
};

use bytemuck::cast_slice_mut;

use super::registers::{Line, load, store};
use crate::kernels::{
    aes::AesKey,
    keystream::{self, Position},
};

/// Registers of cipher state: enough for the latency of a round, half of what there are.
pub(super) const STATES: usize = 8;
/// Registers of state for each of two keys.
const HALF: usize = STATES / 2;

pub(super) type Keys = [__m128i; 11];

#[target_feature(enable = "avx2")]
pub(super) fn load_keys(key: &AesKey) -> Keys {
    let mut keys = [_mm_setzero_si128(); 11];
    for (register, round_key) in keys.iter_mut().zip(key.round_keys()) {
        *register = load(round_key);
    }
    keys
}

/// A block to encrypt: the path in the low word, its number in the high one.
#[target_feature(enable = "avx2")]
fn counter(path: u64, block: u64) -> __m128i {
    _mm_set_epi64x(block.cast_signed(), path.cast_signed())
}

/// `N` consecutive registers of counters; moves `next` past them.
#[target_feature(enable = "avx2")]
fn take<const N: usize>(next: &mut __m128i) -> [__m128i; N] {
    let one = _mm_set_epi64x(1, 0);
    let mut states = [*next; N];
    for state in &mut states {
        *state = *next;
        *next = _mm_add_epi64(*next, one);
    }
    states
}

/// The streams of two keys over the same counters, a step of both at a time.
#[target_feature(enable = "avx2,aes")]
fn encrypt_two(a: &Keys, b: &Keys, counters: [__m128i; HALF]) -> [[__m128i; HALF]; 2] {
    let mut states = [counters; 2];
    for (states, key) in states.iter_mut().zip([a[0], b[0]]) {
        for state in states {
            *state = _mm_xor_si128(*state, key);
        }
    }
    for (a, b) in a[1..10].iter().zip(&b[1..10]) {
        for (state, key) in states.iter_mut().zip([a, b]) {
            for state in state {
                *state = _mm_aesenc_si128(*state, *key);
            }
        }
    }
    for (state, key) in states.iter_mut().zip([a[10], b[10]]) {
        for state in state {
            *state = _mm_aesenclast_si128(*state, key);
        }
    }
    states
}

#[target_feature(enable = "avx2,aes")]
#[inline]
pub(super) fn encrypt_one(keys: &Keys, counters: [__m128i; STATES]) -> [__m128i; STATES] {
    // Loops, not closures: these are not always compiled into what calls them.
    let mut states = counters;
    for state in &mut states {
        *state = _mm_xor_si128(*state, keys[0]);
    }
    for key in &keys[1..10] {
        for state in &mut states {
            *state = _mm_aesenc_si128(*state, *key);
        }
    }
    for state in &mut states {
        *state = _mm_aesenclast_si128(*state, keys[10]);
    }
    states
}

#[target_feature(enable = "avx2,aes")]
fn one_stream(key: &AesKey, path: u64, first_block: u64, out: &mut [u8]) {
    let keys = load_keys(key);
    let mut next = counter(path, first_block);
    let (chunks, rest) = out.as_chunks_mut::<{ 16 * STATES }>();
    for chunk in chunks {
        for (line, state) in lines(chunk).iter_mut().zip(encrypt_one(&keys, take(&mut next))) {
            store(line, state);
        }
    }
    if !rest.is_empty() {
        let mut last = [0; 16 * STATES];
        for (line, state) in lines(&mut last).iter_mut().zip(encrypt_one(&keys, take(&mut next))) {
            store(line, state);
        }
        rest.copy_from_slice(&last[..rest.len()]);
    }
}

/// Replaces each register of `out` by `put(out, a, b)`.
#[target_feature(enable = "avx2,aes")]
fn two_streams(
    [key_a, key_b]: [&AesKey; 2],
    path: u64,
    first_block: u64,
    out: &mut [u8],
    put: impl Fn(__m128i, __m128i, __m128i) -> __m128i,
) {
    let (keys_a, keys_b) = (load_keys(key_a), load_keys(key_b));
    let mut next = counter(path, first_block);
    let mut step = |chunk: &mut [u8; 16 * HALF]| {
        let [a, b] = encrypt_two(&keys_a, &keys_b, take(&mut next));
        for ((line, a), b) in lines(chunk).iter_mut().zip(a).zip(b) {
            store(line, put(load(line), a, b));
        }
    };
    let (chunks, rest) = out.as_chunks_mut::<{ 16 * HALF }>();
    for chunk in chunks {
        step(chunk);
    }
    if !rest.is_empty() {
        let mut last = [0; 16 * HALF];
        last[..rest.len()].copy_from_slice(rest);
        step(&mut last);
        rest.copy_from_slice(&last[..rest.len()]);
    }
}

#[inline(always)]
pub(super) fn lines(chunk: &mut [u8]) -> &mut [Line] {
    chunk.as_chunks_mut::<16>().0
}

#[target_feature(enable = "avx2,aes")]
pub(super) fn fill_u64(key: &AesKey, path: u64, block: u64, out: &mut [u64]) {
    one_stream(key, path, block, cast_slice_mut(out));
}

#[target_feature(enable = "avx2,aes")]
pub(super) fn fill_u32(key: &AesKey, path: u64, block: u64, out: &mut [u32]) {
    one_stream(key, path, block, cast_slice_mut(out));
}

#[target_feature(enable = "avx2,aes")]
pub(super) fn fill_u128(key: &AesKey, path: u64, block: u64, out: &mut [u128]) {
    one_stream(key, path, block, cast_slice_mut(out));
}

#[target_feature(enable = "avx2,aes")]
pub(super) fn fill_sub_u64(a: &AesKey, b: &AesKey, path: u64, block: u64, out: &mut [u64]) {
    let put = |_, a, b| _mm_sub_epi64(a, b);
    two_streams([a, b], path, block, cast_slice_mut(out), put);
}

#[target_feature(enable = "avx2,aes")]
pub(super) fn fill_sub_u32(a: &AesKey, b: &AesKey, path: u64, block: u64, out: &mut [u32]) {
    let put = |_, a, b| _mm_sub_epi32(a, b);
    two_streams([a, b], path, block, cast_slice_mut(out), put);
}

#[target_feature(enable = "avx2,aes")]
pub(super) fn fill_xor(a: &AesKey, b: &AesKey, path: u64, block: u64, out: &mut [u64]) {
    let put = |_, a, b| _mm_xor_si128(a, b);
    two_streams([a, b], path, block, cast_slice_mut(out), put);
}

#[target_feature(enable = "avx2,aes")]
pub(super) fn add_fill_sub_u64(a: &AesKey, b: &AesKey, path: u64, block: u64, acc: &mut [u64]) {
    let put = |acc, a, b| _mm_add_epi64(acc, _mm_sub_epi64(a, b));
    two_streams([a, b], path, block, cast_slice_mut(acc), put);
}

#[target_feature(enable = "avx2,aes")]
pub(super) fn add_fill_sub_u32(a: &AesKey, b: &AesKey, path: u64, block: u64, acc: &mut [u32]) {
    let put = |acc, a, b| _mm_add_epi32(acc, _mm_sub_epi32(a, b));
    two_streams([a, b], path, block, cast_slice_mut(acc), put);
}

#[target_feature(enable = "avx2,aes")]
pub(super) fn xor_fill_xor(a: &AesKey, b: &AesKey, path: u64, block: u64, acc: &mut [u64]) {
    let put = |acc, a, b| _mm_xor_si128(acc, _mm_xor_si128(a, b));
    two_streams([a, b], path, block, cast_slice_mut(acc), put);
}

/// A difference of 128 bits carries from word to word: made of two streams in memory.
#[target_feature(enable = "avx2,aes")]
pub(super) fn fill_sub_u128(a: &AesKey, b: &AesKey, path: u64, block: u64, out: &mut [u128]) {
    let fill = |key: &AesKey, path, block, out: &mut [u128]| fill_u128(key, path, block, out);
    let put = |out: &mut u128, a: u128, b| *out = a.wrapping_sub(b);
    keystream::two_streams(fill, [a, b], Position { path, block }, out, put);
}

#[target_feature(enable = "avx2,aes")]
pub(super) fn add_fill_sub_u128(a: &AesKey, b: &AesKey, path: u64, block: u64, acc: &mut [u128]) {
    let fill = |key: &AesKey, path, block, out: &mut [u128]| fill_u128(key, path, block, out);
    let put = |acc: &mut u128, a: u128, b| *acc = acc.wrapping_add(a.wrapping_sub(b));
    keystream::two_streams(fill, [a, b], Position { path, block }, acc, put);
}
