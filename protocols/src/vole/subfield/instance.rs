//! One instance: as [`super::super::instance`], with leaves that are hashed to noise of two coordinates.
//!
//! # Security
//! A leaf is a seed of 128 bits that serves this once, under two public keys; a missing leaf's noise is random to the
//! receiver with AES as an ideal cipher. The last messages are masked by earlier outputs `z`, one of each coordinate.

use super::{
    super::{
        instance::{Instances, paths},
        params::{Shape, TREES},
    },
    offset::FIELD,
};
use crate::{
    kernels::{AesKey, Backend},
    ot::Forest,
    prg::Prg,
    ring::{Buf, Z128},
    session::{Pair, PairCost, SessionError, Side},
};

/// What all instances of a session share.
pub(super) struct SubfieldInstances {
    common: Instances,
    /// From a leaf to each coordinate of its noise.
    leaves: [AesKey; 2],
}

/// The sender's part of what an instance starts from.
pub(super) struct Given<'a> {
    /// The offset of the transfers, and the rows of the instance's.
    pub(super) transfers: (u128, &'a [u128]),
    /// The values `z` of earlier outputs.
    pub(super) base: [&'a [u128]; 2],
}

/// The receiver's.
pub(super) struct Chosen<'a> {
    /// Rows of the instance's transfers, and the bits chosen in them.
    pub(super) transfers: (&'a [u128], &'a [u128]),
    /// The values `β` of earlier outputs …
    pub(super) beta: &'a [u128],
    /// … and `y = β·Δ + z`.
    pub(super) base: [&'a [u128]; 2],
}

impl SubfieldInstances {
    pub(super) fn new() -> Self {
        let leaves = [b"unseen noise: 0.", b"unseen noise: 1."].map(AesKey::new);
        Self { common: Instances::new(FIELD), leaves }
    }

    /// The sender's outputs `B`.
    pub(super) fn send(
        &mut self,
        pair: &mut Pair<'_>,
        shape: Shape,
        given: &Given<'_>,
        out: [&mut [u128]; 2],
        rng: &mut Prg,
    ) -> Result<(), SessionError> {
        let forest = Forest::new(TREES, shape.depth);
        let [mut low, mut high, mut d] = [(); 3].map(|()| Buf::scratch(forest.half()));
        rng.fill::<Z128>(&mut low[..TREES]);
        let sums = forest.grow(&mut low, &mut high);
        let mut padded = Buf::scratch(2 * shape.transfers());
        self.common.pad(given.transfers, &sums, &mut padded);
        pair.send(&padded)?;
        for ((out, key), base) in out.into_iter().zip(&self.leaves).zip(given.base) {
            noise(key, [&low, &high], [out, &mut d]);
            let mut last = Buf::copy_of(base);
            forest.add_columns(&mut last, out);
            forest.add_columns(&mut last, &d);
            pair.send(&packed(&last))?;
            self.common.code().encode(out, &mut d);
        }
        Ok(())
    }

    /// The receiver's outputs `A` and `C`.
    ///
    /// # Security
    /// Memory is accessed at the positions of the noise: a neighbour who watches this process's cache could learn them.
    pub(super) fn receive(
        &mut self,
        pair: &mut Pair<'_>,
        shape: Shape,
        chosen: &Chosen<'_>,
        a: &mut [u128],
        c: [&mut [u128]; 2],
    ) -> Result<(), SessionError> {
        let forest = Forest::new(TREES, shape.depth);
        let [mut low, mut high, mut d] = [(); 3].map(|()| Buf::scratch(forest.half()));
        let padded = pair.recv_words::<u128>(2 * shape.transfers())?;
        let (rows, bits) = chosen.transfers;
        let off = self.common.unpad(rows, bits, &padded);
        let paths = paths(bits, shape);
        forest.grow_punctured(&paths, &off, &mut low, &mut high);
        a.fill(0);
        d.fill(0);
        puncture(&paths, [&mut *a, &mut d], chosen.beta);
        self.common.code().encode(a, &mut d);
        for ((c, key), base) in c.into_iter().zip(&self.leaves).zip(chosen.base) {
            noise(key, [&low, &high], [&mut *c, &mut d]);
            puncture(&paths, [&mut *c, &mut d], &[0; TREES]);
            let mut missing = unpacked(&pair.recv_words::<u8>(TREES * FIELD.bytes())?);
            missing.iter_mut().zip(base).for_each(|(missing, y)| *missing ^= y);
            forest.add_columns(&mut missing, c);
            forest.add_columns(&mut missing, &d);
            puncture(&paths, [&mut *c, &mut d], &missing);
            self.common.code().encode(c, &mut d);
        }
        Ok(())
    }
}

/// One coordinate of the noise of all leaves.
fn noise(key: &AesKey, leaves: [&[u128]; 2], noise: [&mut [u128]; 2]) {
    for (noise, leaves) in noise.into_iter().zip(leaves) {
        noise.copy_from_slice(leaves);
        Backend::active().hash_blocks(key, noise);
        FIELD.truncate(noise);
    }
}

/// Sets the noise at the position of each tree.
fn puncture(paths: &[u32], [low, high]: [&mut [u128]; 2], values: &[u128]) {
    for (tree, (path, value)) in paths.iter().zip(values).enumerate() {
        let at = *path as usize * TREES + tree;
        match at.checked_sub(low.len()) {
            None => low[at] = *value,
            Some(at) => high[at] = *value,
        }
    }
}

fn packed(words: &[u128]) -> Buf<u8> {
    let mut bytes = Buf::scratch(words.len() * FIELD.bytes());
    FIELD.pack(words, &mut bytes);
    bytes
}

fn unpacked(bytes: &[u8]) -> Buf<u128> {
    let mut words = Buf::scratch(bytes.len() / FIELD.bytes());
    FIELD.unpack(bytes, &mut words);
    words
}

/// The price of one instance.
pub(super) fn cost(cost: &mut PairCost, shape: Shape) {
    cost.message::<u128>(Side::Sender, 2 * shape.transfers());
    for _ in 0..2 {
        cost.message::<u8>(Side::Sender, TREES * FIELD.bytes());
    }
}
