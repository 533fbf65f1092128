//! Rows of a circuit that are worked on all together, as where they are grouped into many groups: sets that are larger than a bucket
//! meet bucket by bucket, and the rows of each stand beneath those of the one before.
//!
//! There are more rows than there would be of sets that meet at once: each bucket is padded by itself. Which of them hold a common key
//! is as secret as before. But where a row stands says which bucket its key is of, and keys have their buckets by hashes that whoever
//! has the receipt can work out. So rows come out shuffled, or not at all: see [`placed`].

use super::bucketwise::Cut;
use crate::plan::{Bucketwise, Op, Plan, Ref, check};

impl Cut {
    /// The same plan on the rows of all buckets; nothing where it does not fit them, or would show where one stands.
    pub(super) fn beneath(&self, plan: &Plan) -> Option<Plan> {
        let mut cut = plan.clone();
        let kept = (0..).map(|column| Ref(0, column)).take(1 + self.meet.columns.len()).collect();
        let (meet, buckets, body) = (self.meet.clone(), self.buckets, Vec::new());
        cut.nodes[self.at] = Op::Bucketwise(Box::new(Bucketwise { meet, buckets, body, kept }));
        let all = self.each.saturating_mul(buckets.into());
        // What is public of each row is of as many.
        for op in &mut cut.nodes[self.at..] {
            match op {
                Op::Constant { shape, .. } if shape.rows == self.whole => shape.rows = all,
                Op::Spread { rows, .. } if *rows == self.whole => *rows = all,
                // Where there may be as many groups as rows.
                Op::GroupBy { groups, .. } if *groups == self.whole => *groups = all,
                Op::Score(of) if of.rows == self.whole => of.rows = all,
                _ => {}
            }
        }
        check(&cut).ok()?;
        let placed = placed(&cut, self.at);
        let told = cut.nodes.iter().filter_map(|op| match op {
            Op::Tell(of) => Some(&of.output),
            _ => None,
        });
        let mut shown = told.chain([&cut.output]).flat_map(|output| output.layout());
        let fits = shown.all(|r| !placed[r.0 as usize]);
        drop(shown);
        fits.then_some(cut)
    }
}

/// Of each operation, whether its rows stand where those of the operation at `from` do, or in an order that follows from that: of all
/// that is made of them, but for what was shuffled, and for groups, whose order follows from their keys.
fn placed(plan: &Plan, from: usize) -> Vec<bool> {
    let mut placed = vec![false; plan.nodes.len()];
    for (at, op) in plan.nodes.iter().enumerate() {
        let ends = matches!(op, Op::Shuffle { .. } | Op::GroupBy { .. });
        let of = |r: &Ref| placed.get(r.0 as usize).copied().unwrap_or(false);
        placed[at] = at == from || !ends && op.refs().iter().any(of);
    }
    placed
}
