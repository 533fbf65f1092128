//! The linear hash of planes, and the commitments to leaves.

use bytemuck::cast_slice;

use super::rows::{DIGEST, GROUPS, LEAVES};
use crate::{kernels::Backend, prg::Prg, ring::Buf, ring::Z128};

/// A random linear map from planes to 128 bits.
///
/// A plane is a vector of elements of GF(2^128), of 128 rows each; all but the last are multiplied by random coefficients,
/// and the last, random itself, is added: two planes that differ agree with probability 2^-128.
pub(super) struct LinearHash {
    coefficients: Buf<u128>,
}

impl LinearHash {
    /// The map that a seed names, for planes of `rows` bits.
    pub(super) fn new(seed: &[u8; 16], rows: usize) -> Self {
        Self { coefficients: Prg::new(seed).elements::<Z128>(rows / 128 - 1) }
    }

    pub(super) fn of(&self, plane: &[u64]) -> u128 {
        let words: &[u128] = cast_slice(plane);
        let (last, words) = words.split_last().map_or((0, words), |(last, words)| (*last, words));
        let mut sum = last;
        Backend::active().gf128_inner(&mut sum, words, &self.coefficients);
        sum
    }
}

pub(super) type Digest = [u8; DIGEST];

/// What a leaf shows of itself: independent of its stream.
pub(super) fn shown(leaf: u128) -> Digest {
    let mut hasher = blake3::Hasher::new_derive_key("unseen 2026-11 transfer extension: a leaf");
    hasher.update(&leaf.to_le_bytes());
    hasher.finalize().into()
}

/// The sum of what a tree's leaves show; leaves of tree `τ` stand at `x · GROUPS + τ`.
pub(super) fn sum(shown: &[Digest], tree: usize) -> Digest {
    let mut total = [0; DIGEST];
    for x in 0..LEAVES {
        total.iter_mut().zip(shown[x * GROUPS + tree]).for_each(|(total, byte)| *total ^= byte);
    }
    total
}

/// The hash of what all leaves of a tree show.
pub(super) fn commitment(shown: &[Digest], tree: usize) -> Digest {
    let mut hasher = blake3::Hasher::new_derive_key("unseen 2026-11 transfer extension: a tree");
    hasher.update(&(tree as u64).to_le_bytes());
    for x in 0..LEAVES {
        hasher.update(&shown[x * GROUPS + tree]);
    }
    hasher.finalize().into()
}
