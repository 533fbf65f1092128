//! Two sets that meet in a circuit bucket by bucket: what is done with the rows of each bucket, and what is kept of them.

use protocols::psi::circuit::Bucketed;
use serde::{Deserialize, Serialize};

use super::{
    check::MAX_ROWS,
    circuit::bucketed,
    ir::{Kind, Op, Plan, Shape},
    psi::Intersect,
    refs::Ref,
    typing::{self, Shapes},
};

/// Most operations on a bucket.
const MAX_BODY: usize = 1 << 12;

/// Most buckets: each is priced by itself, and is a protocol of its own.
pub(crate) const MAX_BUCKETS: u32 = 1 << 12;

/// An intersection into shares whose rows do not have to stand in memory at once: those of one bucket do.
///
/// Outputs the kept columns, each with its rows of the first bucket, then those of the second, and so on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bucketwise {
    /// The sets, and what comes along.
    pub meet: Intersect,
    /// How many buckets; two or more.
    pub buckets: u32,
    /// What is done with the rows of each bucket. Here, node 0 is the intersection with its outputs, and node i the i-th of these.
    pub body: Vec<Op>,
    /// What is kept: columns of the body.
    pub kept: Vec<Ref>,
}

impl Bucketwise {
    /// The protocol between the owners.
    ///
    /// # Errors
    /// What does not fit.
    pub fn task(&self, plan: &Plan) -> Result<Bucketed, String> {
        if self.buckets < 2 {
            return Err(format!("{} buckets, 2 at least are due", self.buckets));
        }
        if self.buckets > MAX_BUCKETS {
            return Err(format!("{} buckets, {MAX_BUCKETS} at most are due", self.buckets));
        }
        bucketed(plan, &self.meet, |receiver, sender| {
            Bucketed::new(self.buckets as usize, receiver, sender)
        })
    }

    /// Shapes in one bucket: of the intersection, then of each operation.
    ///
    /// # Errors
    /// What does not fit.
    pub fn shapes(&self, plan: &Plan) -> Result<Vec<Vec<Shape>>, String> {
        if self.body.len() > MAX_BODY {
            return Err(format!("{} operations on a bucket", self.body.len()));
        }
        let rows = self.task(plan)?.task().bins() as u64;
        let column = |r: &Ref| typing::input_shape(plan, *r).map(|shape| Shape { rows, ..shape });
        let columns: Vec<Shape> = self.meet.columns.iter().map(column).collect::<Result<_, _>>()?;
        let mut shapes = Shapes::default();
        let matched = Shape { kind: Kind::Bits(1), rows };
        shapes.push([matched].into_iter().chain(columns).collect());
        for (i, op) in self.body.iter().enumerate() {
            if !Self::takes(op) {
                return Err(format!("b{}: is not done bucket by bucket", i + 1));
            }
            let outputs = typing::outputs(op, plan, &shapes);
            shapes.push(outputs.map_err(|what| format!("b{}: {what}", i + 1))?);
        }
        Ok(shapes.into_vec())
    }

    /// The shapes of what is kept.
    pub(super) fn typed(&self, plan: &Plan) -> Result<Vec<Shape>, String> {
        let shapes = self.shapes(plan)?;
        let kept = self.kept.iter().map(|r| {
            let shape = shapes.get(r.0 as usize).and_then(|node| node.get(r.1 as usize));
            let shape = shape.ok_or_else(|| format!("keeps b{}.{}, which is none", r.0, r.1))?;
            let rows = shape.rows.saturating_mul(u64::from(self.buckets));
            let fits = rows <= MAX_ROWS;
            fits.then_some(Shape { rows, ..*shape }).ok_or_else(|| format!("keeps {rows} rows"))
        });
        kept.collect()
    }

    /// Whether an operation works on the rows of a bucket as it would on others: each by itself, or groups of them.
    #[must_use]
    pub fn takes(op: &Op) -> bool {
        match op {
            Op::Constant { .. }
            | Op::Xor(..)
            | Op::And(..)
            | Op::Not(_)
            | Op::Concat(_)
            | Op::Slice { .. }
            | Op::EqBits(..)
            | Op::LtBits(..)
            | Op::Add(..)
            | Op::Sub(..)
            | Op::Mul(..)
            | Op::Affine { .. }
            | Op::Lt { .. }
            | Op::Eq { .. }
            | Op::Inject(_)
            | Op::ToBits { .. }
            | Op::ToWord { .. }
            | Op::ToWide { .. }
            | Op::Mask { .. }
            | Op::Select { .. }
            | Op::GroupBy { .. } => true,
            Op::Input { .. }
            | Op::Join { .. }
            | Op::Sort { .. }
            | Op::Shuffle { .. }
            | Op::Head { .. }
            | Op::Match(_)
            | Op::Many(_)
            | Op::Intersect(_)
            | Op::Bucketwise(_)
            | Op::Tell(_)
            | Op::Lookup(_)
            | Op::Require(_)
            | Op::Train(_)
            | Op::TrainVertical(_)
            | Op::Score(_)
            | Op::Blur(_)
            | Op::Spread { .. } => false,
        }
    }
}
