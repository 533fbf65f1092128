//! Counter-mode keystreams on the `aes` crate: what every other keystream must equal.

use aes::{Aes128, Block, cipher::BlockCipherEncrypt};

use bytemuck::{cast_slice, cast_slice_mut};

use super::{aes::AesKey, loops::Word};

/// Enough blocks in flight for the widest unit of the cipher's own vector code.
const BLOCKS: usize = 64;

/// Where a stream starts.
#[derive(Clone, Copy)]
struct Position {
    path: u64,
    block: u64,
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

fn one_stream<W: Word>(key: &AesKey, mut at: Position, out: &mut [W], put: impl Fn(&mut W, W)) {
    let mut stream = [0; BLOCKS];
    for out in out.chunks_mut(BLOCKS * W::PER_BLOCK) {
        encrypt(key.cipher(), at, &mut stream[..out.len().div_ceil(W::PER_BLOCK)]);
        at.block = at.block.wrapping_add(BLOCKS as u64);
        for (out, word) in out.iter_mut().zip(cast_slice::<u128, W>(&stream)) {
            put(out, word.of_stream());
        }
    }
}

fn two_streams<W: Word>(
    [key_a, key_b]: [&AesKey; 2],
    mut at: Position,
    out: &mut [W],
    put: impl Fn(&mut W, W, W),
) {
    let (mut a, mut b) = ([0; BLOCKS], [0; BLOCKS]);
    for out in out.chunks_mut(BLOCKS * W::PER_BLOCK) {
        let blocks = out.len().div_ceil(W::PER_BLOCK);
        encrypt(key_a.cipher(), at, &mut a[..blocks]);
        encrypt(key_b.cipher(), at, &mut b[..blocks]);
        at.block = at.block.wrapping_add(BLOCKS as u64);
        let (a, b) = (cast_slice::<u128, W>(&a), cast_slice::<u128, W>(&b));
        for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
            put(out, a.of_stream(), b.of_stream());
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

/// [`fill_sub`] for words whose difference no register holds: both streams by `fill`, a piece at a time.
#[inline(always)]
pub(super) fn subtract_fills<W: Word>(
    fill: impl Fn(&AesKey, u64, u64, &mut [W]),
    [key_a, key_b]: [&AesKey; 2],
    (path, mut block): (u64, u64),
    out: &mut [W],
    put: impl Fn(&mut W, W),
) {
    let (mut a, mut b) = ([W::ZERO; BLOCKS], [W::ZERO; BLOCKS]);
    for out in out.chunks_mut(BLOCKS) {
        let (a, b) = (&mut a[..out.len()], &mut b[..out.len()]);
        fill(key_a, path, block, a);
        fill(key_b, path, block, b);
        block = block.wrapping_add((BLOCKS / W::PER_BLOCK) as u64);
        for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
            put(out, a.minus(*b));
        }
    }
}

pub(super) fn fill_xor(a: &AesKey, b: &AesKey, path: u64, block: u64, out: &mut [u64]) {
    two_streams([a, b], Position { path, block }, out, |out, a, b| *out = a ^ b);
}

pub(super) fn xor_fill_xor(a: &AesKey, b: &AesKey, path: u64, block: u64, acc: &mut [u64]) {
    two_streams([a, b], Position { path, block }, acc, |acc, a, b| *acc ^= a ^ b);
}
