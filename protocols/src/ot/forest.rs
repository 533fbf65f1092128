//! Many GGM trees of one depth, side by side, whole or with one leaf missing.
//!
//! Trees are interleaved: node `x` of tree `τ` stands at `x · trees + τ`, and level by level a tree doubles in place, the
//! left children in the lower half, the right ones in the upper half. So bit `ℓ` of a leaf's number, the lowest first, says
//! which way its path goes at level `ℓ`, and the sum over one side of one level is the sum of the rows of a half.
//!
//! # Source
//! Goldreich, Goldwasser and Micali, *How to Construct Random Functions*, J. ACM 1986; children by a fixed-key hash,
//! `AES_k(x) ⊕ x` with a public key for each side, as in Boyle, Couteau, Gilboa, Ishai, Kohl, Rindal and Scholl,
//! *Efficient Two-Round OT Extension and Silent Non-Interactive Secure Computation*, CCS 2019,
//! <https://eprint.iacr.org/2019/1159>.

use crate::{
    kernels::{AesKey, Backend},
    ring::Buf,
};

/// The public keys of the two sides.
#[derive(Debug)]
pub(crate) struct Forest {
    left: AesKey,
    right: AesKey,
    trees: usize,
    depth: usize,
}

impl Forest {
    /// `trees` trees of `2^depth` leaves; `depth` is at least 1.
    pub(crate) fn new(trees: usize, depth: usize) -> Self {
        let [left, right] = [b"unseen ggm: left", b"unseen ggm:right"].map(AesKey::new);
        Self { left, right, trees, depth }
    }

    /// Nodes of half a forest's leaves.
    pub(crate) fn half(&self) -> usize {
        self.trees << (self.depth - 1)
    }

    /// Grows whole trees from the roots at the start of `low`; the leaves are `low`, then `high`.
    ///
    /// # Shape
    /// `low` and `high` have [`half`](Self::half) words. Returns for each level, for each tree, the sum of its left
    /// children, and in the second vector that of the right ones.
    pub(crate) fn grow(&self, low: &mut [u128], high: &mut [u128]) -> [Buf<u128>; 2] {
        let count = self.depth * self.trees;
        let mut sums = [Buf::zeroed(count), Buf::zeroed(count)];
        for level in 0..self.depth {
            let (left, right) = halves(low, high, self.trees << level);
            self.split(left, right);
            let at = level * self.trees..(level + 1) * self.trees;
            self.add_columns(&mut sums[0][at.clone()], left);
            self.add_columns(&mut sums[1][at], right);
        }
        sums
    }

    /// Grows trees without the leaf `paths[τ]` of tree `τ`, from the sums over the other side at each level of the path:
    /// `off` has them level by level. The missing leaves become zero; returns the sum of all other leaves of each tree.
    ///
    /// # Security
    /// Memory is accessed at nodes of the paths: a neighbour who watches this process's cache could learn them.
    pub(crate) fn grow_punctured(
        &self,
        paths: &[u32],
        off: &[u128],
        low: &mut [u128],
        high: &mut [u128],
    ) -> Buf<u128> {
        let mut rest = Buf::zeroed(self.trees);
        low[..self.trees].fill(0);
        for level in 0..self.depth {
            let (left, right) = halves(low, high, self.trees << level);
            self.split(left, right);
            let missing = |tree: usize| {
                let node = paths[tree] as usize & ((1 << level) - 1);
                node * self.trees + tree
            };
            for tree in 0..self.trees {
                left[missing(tree)] = 0;
                right[missing(tree)] = 0;
            }
            let mut sums = [Buf::zeroed(self.trees), Buf::zeroed(self.trees)];
            self.add_columns(&mut sums[0], left);
            self.add_columns(&mut sums[1], right);
            for tree in 0..self.trees {
                let other = off[level * self.trees + tree];
                let goes_right = u128::from(paths[tree] >> level & 1).wrapping_neg();
                left[missing(tree)] = (other ^ sums[0][tree]) & goes_right;
                right[missing(tree)] = (other ^ sums[1][tree]) & !goes_right;
                let same_side = (sums[0][tree] & !goes_right) ^ (sums[1][tree] & goes_right);
                rest[tree] = other ^ same_side;
            }
        }
        rest
    }

    /// Turns the nodes in `left` into their left children, and makes their right children in `right`.
    fn split(&self, left: &mut [u128], right: &mut [u128]) {
        right.copy_from_slice(left);
        Backend::active().hash_blocks(&self.right, right);
        Backend::active().hash_blocks(&self.left, left);
    }

    /// Adds to the sum of each tree its nodes.
    pub(crate) fn add_columns(&self, sums: &mut [u128], nodes: &[u128]) {
        for row in nodes.chunks_exact(self.trees) {
            sums.iter_mut().zip(row).for_each(|(sum, node)| *sum ^= node);
        }
    }
}

/// Where the children of `count` nodes go.
fn halves<'a>(
    low: &'a mut [u128],
    high: &'a mut [u128],
    count: usize,
) -> (&'a mut [u128], &'a mut [u128]) {
    if count == low.len() {
        return (low, high);
    }
    let (left, rest) = low.split_at_mut(count);
    (left, &mut rest[..count])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_punctured_forest_lacks_one_leaf_of_each_tree() {
        for (trees, depth) in [(1, 1), (3, 4), (32, 4), (128, 6)] {
            let forest = Forest::new(trees, depth);
            let (mut low, mut high) = (vec![0; forest.half()], vec![0; forest.half()]);
            let roots =
                (1_u128..).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
            low.iter_mut().zip(roots.take(trees)).for_each(|(node, root)| *node = root);
            let sums = forest.grow(&mut low, &mut high);
            let whole = [low, high].concat();
            let paths: Vec<u32> = (0_u32..)
                .map(|i| i.wrapping_mul(0x9e37_79b1) >> 7 & ((1 << depth) - 1))
                .take(trees)
                .collect();
            let off: Vec<u128> = (0..depth * trees)
                .map(|i| sums[usize::from(paths[i % trees] >> (i / trees) & 1 == 0)][i])
                .collect();
            let (mut low, mut high) = (vec![7; forest.half()], vec![7; forest.half()]);
            let rest = forest.grow_punctured(&paths, &off, &mut low, &mut high);
            let punctured = [low, high].concat();
            for tree in 0..trees {
                let mut sum = 0;
                for leaf in 0..1 << depth {
                    let at = leaf * trees + tree;
                    let missing = leaf == paths[tree] as usize;
                    assert_eq!(punctured[at], if missing { 0 } else { whole[at] });
                    sum ^= punctured[at];
                }
                assert_eq!(sum, rest[tree], "{trees} trees of depth {depth}, tree {tree}");
            }
        }
    }
}
