//! The fixed-key hash on VAES.

use std::arch::x86_64::_mm512_xor_si512;

use bytemuck::cast_slice_mut;

use super::{
    keystream::{Keys, STATES, broadcast, encrypt_one, lines},
    registers::{load, store},
};
use crate::kernels::aes::AesKey;

#[inline]
#[target_feature(enable = "avx512f,vaes")]
fn step(keys: &Keys, chunk: &mut [u8; 64 * STATES]) {
    let lines = lines(chunk);
    let mut x = [load(&lines[0]); STATES];
    for (x, line) in x.iter_mut().zip(&*lines) {
        *x = load(line);
    }
    for ((line, x), hashed) in lines.iter_mut().zip(x).zip(encrypt_one(keys, x)) {
        store(line, _mm512_xor_si512(x, hashed));
    }
}

#[target_feature(enable = "avx512f,vaes")]
pub(super) fn blocks(key: &AesKey, x: &mut [u128]) {
    let keys = broadcast(key);
    let (chunks, rest) = cast_slice_mut::<_, u8>(x).as_chunks_mut::<{ 64 * STATES }>();
    for chunk in chunks {
        step(&keys, chunk);
    }
    if !rest.is_empty() {
        let mut last = [0; 64 * STATES];
        last[..rest.len()].copy_from_slice(rest);
        step(&keys, &mut last);
        rest.copy_from_slice(&last[..rest.len()]);
    }
}
