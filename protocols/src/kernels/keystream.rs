//! Counter-mode keystreams on the `aes` crate: what every other keystream must equal.

use aes::{Aes128, Block, cipher::BlockCipherEncrypt};
use bytemuck::{cast_slice, cast_slice_mut};

use super::{aes::AesKey, loops::Word};

/// Enough blocks in flight for the widest unit of the cipher's own vector code.
const BLOCKS: usize = 64;

/// Words of each stream to hold between making and combining them: a whole number of blocks of any word.
const WORDS: usize = 256;

/// Where a stream starts.
#[derive(Clone, Copy)]
pub(super) struct Position {
    pub(super) path: u64,
    pub(super) block: u64,
}

/// Blocks of the stream as words of 128 bits in the order of memory.
fn encrypt(cipher: &Aes128, at: Position, blocks: &mut [u128]) {
    let mut counter = at.block;
    for block in &mut *blocks {
        *block = ((u128::from(counter) << 64) | u128::from(at.path)).to_le();
        counter = counter.wrapping_add(1);
    }
    cipher.encrypt_blocks(Block::cast_slice_from_core_mut(cast_slice_mut(blocks)));
}

pub(super) fn fill<W: Word>(key: &AesKey, path: u64, first_block: u64, out: &mut [W]) {
    let mut at = Position { path, block: first_block };
    let mut stream = [0; BLOCKS];
    for out in out.chunks_mut(BLOCKS * W::PER_BLOCK) {
        encrypt(key.cipher(), at, &mut stream[..out.len().div_ceil(W::PER_BLOCK)]);
        at.block = at.block.wrapping_add(BLOCKS as u64);
        for (out, word) in out.iter_mut().zip(cast_slice::<u128, W>(&stream)) {
            *out = word.of_stream();
        }
    }
}

/// Replaces each word of `out` by `put(out, a, b)`, the streams of two keys coming from `fill` a piece at a time.
#[inline(always)]
pub(super) fn two_streams<W: Word>(
    fill: impl Fn(&AesKey, u64, u64, &mut [W]),
    [key_a, key_b]: [&AesKey; 2],
    mut at: Position,
    out: &mut [W],
    put: impl Fn(&mut W, W, W),
) {
    let (mut a, mut b) = ([W::ZERO; WORDS], [W::ZERO; WORDS]);
    for out in out.chunks_mut(WORDS) {
        let (a, b) = (&mut a[..out.len()], &mut b[..out.len()]);
        fill(key_a, at.path, at.block, a);
        fill(key_b, at.path, at.block, b);
        at.block = at.block.wrapping_add((WORDS / W::PER_BLOCK) as u64);
        for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
            put(out, *a, *b);
        }
    }
}

pub(super) fn fill_sub<W: Word>(a: &AesKey, b: &AesKey, path: u64, block: u64, out: &mut [W]) {
    two_streams(fill, [a, b], Position { path, block }, out, |out, a, b| *out = a.minus(b));
}

pub(super) fn add_fill_sub<W: Word>(a: &AesKey, b: &AesKey, path: u64, block: u64, acc: &mut [W]) {
    let put = |acc: &mut W, a: W, b| *acc = acc.plus(a.minus(b));
    two_streams(fill, [a, b], Position { path, block }, acc, put);
}

pub(super) fn fill_xor(a: &AesKey, b: &AesKey, path: u64, block: u64, out: &mut [u64]) {
    two_streams(fill, [a, b], Position { path, block }, out, |out, a, b| *out = a ^ b);
}

pub(super) fn xor_fill_xor(a: &AesKey, b: &AesKey, path: u64, block: u64, acc: &mut [u64]) {
    two_streams(fill, [a, b], Position { path, block }, acc, |acc, a, b| *acc ^= a ^ b);
}
