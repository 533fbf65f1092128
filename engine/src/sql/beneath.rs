//! Rows of a circuit that come out themselves: sets that are larger than a bucket meet bucket by bucket, and the rows of each stand
//! beneath those of the one before.
//!
//! There are more rows than there would be of sets that meet at once: each bucket is padded by itself. Which of them hold a common key
//! is as secret as before.

use super::bucketwise::Cut;
use crate::plan::{Bucketwise, Op, Plan, Ref, check};

impl Cut {
    /// The same plan on the rows of all buckets; nothing where it would not fit them.
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
        check(&cut).is_ok().then_some(cut)
    }
}
