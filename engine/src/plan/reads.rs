//! Which columns an operation reads.

use super::{ir::Op, refs::Ref};

impl Op {
    /// The columns this operation reads.
    #[must_use]
    pub fn refs(&self) -> Vec<Ref> {
        self.clone().refs_mut().into_iter().map(|r| *r).collect()
    }

    /// The same, to be replaced.
    pub(crate) fn refs_mut(&mut self) -> Vec<&mut Ref> {
        match self {
            Self::Input { .. }
            | Self::Constant { .. }
            | Self::Match(_)
            | Self::Many(_)
            | Self::Lookup(_)
            | Self::Train(_) => Vec::new(),
            Self::Xor(a, b)
            | Self::And(a, b)
            | Self::EqBits(a, b)
            | Self::LtBits(a, b)
            | Self::Add(a, b)
            | Self::Sub(a, b)
            | Self::Mul(a, b)
            | Self::Lt { a, b, .. }
            | Self::Eq { a, b, .. } => vec![a, b],
            Self::Not(of)
            | Self::Inject(of)
            | Self::Slice { of, .. }
            | Self::Affine { of, .. }
            | Self::ToBits { of, .. }
            | Self::ToWord { of, .. }
            | Self::ToWide { of, .. }
            | Self::Head { of, .. }
            | Self::Require(of)
            | Self::Spread { of, .. } => vec![of],
            Self::Concat(columns) | Self::Shuffle { columns } => columns.iter_mut().collect(),
            Self::Intersect(of) => of.columns.iter_mut().collect(),
            Self::Bucketwise(of) => of.meet.columns.iter_mut().collect(),
            Self::Tell(of) => of.output.layout_mut(),
            Self::TrainVertical(of) => of.refs_mut(),
            Self::Score(of) => of.refs_mut(),
            Self::Blur(of) => of.columns.iter_mut().collect(),
            Self::Mask { of, by } => vec![of, by],
            Self::Select { by, yes, no } => vec![by, yes, no],
            Self::Join { left_key, left_live, columns, right_key, right_live, .. } => {
                let sides = [left_key, left_live, right_key, right_live];
                sides.into_iter().chain(columns).collect()
            }
            Self::GroupBy { keys, live, sums, extremes, .. } => {
                let extremes = extremes.iter_mut().map(|e| &mut e.of);
                keys.iter_mut().chain([live]).chain(sums).chain(extremes).collect()
            }
            Self::Sort { live, keys, columns } => {
                let keys = keys.iter_mut().map(|k| &mut k.of);
                keys.chain([live]).chain(columns).collect()
            }
        }
    }
}
