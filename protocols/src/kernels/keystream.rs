//! Counter-mode keystreams on the `aes` crate: what every other keystream must equal.

use aes::{Aes128, Block, cipher::BlockCipherEncrypt};

use super::{aes::AesKey, loops::Word};

/// Enough blocks in flight for the widest unit of the cipher's own vector code.
const BLOCKS: usize = 64;

/// Where a stream starts.
#[derive(Clone, Copy)]
struct Position {
    path: u64,
    block: u64,
}

fn encrypt(cipher: &Aes128, at: Position, blocks: &mut [Block]) {
    let mut counter = at.block;
    for block in &mut *blocks {
        block[..8].copy_from_slice(&at.path.to_le_bytes());
        block[8..].copy_from_slice(&counter.to_le_bytes());
        counter = counter.wrapping_add(1);
    }
    cipher.encrypt_blocks(blocks);
}

fn one_stream<W: Word>(key: &AesKey, mut at: Position, out: &mut [W], put: impl Fn(&mut W, W)) {
    let mut stream = [Block::default(); BLOCKS];
    for out in out.chunks_mut(BLOCKS * W::PER_BLOCK) {
        let blocks = out.len().div_ceil(W::PER_BLOCK);
        encrypt(key.cipher(), at, &mut stream[..blocks]);
        at.block = at.block.wrapping_add(blocks as u64);
        for (out, word) in out.iter_mut().zip(stream.iter().flat_map(|b| W::of_block(&b.0))) {
            put(out, word);
        }
    }
}

fn two_streams<W: Word>(
    [key_a, key_b]: [&AesKey; 2],
    mut at: Position,
    out: &mut [W],
    put: impl Fn(&mut W, W, W),
) {
    let (mut a, mut b) = ([Block::default(); BLOCKS], [Block::default(); BLOCKS]);
    for out in out.chunks_mut(BLOCKS * W::PER_BLOCK) {
        let blocks = out.len().div_ceil(W::PER_BLOCK);
        encrypt(key_a.cipher(), at, &mut a[..blocks]);
        encrypt(key_b.cipher(), at, &mut b[..blocks]);
        at.block = at.block.wrapping_add(blocks as u64);
        for (out, (a, b)) in out.chunks_mut(W::PER_BLOCK).zip(a.iter().zip(&b)) {
            for ((out, a), b) in out.iter_mut().zip(W::of_block(&a.0)).zip(W::of_block(&b.0)) {
                put(out, a, b);
            }
        }
    }
}

pub(super) fn fill<W: Word>(key: &AesKey, path: u64, block: u64, out: &mut [W]) {
    one_stream(key, Position { path, block }, out, |out, a| *out = a);
}

pub(super) fn fill_sub<W: Word>(a: &AesKey, b: &AesKey, path: u64, block: u64, out: &mut [W]) {
    two_streams([a, b], Position { path, block }, out, |out, a, b| *out = a.minus(b));
}

pub(super) fn add_fill_sub<W: Word>(a: &AesKey, b: &AesKey, path: u64, block: u64, acc: &mut [W]) {
    two_streams([a, b], Position { path, block }, acc, |acc, a, b| *acc = acc.plus(a.minus(b)));
}

pub(super) fn fill_xor(a: &AesKey, b: &AesKey, path: u64, block: u64, out: &mut [u64]) {
    two_streams([a, b], Position { path, block }, out, |out, a, b| *out = a ^ b);
}

pub(super) fn xor_fill_xor(a: &AesKey, b: &AesKey, path: u64, block: u64, acc: &mut [u64]) {
    two_streams([a, b], Position { path, block }, acc, |acc, a, b| *acc ^= a ^ b);
}
