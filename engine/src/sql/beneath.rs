//! Rows of a circuit that are worked on all together, as where they are grouped into many groups: sets that are larger than a bucket
//! meet bucket by bucket, and the rows of each stand beneath those of the one before.
//!
//! There are more rows than there would be of sets that meet at once: each bucket is padded by itself. Which of them hold a common key
//! is as secret as before. But where a row stands says which bucket its key is of, and keys have their buckets by hashes that whoever
//! has the receipt can work out. So this is not for rows that come out themselves: those meet at once, in bins under a seed of
//! the owners.

use super::bucketwise::Cut;
use crate::plan::{Bucketwise, Op, Plan, Ref, check};

impl Cut {
    /// The same plan on the rows of all buckets; nothing where these would come out, or not fit it.
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
                _ => {}
            }
        }
        let shapes = check(&cut).ok()?;
        let told = cut.nodes.iter().filter_map(|op| match op {
            Op::Tell(of) => Some(&of.output),
            _ => None,
        });
        let shown: Vec<Ref> =
            told.chain([&cut.output]).flat_map(|output| output.layout()).collect();
        let rows = |r: Ref| shapes[r.0 as usize][r.1 as usize].rows;
        shown.into_iter().all(|r| rows(r) != all).then_some(cut)
    }
}
