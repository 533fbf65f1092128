//! Rows of a circuit that end in counts and sums do not have to stand beside each other: sets that are larger than a bucket meet
//! bucket by bucket, and what is counted in each is added up.
//!
//! ```text
//!   rows ──▶ each by itself ──▶ group by             rows of a bucket ──▶ each by itself ──▶ group by
//!                                            becomes   ⋮ (the groups of all buckets, one beneath the other)
//!                                                     ──▶ group by
//! ```
//!
//! Sums of sums are sums, and the largest of the largest is the largest: the second grouping gives what the one would have given.

use protocols::psi::circuit::{Bucketed, Provider};

use super::compile::Compiled;
use crate::{
    job::BucketRows,
    plan::{
        Bucketwise, Extreme, Intersect, MAX_BUCKETS, Op, Plan, Ref, Shape, bucketed, circuit_task,
        meeting,
    },
};

/// What is said where sets are larger than a bucket and meet at once all the same.
const WHOLE: &str = "the sets meet all at once, in the memory of the compute parties: what is made of their rows does not go bucket by bucket";

/// Has sets meet bucket by bucket where that can be, and says how surely they meet.
pub(super) fn settle(mut compiled: Compiled, rows: BucketRows) -> Compiled {
    let plan = &mut compiled.plan;
    by_buckets(plan, rows.rows());
    let inputs = plan.nodes.iter().find_map(|op| match op {
        Op::Intersect(of) => Some([of.receiver, of.sender]),
        Op::Bucketwise(of) => Some([of.meet.receiver, of.meet.sender]),
        _ => None,
    });
    if let (Some(mut inputs), Ok(task)) = (inputs, meeting(plan)) {
        inputs.sort_unstable();
        let [first, second] = inputs.map(|input| input as usize);
        plan.notes.push(format!(
            "keys are compared in a circuit between {} and {} by ids hashed under a salt of this run, against parties that follow \
             the protocol: it fails by chance, or takes two different keys for one, with probability at most 2^-{:.0}",
            plan.inputs[first].party,
            plan.inputs[second].party,
            task.failure_bits().floor()
        ));
        plan.notes.sort();
    }
    compiled
}

/// Has them meet in buckets of about so many rows of the larger set.
pub(crate) fn by_buckets(plan: &mut Plan, rows: usize) {
    let Some(cut) = Cut::of(plan, rows) else { return };
    match Split::of(plan, cut) {
        Ok(split) => split.apply(plan),
        Err(cut) => match cut.beneath(plan) {
            Some(cut) => *plan = cut,
            None => plan.notes.push(WHOLE.to_owned()),
        },
    }
}

/// Where a plan can be cut.
pub(super) struct Cut {
    /// The intersection.
    pub(super) at: usize,
    pub(super) meet: Intersect,
    pub(super) buckets: u32,
    /// Rows of the whole, and of a bucket.
    pub(super) whole: u64,
    pub(super) each: u64,
}

/// What becomes of the rest of it.
struct Split {
    cut: Cut,
    /// For each node.
    parts: Vec<Part>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Stays as it is.
    Stays,
    /// Is of rows, and moves into the buckets.
    Moves,
    /// Is a grouping of rows: the first half moves.
    Groups,
}

impl Cut {
    /// Nothing for sets that are no larger than a bucket.
    fn of(plan: &Plan, rows: usize) -> Option<Self> {
        let at = plan.nodes.iter().position(|op| matches!(op, Op::Intersect(_)))?;
        let Op::Intersect(meet) = &plan.nodes[at] else { return None };
        if rows == 0 {
            return None;
        }
        // Larger ones, where there would be more of them than a plan may have.
        let made = |one: Provider, other: Provider| {
            let least = one.items.max(other.items).div_ceil(MAX_BUCKETS as usize);
            Bucketed::with_buckets_of(rows.max(least), one, other)
        };
        let task = bucketed(plan, meet, made).ok()?;
        let whole = circuit_task(plan, meet).ok()?.bins() as u64;
        let (buckets, each) = (u32::try_from(task.buckets()).ok()?, task.task().bins() as u64);
        (buckets > 1).then(|| Self { at, meet: meet.clone(), buckets, whole, each })
    }
}

impl Split {
    /// Nothing where anything but counts and sums is made of the rows.
    fn of(plan: &Plan, cut: Cut) -> Result<Self, Cut> {
        let parts = vec![Part::Stays; plan.nodes.len()];
        let mut split = Self { cut, parts };
        for (node, op) in plan.nodes.iter().enumerate().skip(split.cut.at + 1) {
            match split.part(plan, op) {
                Some(part) => split.parts[node] = part,
                None => return Err(split.cut),
            }
        }
        let shown = plan.output.layout().into_iter().any(|r| split.is_row(r));
        if shown { Err(split.cut) } else { Ok(split) }
    }

    /// Whether a column is of the rows where the sets meet.
    fn is_row(&self, r: Ref) -> bool {
        let node = r.0 as usize;
        node == self.cut.at || self.parts.get(node) == Some(&Part::Moves)
    }

