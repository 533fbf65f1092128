//! Sets that meet bucket by bucket, on clear columns.

use protocols::psi::bucket_of;

use super::{
    bucketwise::Bucketwise,
    clear::{Column, step},
    clear_tables::intersect_of,
    encoded::EncodedInput,
    ir::Plan,
};

/// What is kept of each bucket, one beneath the other.
pub(super) fn bucketwise(
    of: &Bucketwise,
    plan: &Plan,
    done: &[Vec<Column>],
    inputs: &[EncodedInput],
) -> Vec<Column> {
    let shapes = of.shapes(plan).expect("a checked plan");
    let rows = usize::try_from(shapes[0][0].rows).unwrap_or(usize::MAX);
    let buckets = of.buckets as usize;
    let mut kept: Vec<Option<Column>> = of.kept.iter().map(|_| None).collect();
    for bucket in 0..buckets {
        let chosen = |id| bucket_of(id, buckets) == bucket;
        let mut inner = vec![intersect_of(&of.meet, rows, (done, inputs), &chosen)];
        for (op, shapes) in of.body.iter().zip(&shapes[1..]) {
            let outputs = step(op, plan, (shapes, &inner), inputs);
            inner.push(outputs);
        }
        for (kept, r) in kept.iter_mut().zip(&of.kept) {
            let part = inner[r.0 as usize][r.1 as usize].clone();
            *kept = Some(match kept.take() {
                Some(before) => before.above(part),
                None => part,
            });
        }
    }
    kept.into_iter().flatten().collect()
}
