//! The fixed-key hash on the `aes` crate: what every other one must equal.

use aes::{Block, cipher::BlockCipherEncrypt};
use bytemuck::cast_slice_mut;

use super::aes::AesKey;

/// Enough blocks in flight for the widest unit of the cipher's own vector code.
const BLOCKS: usize = 64;

pub(super) fn blocks(key: &AesKey, x: &mut [u128]) {
    let mut state = [0_u128; BLOCKS];
    for x in x.chunks_mut(BLOCKS) {
        let state = &mut state[..x.len()];
        for (state, x) in state.iter_mut().zip(&*x) {
            *state = x.to_le();
        }
        key.cipher().encrypt_blocks(Block::cast_slice_from_core_mut(cast_slice_mut(state)));
        for (x, state) in x.iter_mut().zip(state) {
            *x ^= u128::from_le(*state);
        }
    }
}
