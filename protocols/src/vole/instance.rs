//! One instance: `K` outputs from 128 trees and 128 outputs of before.
//!
//! The receiver draws a position `α_τ` in each tree `τ`, by the bits it chose in the transfers. The sender grows 128 trees and
//! sends, for each level of each, the sums of its left and of its right children, each under a pad of which the receiver
//! knows one: so the receiver grows all of the tree but leaf `α_τ`. From an earlier output `y = β·Δ + z` of each tree the
//! sender sends `z` plus the sum of all leaves, by which the receiver gets its missing leaf plus `β·Δ`. The leaves are the
//! noise's share at the sender, `B'`, and at the receiver, `C' = B' + A'·Δ`, with `A'` zero but for `β_τ` at `α_τ`; the code
//! turns noise into outputs.
//!
//! # Security
//! The sums hide the missing path, because the other side of each is padded; the last message is masked by `z`. Trees are
//! complete: no choice of bits names a leaf that does not exist, and so none gives the receiver all leaves.
//!
//! # Source
//! Boyle, Couteau, Gilboa, Ishai, Kohl, Rindal and Scholl, CCS 2019, <https://eprint.iacr.org/2019/1159>; Schoppmann, Gascón,
//! Reichert and Raykova, *Distributed Vector-OLE*, CCS 2019, <https://eprint.iacr.org/2019/1084>.

use zeroize::Zeroizing;

use super::{
    code::Code,
    params::{Shape, TREES},
};
use crate::{
    kernels::Field,
    ot::{Forest, Pads},
    prg::Prg,
    ring::{Buf, Z128},
    session::{Pair, PairCost, SessionError, Side},
};

/// What all instances of a session share.
pub(super) struct Instances {
    pads: Pads,
    code: Code,
    /// Transfers used so far: the pads' tweak.
    used: u64,
}

/// The receiver's part of what an instance starts from.
pub(super) struct Chosen<'a> {
    /// Rows of the instance's transfers.
    pub(super) rows: &'a [u128],
    /// The bits chosen in them.
    pub(super) bits: &'a [u128],
    /// The values `β` and `y` of earlier outputs.
    pub(super) base: [&'a [u128]; 2],
}

impl Instances {
    pub(super) fn new(field: Field) -> Self {
        Self { pads: Pads::new(), code: Code::new(field), used: 0 }
    }

    /// The code.
    pub(super) fn code(&self) -> &Code {
        &self.code
    }

    /// The sums of both sides of every level, each under the pad that the transfer's choice of it gives.
    pub(super) fn pad(
        &mut self,
        (delta, rows): (u128, &[u128]),
        sums: &[Buf<u128>; 2],
        padded: &mut [u128],
    ) {
        let first = self.take(rows.len());
        let mut pads = [0, delta]
            .map(|offset| Zeroizing::new(rows.iter().map(|row| row ^ offset).collect::<Vec<_>>()));
        for (side, (pads, sums)) in pads.iter_mut().zip(sums).enumerate() {
            self.pads.make(pads, first);
            for (i, (pad, sum)) in pads.iter().zip(&**sums).enumerate() {
                padded[2 * i + side] = pad ^ sum;
            }
        }
    }

    /// Of every two padded sums the one that was chosen.
    pub(super) fn unpad(
        &mut self,
        rows: &[u128],
        bits: &[u128],
        padded: &[u128],
    ) -> Zeroizing<Vec<u128>> {
        let mut pads = Zeroizing::new(rows.to_vec());
        let first = self.take(pads.len());
        self.pads.make(&mut pads, first);
        let bit = |row: usize| bits[row / 128] >> (row % 128) & 1;
        let chosen = (0..pads.len()).map(|row| {
            let right = bit(row).wrapping_neg();
            (padded[2 * row] & !right) ^ (padded[2 * row + 1] & right) ^ pads[row]
        });
        Zeroizing::new(chosen.collect())
    }

    /// The sender's outputs `B`, from the rows of the instance's transfers and the shares `z` of earlier outputs.
    pub(super) fn send(
        &mut self,
        pair: &mut Pair<'_>,
        shape: Shape,
        start: (u128, &[u128], &[u128]),
        out: &mut [u128],
        rng: &mut Prg,
    ) -> Result<(), SessionError> {
        let (delta, rows, base) = start;
        let forest = Forest::new(TREES, shape.depth);
        let mut d = Buf::scratch(forest.half());
        rng.fill::<Z128>(&mut out[..TREES]);
        let sums = forest.grow(out, &mut d);
        let mut message = Buf::scratch(message_words(shape));
        let (padded, last) = message.split_at_mut(2 * rows.len());
        self.pad((delta, rows), &sums, padded);
        let leaves = sums.each_ref().map(|sums| &sums[rows.len() - TREES..]);
        for (tree, last) in last.iter_mut().enumerate() {
            *last = leaves[0][tree] ^ leaves[1][tree] ^ base[tree];
        }
        pair.send(&message)?;
        self.code.encode(out, &mut d);
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
        [a, c]: [&mut [u128]; 2],
    ) -> Result<(), SessionError> {
        let forest = Forest::new(TREES, shape.depth);
        let message = pair.recv_words::<u128>(message_words(shape))?;
        let (padded, last) = message.split_at(2 * chosen.rows.len());
        let off = self.unpad(chosen.rows, chosen.bits, padded);
        let paths = paths(chosen.bits, shape);
        let mut c_high = Buf::scratch(forest.half());
        let rest = forest.grow_punctured(&paths, &off, c, &mut c_high);
        a.fill(0);
        let mut a_high = Buf::zeroed(forest.half());
        let [beta, y] = chosen.base;
        for (tree, path) in paths.iter().enumerate() {
            let at = *path as usize * TREES + tree;
            let missing = last[tree] ^ rest[tree] ^ y[tree];
            match at.checked_sub(forest.half()) {
                None => (a[at], c[at]) = (beta[tree], missing),
                Some(at) => (a_high[at], c_high[at]) = (beta[tree], missing),
            }
        }
        for (out, d) in [(a, &mut a_high), (c, &mut c_high)] {
            self.code.encode(out, d);
        }
        Ok(())
    }

    /// The number of the first of so many transfers.
    fn take(&mut self, rows: usize) -> u64 {
        let first = self.used;
        self.used += rows as u64;
        first
    }
}

/// The position of each tree's noise: its path goes right where the bit chosen is zero.
pub(super) fn paths(bits: &[u128], shape: Shape) -> Zeroizing<Vec<u32>> {
    let path =
        |tree| (0..shape.depth).map(|level| u32::from(bits[level] >> tree & 1 == 0) << level).sum();
    Zeroizing::new((0..TREES).map(path).collect())
}

fn message_words(shape: Shape) -> usize {
    2 * shape.transfers() + TREES
}

/// The price of one instance.
pub(super) fn cost(cost: &mut PairCost, shape: Shape) {
    cost.message::<u128>(Side::Sender, message_words(shape));
}
