//! What of a plan is repeated where a link between two of the three parties was lost, and unit by unit how much of it.
//!
//! ```text
//! nodes:    a circuit that goes by buckets        what is worked out of it       what opens, or is between two
//! units:    a bucket │ a bucket │ … │ a bucket    │ all of it, up to there       (none)
//! ```
//!
//! A circuit of one bucket is of one unit with what is worked out of it. Where nothing is opened between the three of them before
//! the result goes to the buyer, its fresh shares are the end of that unit. Whoever has all of a unit before the last has heard that
//! the others have it too, so that nothing before it is lost with the words that end it; those of the last unit, and what is behind it,
//! are not repeated.

use std::ops::Range;

use super::ir::{LocalInput, Op, Plan};

/// Consecutive nodes, of which the first is a circuit; the one behind the last node of a plan is the release of its result.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    /// The nodes.
    pub(crate) nodes: Range<usize>,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// A node that goes by so many buckets: a unit for each.
    Buckets { at: usize, buckets: u32 },
    /// Nodes that are one unit.
    Whole(Range<usize>),
}

impl Stretch {
    /// The one that begins with this node, if one does.
    pub(crate) fn beginning(plan: &Plan, at: usize) -> Option<Self> {
        if !matches!(plan.nodes.get(at)?, Op::Intersect(_) | Op::Bucketwise(_)) {
            return None;
        }
        let ends = plan.nodes[at..].iter().position(|op| !may_be_repeated(plan, op));
        let mut nodes = at..ends.map_or(plan.nodes.len() + 1, |nodes| at + nodes);
        let mut parts = Vec::new();
        let mut next = at;
        while next < nodes.end {
            let part = Part::at(plan, next, nodes.end);
            next = part.nodes().end;
            parts.push(part);
        }
        // For what sends nothing, nobody has to say that it is done.
        let silent = |part: &mut Part| !part.nodes().any(|at| speaks(plan.nodes.get(at)));
        if let Some(last) = parts.pop_if(silent) {
            nodes.end = last.nodes().start;
        }
        Some(Self { nodes, parts })
    }

    /// All of a plan.
    pub(crate) fn all(plan: &Plan) -> Vec<Self> {
        let (mut all, mut at) = (Vec::new(), 0);
        while at < plan.nodes.len() {
            let found = Self::beginning(plan, at);
            at = found.as_ref().map_or(at + 1, |of| of.nodes.end);
            all.extend(found);
        }
        all
    }

    pub(crate) fn parts(&self) -> &[Part] {
        &self.parts
    }

    pub(crate) fn units(&self) -> u64 {
        self.parts.iter().map(Part::units).sum()
    }

    /// The part that a unit is of, and which of its units that is.
    pub(crate) fn unit(&self, mut unit: u64) -> Option<(&Part, u64)> {
        for part in &self.parts {
            match unit.checked_sub(part.units()) {
                None => return Some((part, unit)),
                Some(left) => unit = left,
            }
        }
        None
    }

    /// The bytes of its largest unit, given those of each node and of the release.
    pub(crate) fn largest(&self, bytes: impl Fn(usize) -> u64) -> u64 {
        let unit = |part: &Part| {
            let all: u64 = part.nodes().map(&bytes).sum();
            all.div_ceil(part.units().max(1))
        };
        self.parts.iter().map(unit).max().unwrap_or(0)
    }
}

impl Part {
    /// The one that begins with this node, and ends before that.
    fn at(plan: &Plan, from: usize, end: usize) -> Self {
        let by_buckets = |at: usize| match plan.nodes.get(at) {
            Some(Op::Bucketwise(of)) => Some(of.buckets),
            _ => None,
        };
        match by_buckets(from) {
            Some(buckets) => Self::Buckets { at: from, buckets },
            None => {
                let end = (from..end).find(|at| by_buckets(*at).is_some()).unwrap_or(end);
                Self::Whole(from..end)
            }
        }
    }

    pub(crate) fn nodes(&self) -> Range<usize> {
        match self {
            Self::Buckets { at, .. } => *at..*at + 1,
            Self::Whole(nodes) => nodes.clone(),
        }
    }

    pub(crate) fn units(&self) -> u64 {
        match self {
            Self::Buckets { buckets, .. } => (*buckets).into(),
            Self::Whole(_) => 1,
        }
    }
}

/// Whether an operation is of the three alone, and opens nothing but random permutations. Noise is drawn anew, and what was drawn
/// before is never opened.
fn may_be_repeated(plan: &Plan, op: &Op) -> bool {
    match op {
        Op::Input { input } => plan.inputs.get(*input as usize).is_some_and(LocalInput::is_at_home),
        Op::Match(_)
        | Op::Many(_)
        | Op::Tell(_)
        | Op::Lookup(_)
        | Op::Require(_)
        | Op::Train(_)
        | Op::TrainVertical(_)
        | Op::Score(_) => false,
        Op::Intersect(_)
        | Op::Bucketwise(_)
        | Op::Blur(_)
        | Op::Constant { .. }
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
        | Op::Join { .. }
        | Op::GroupBy { .. }
        | Op::Sort { .. }
        | Op::Shuffle { .. }
        | Op::Head { .. }
        | Op::Spread { .. } => true,
    }
}

/// Whether an operation, or the release, sends anything as a rule.
fn speaks(op: Option<&Op>) -> bool {
    let silent = |op: &Op| {
        matches!(
            op,
            Op::Input { .. }
                | Op::Constant { .. }
                | Op::Xor(..)
                | Op::Not(_)
                | Op::Concat(_)
                | Op::Slice { .. }
                | Op::Add(..)
                | Op::Sub(..)
                | Op::Affine { .. }
                | Op::Head { .. }
                | Op::Spread { .. }
        )
    };
    op.is_none_or(|op| !silent(op))
}