    /// What becomes of an operation; nothing if it cannot be cut.
    fn part(&self, plan: &Plan, op: &Op) -> Option<Part> {
        let refs = op.refs();
        if !refs.iter().any(|r| self.is_row(*r)) {
            return Some(Part::Stays);
        }
        let known = |r: &Ref| self.is_row(*r) || self.constant(plan, *r).is_some();
        if !Bucketwise::takes(op) || !refs.iter().all(known) {
            return None;
        }
        match op {
            // One of each bucket is added up where it stands.
            Op::GroupBy { keys, extremes, .. } if keys.is_empty() && extremes.is_empty() => {
                Some(Part::Groups)
            }
            // The groups of all buckets together, which are sorted, are to be no more than the rows of one.
            Op::GroupBy { groups, .. } => {
                let all = groups.saturating_mul(self.cut.buckets.into());
                (all <= self.cut.each).then_some(Part::Groups)
            }
            _ => Some(Part::Moves),
        }
    }

    /// A public value for each row, for each row of a bucket.
    fn constant(&self, plan: &Plan, r: Ref) -> Option<Op> {
        match plan.nodes.get(r.0 as usize)? {
            Op::Constant { value, shape } if shape.rows == self.cut.whole => {
                let shape = Shape { rows: self.cut.each, ..*shape };
                Some(Op::Constant { value: *value, shape })
            }
            _ => None,
        }
    }

    fn apply(self, plan: &mut Plan) {
        let mut inner = Inner { places: vec![None; plan.nodes.len()], body: Vec::new() };
        inner.places[self.cut.at] = Some(0);
        let (mut kept, mut halves) = (Vec::new(), vec![0; plan.nodes.len()]);
        for (node, op) in plan.nodes.iter().enumerate() {
            if self.parts[node] == Part::Stays {
                continue;
            }
            let refs = op.refs();
            let constants = refs.iter().filter_map(|r| Some((r.0, self.constant(plan, *r)?)));
            constants.for_each(|(at, constant)| inner.constant(at, constant));
            let place = inner.push(node, op.clone());
            if let Op::GroupBy { keys, sums, extremes, .. } = op {
                halves[node] = number(kept.len());
                let outputs = 1 + keys.len() + sums.len() + extremes.len();
                kept.extend((0..number(outputs)).map(|output| Ref(place, output)));
            }
        }
        let (meet, buckets) = (self.cut.meet.clone(), self.cut.buckets);
        let bucketwise = Bucketwise { meet, buckets, body: inner.body, kept };
        self.rewire(plan, bucketwise, &halves);
    }

    /// The plan without what moved, and each grouping one of the buckets' groups, whose columns begin there.
    fn rewire(&self, plan: &mut Plan, bucketwise: Bucketwise, halves: &[u32]) {
        let mut places = Vec::with_capacity(plan.nodes.len());
        let mut nodes: Vec<Op> = Vec::new();
        let met = Ref(number(self.cut.at), 0);
        let read = |plan: &Plan, node: usize| {
            let stays = |at: &usize| self.parts[*at] == Part::Stays;
            let others = (0..plan.nodes.len()).filter(stays);
            let mut refs = others.flat_map(|at| plan.nodes[at].refs());
            let node = number(node);
            refs.any(|r| r.0 == node) || plan.output.layout().iter().any(|r| r.0 == node)
        };
        for (node, op) in plan.nodes.iter().enumerate() {
            places.push(number(nodes.len()));
            match (self.parts[node], op) {
                _ if node == self.cut.at => {
                    nodes.push(Op::Bucketwise(Box::new(bucketwise.clone())));
                }
                (Part::Moves, _) => {}
                // A public value that was of rows alone.
                (_, Op::Constant { .. }) if !read(plan, node) => {}
                (Part::Groups, Op::GroupBy { keys, sums, extremes, groups, .. }) => {
                    let mut next = (halves[node]..).map(|output| Ref(met.0, output));
                    let mut each = |of: usize| next.by_ref().take(of).collect::<Vec<_>>();
                    let live = each(1)[0];
                    let (keys, sums) = (each(keys.len()), each(sums.len()));
                    let of = each(extremes.len()).into_iter().zip(extremes);
                    let of = of.map(|(of, one)| Extreme { of, largest: one.largest });
                    let (extremes, groups) = (of.collect(), *groups);
                    nodes.push(Op::GroupBy { keys, live, sums, extremes, groups });
                }
                (_, op) => nodes.push(op.clone()),
            }
        }
        let moved = |r: &mut Ref| r.0 = places[r.0 as usize];
        nodes.iter_mut().flat_map(Op::refs_mut).for_each(moved);
        plan.output.layout_mut().into_iter().for_each(moved);
        plan.nodes = nodes;
    }
}

/// Operations on a bucket so far.
struct Inner {
    /// Where the nodes of the plan stand here.
    places: Vec<Option<u32>>,
    body: Vec<Op>,
}

impl Inner {
    fn push(&mut self, node: usize, mut op: Op) -> u32 {
        for r in op.refs_mut() {
            r.0 = self.places[r.0 as usize].unwrap_or(u32::MAX);
        }
        self.body.push(op);
        let place = number(self.body.len());
        self.places[node] = Some(place);
        place
    }

    fn constant(&mut self, node: u32, constant: Op) {
        if self.places[node as usize].is_none() {
            self.push(node as usize, constant);
        }
    }
}

/// Plans are far from 2^32 nodes or columns.
fn number(i: usize) -> u32 {
    u32::try_from(i).unwrap_or(u32::MAX)
}
