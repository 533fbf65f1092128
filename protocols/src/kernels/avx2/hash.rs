//! The fixed-key hash on AES-NI.

use std::arch::x86_64::_mm_xor_si128;

use bytemuck::cast_slice_mut;

use super::{
    keystream::{Keys, STATES, encrypt_one, lines, load_keys},
    registers::{load, store},
};
use crate::kernels::aes::AesKey;

#[inline]
#[target_feature(enable = "avx2,aes")]
fn step(keys: &Keys, chunk: &mut [u8; 16 * STATES]) {
    let lines = lines(chunk);
    let mut x = [load(&lines[0]); STATES];
    for (x, line) in x.iter_mut().zip(&*lines) {
        *x = load(line);
    }
    for ((line, x), hashed) in lines.iter_mut().zip(x).zip(encrypt_one(keys, x)) {
        store(line, _mm_xor_si128(x, hashed));
    }
}

#[target_feature(enable = "avx2,aes")]
pub(super) fn blocks(key: &AesKey, x: &mut [u128]) {
    let keys = load_keys(key);
    let (chunks, rest) = cast_slice_mut::<_, u8>(x).as_chunks_mut::<{ 16 * STATES }>();
    for chunk in chunks {
        step(&keys, chunk);
    }
    if !rest.is_empty() {
        let mut last = [0; 16 * STATES];
        last[..rest.len()].copy_from_slice(rest);
        step(&keys, &mut last);
        rest.copy_from_slice(&last[..rest.len()]);
    }
}
