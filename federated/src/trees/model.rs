//! What is grown.

use super::{
    bins::Codes,
    setting::{LEAF_BITS, Plan},
};

/// Where a node is split: rows whose bin is `bin` or a lower one go left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cut {
    /// Which feature.
    pub feature: usize,
    /// The last bin on the left.
    pub bin: usize,
}

/// One tree.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Tree {
    /// The nodes of each level; none for a leaf, and below one.
    pub cuts: Vec<Vec<Option<Cut>>>,
    /// Values in units of 2^-10. A leaf above the last level has its value where its leftmost descendant would stand.
    pub leaves: Vec<i64>,
}

/// Trees whose values add up.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Forest {
    /// In the order in which they were grown.
    pub trees: Vec<Tree>,
}

impl Tree {
    /// Units of a leaf's value in 1 of a score, before the rate.
    pub const UNITS: f64 = (1_u32 << LEAF_BITS) as f64;

    /// The place among the leaves that a row of these bins comes to.
    #[must_use]
    pub fn leaf(&self, row: &[u8]) -> usize {
        let mut node = 0;
        for (level, cuts) in self.cuts.iter().enumerate() {
            match cuts[node] {
                Some(cut) => node = 2 * node + usize::from(cut.is_right(row)),
                None => return node << (self.cuts.len() - level),
            }
        }
        node
    }
}

impl Cut {
    /// Whether a row goes right.
    #[must_use]
    pub fn is_right(&self, row: &[u8]) -> bool {
        usize::from(row[self.feature]) > self.bin
    }
}

impl Forest {
    /// The score of each row: the logarithm of its odds.
    #[must_use]
    pub fn scores(&self, plan: &Plan, rows: &Codes) -> Vec<f64> {
        let value =
            |row: &[u8]| -> i64 { self.trees.iter().map(|tree| tree.leaves[tree.leaf(row)]).sum() };
        rows.rows().map(|row| odds(plan, value(row))).collect()
    }
}

/// The logarithm of the odds of a sum of leaves.
pub(super) fn odds(plan: &Plan, sum: i64) -> f64 {
    plan.rate * sum as f64 / f64::from(LEAF_BITS).exp2()
}
