//! Where a sum stands in a histogram: rows, ΣG, ΣH, each by feature, bin and node, all nodes of a bin side by side.
//!
//! What is here is linear, and so serves words in the clear and each summand of shares alike.

use protocols::ring::Buf;

use super::{model::Cut, setting::Setting};

/// Rows, ΣG and ΣH.
pub(super) const KINDS: usize = 3;

/// Of each kind, the sums left of each cut: all nodes of cut 0 of feature 0 first.
pub(super) fn left_of_cuts(setting: &Setting, nodes: usize, sums: &[u64]) -> Buf<u64> {
    let (bins, candidates) = (setting.plan().bins, setting.candidates());
    let mut out = Buf::zeroed(KINDS * candidates * nodes);
    let features = sums.chunks(bins * nodes).zip(out.chunks_mut((bins - 1) * nodes));
    for (bins, cuts) in features {
        let mut running = vec![0_u64; nodes];
        for (bin, cut) in bins.chunks(nodes).zip(cuts.chunks_mut(nodes)) {
            for ((sum, word), cut) in running.iter_mut().zip(bin).zip(cut) {
                *sum = sum.wrapping_add(*word);
                *cut = *sum;
            }
        }
    }
    out
}

/// Of each kind, the sums of whole nodes: those of any feature, and so of the first.
pub(super) fn totals(setting: &Setting, nodes: usize, sums: &[u64]) -> Buf<u64> {
    let plan = setting.plan();
    let mut out = Buf::zeroed(KINDS * nodes);
    let kinds = sums.chunks(plan.features * plan.bins * nodes).zip(out.chunks_mut(nodes));
    for (sums, total) in kinds {
        for bin in sums.chunks(nodes).take(plan.bins) {
            add(total, bin);
        }
    }
    out
}

/// The sums of all nodes of a level: those of left children as they were sent, and of right ones what is left of the parent's. Nodes
/// below one that is not split have none.
pub(super) fn both_children(parents: &[u64], left: &[u64], is_split: &[bool]) -> Buf<u64> {
    let nodes = is_split.len();
    let mut out = Buf::scratch(2 * left.len());
    let lines = parents.chunks(nodes).zip(left.chunks(nodes)).zip(out.chunks_mut(2 * nodes));
    for ((parents, left), children) in lines {
        let each = parents.iter().zip(left).zip(is_split).zip(children.chunks_mut(2));
        for (((parent, left), is_split), children) in each {
            children[0] = if *is_split { *left } else { 0 };
            children[1] = if *is_split { parent.wrapping_sub(*left) } else { 0 };
        }
    }
    out
}

/// Adds the sums of the leaves that a level's cuts make to where they stand: nodes that are not split, and both sides of a cut of the
/// last level. (Nodes below a leaf have sums of zero.)
pub(super) fn settle(
    setting: &Setting,
    cuts: &[Option<Cut>],
    leaves: &mut [u64],
    (left, whole): (&[u64], &[u64]),
) {
    let (nodes, slots, candidates) = (cuts.len(), setting.leaves(), setting.candidates());
    let below = slots / nodes;
    for kind in 0..KINDS {
        let mut add = |slot: usize, word: u64| {
            let sum = &mut leaves[kind * slots + slot];
            *sum = sum.wrapping_add(word);
        };
        for (node, cut) in cuts.iter().enumerate() {
            let total = whole[kind * nodes + node];
            match cut {
                None => add(node * below, total),
                Some(cut) if below == 2 => {
                    let at = setting.candidate(*cut);
                    let left = left[(kind * candidates + at) * nodes + node];
                    add(2 * node, left);
                    add(2 * node + 1, total.wrapping_sub(left));
                }
                Some(_) => {}
            }
        }
    }
}

/// The words of each node once for every candidate.
pub(super) fn for_each_cut(words: &[u64], candidates: usize) -> Buf<u64> {
    words.iter().copied().cycle().take(words.len() * candidates).collect()
}

pub(super) fn add(sum: &mut [u64], words: &[u64]) {
    sum.iter_mut().zip(words).for_each(|(sum, word)| *sum = sum.wrapping_add(*word));
}
