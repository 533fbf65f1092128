//! Circuit PSI between two owners bucket by bucket, what is done with each bucket's rows, and what is kept of them.

use protocols::{
    mpc::Column,
    net::{Channel, at_work_here},
    prg::Prg,
    psi::{
        bucket_of, bucket_range,
        circuit::{Bucketed, Matches, Set, intersect_bucket, intersect_bucket_cost},
    },
    session::{Meter, Session},
    share::{Bits, Shared},
};

use super::{
    circuit::{held, in_order},
    error::ExecError,
    matching::unread,
    ones::Ones,
    quote,
    run::{Values, apply, last_uses},
};
use crate::plan::{Bucketwise, EncodedInput, Op, OwnSet, Plan, Portion, Shape, columns_of};

/// One party's end of it, bucket after bucket.
///
/// In memory are one bucket, and at its owner of a set that stands elsewhere what that keeps there.
pub(super) struct Buckets<'a> {
    plan: &'a Plan,
    of: &'a Bucketwise,
    at: usize,
    bucketed: Bucketed,
    own: Option<Own<'a>>,
}

impl<'a> Buckets<'a> {
    /// Those of this node.
    pub(super) fn of(
        s: &Session,
        plan: &'a Plan,
        (at, inputs): (usize, &'a [Option<EncodedInput>]),
    ) -> Result<Self, ExecError> {
        let Some(Op::Bucketwise(of)) = plan.nodes.get(at) else {
            return Err(ExecError::Malformed(at));
        };
        let bucketed = of.task(plan).map_err(|_| ExecError::Malformed(at))?;
        let own = match s.role() {
            role if role == bucketed.task().receiver().role => Some(of.meet.receiver),
            role if role == bucketed.task().sender().role => Some(of.meet.sender),
            _ => None,
        };
        let own = own.map(|number| Own::of(plan, of, number, inputs)).transpose()?;
        Ok(Self { plan, of, at, bucketed, own })
    }

    /// Runs one bucket: what is kept of it.
    ///
    /// # Cost
    /// That of [`intersect_bucket`] and of the operations.
    ///
    /// # Errors
    /// [`ExecError`].
    ///
    /// # Security
    /// Semi-honest; opens what its operations list. All buckets are padded alike, and go in one order. A bucket that is repeated has
    /// hash functions, tags, masks and programmed functions of its own, and nothing of it is opened but random permutations, drawn
    /// anew, where rows are grouped: it shows nothing new.
    pub(super) fn run(
        &self,
        s: &mut Session,
        bucket: u64,
        rng: &mut Prg,
    ) -> Result<Vec<Column>, ExecError> {
        let matches = meet(s, &self.bucketed, (self.own.as_ref(), bucket), rng)?;
        let rows = in_order(self.plan, &self.of.meet, matches);
        body(s, self.of, self.at, rows.ok_or(ExecError::Malformed(self.at))?)
    }
}

/// Intersects a bucket.
fn meet(
    s: &mut Session,
    of: &Bucketed,
    (own, bucket): (Option<&Own<'_>>, u64),
    rng: &mut Prg,
) -> Result<Matches, ExecError> {
    let bucket = usize::try_from(bucket).unwrap_or(usize::MAX);
    let channel = s.wire().channel();
    let portion = own.map(|own| own.portion((bucket, of.buckets()), &*channel)).transpose()?;
    let columns: Vec<&[u64]> =
        portion.iter().flat_map(|portion| &portion.columns).map(Vec::as_slice).collect();
    let set = portion.as_ref().map(|portion| Set { items: &portion.ids, columns: &columns });
    Ok(intersect_bucket(s, of, set.as_ref(), rng)?)
}

/// The operations on one bucket; gives what is kept.
fn body(
    s: &mut Session,
    of: &Bucketwise,
    at: usize,
    rows: Vec<Column>,
) -> Result<Vec<Column>, ExecError> {
    let nodes = || (1..).zip(&of.body);
    let last_use = last_uses(1 + of.body.len(), nodes(), of.kept.clone());
    let (mut ones, mut values) = (Ones::of(nodes()), vec![rows]);
    for (number, op) in nodes() {
        let outputs = apply(s, op, &Values { at, values: &values }, &mut ones)?;
        values.push(outputs);
        ones.forget(number);
        for (node, outputs) in values.iter_mut().enumerate() {
            if last_use[node] <= number {
                outputs.clear();
            }
        }
    }
    let values = Values { at, values: &values };
    of.kept.iter().map(|r| values.column(*r).cloned()).collect()
}

/// Columns of one shape, one beneath the other.
pub(super) fn beneath(parts: Vec<Column>) -> Option<Column> {
    let (mut bits, mut words, mut wide) = (Vec::new(), Vec::new(), Vec::new());
    for part in parts {
        match part {
            Column::Bits(part) => bits.push(part),
            Column::Z64(part) => words.push(part),
            Column::Z128(part) => wide.push(part),
            Column::Z32(_) => return None,
        }
    }
    // Neighbours first: each row is copied as often as the number of parts can be halved.
    while bits.len() > 1 {
        bits = bits.chunks(2).map(joined).collect();
    }
    Some(match (bits.pop(), wide.is_empty()) {
        (Some(bits), _) => Column::Bits(bits),
        (None, true) => Column::Z64(Shared::concat(&words.iter().collect::<Vec<_>>())),
        (None, false) => Column::Z128(Shared::concat(&wide.iter().collect::<Vec<_>>())),
    })
}

fn joined(parts: &[Bits]) -> Bits {
    match parts {
        [above, below] => above.above(below),
        _ => parts[0].clone(),
    }
}

/// This party's set.
enum Own<'a> {
    /// In memory, with its columns.
    Whole(Portion),
    /// Read by ranges of ids; which columns are ones is not kept with it.
    Ranged { set: &'a OwnSet, columns: Vec<u32>, ones: u32 },
}

impl<'a> Own<'a> {
    fn of(
        plan: &Plan,
        of: &Bucketwise,
        number: u32,
        inputs: &'a [Option<EncodedInput>],
    ) -> Result<Self, ExecError> {
        let own = inputs.get(number as usize).and_then(|data| data.as_ref()?.own.as_ref());
        let input = &plan.inputs[number as usize];
        match own {
            None => {
                let (ids, columns) = held(plan, &of.meet, number, inputs)?;
                Ok(Self::Whole(Portion { ids, columns }))
            }
            Some(set) => {
                let columns = columns_of(plan, &of.meet, number);
                let ones = u32::try_from(input.columns.len()).unwrap_or(u32::MAX);
                Ok(Self::Ranged { set, columns, ones })
            }
        }
    }

    fn portion(
        &self,
        (bucket, buckets): (usize, usize),
        channel: &dyn Channel,
    ) -> Result<Portion, ExecError> {
        match self {
            Self::Whole(all) => {
                let chosen = all.ids.iter().enumerate();
                let chosen = chosen.filter(|(_, id)| bucket_of(**id, buckets) == bucket);
                let chosen: Vec<usize> = chosen.map(|(at, _)| at).collect();
                let column = |words: &Vec<u64>| chosen.iter().map(|at| words[*at]).collect();
                let ids = chosen.iter().map(|at| all.ids[*at]).collect();
                Ok(Portion { ids, columns: all.columns.iter().map(column).collect() })
            }
            Self::Ranged { set, columns, ones } => {
                let range = bucket_range(bucket, buckets);
                let portion = || set.portion(*range.start(), *range.end());
                // It may be on a slow disk, and others wait.
                let read = at_work_here(|| channel.working(), portion);
                let Portion { ids, columns: words } = read.map_err(unread)?;
                let mut words = words.into_iter();
                let each = columns.iter().map(|column| match column {
                    column if column == ones => vec![1; ids.len()],
                    // Where there are fewer than the plan says, the protocol says so.
                    _ => words.next().unwrap_or_default(),
                });
                let columns = each.collect();
                Ok(Portion { ids, columns })
            }
        }
    }
}

/// Twin of [`Buckets::run`], as often as there are buckets, each a unit.
pub(super) fn cost(
    m: &mut Meter,
    plan: &Plan,
    of: &Bucketwise,
    at: usize,
) -> Result<(), ExecError> {
    let malformed = |_| ExecError::Malformed(at);
    let bucketed = of.task(plan).map_err(malformed)?;
    let shapes = of.shapes(plan).map_err(malformed)?;
    m.in_units(of.buckets.into(), |m| {
        intersect_bucket_cost(m, &bucketed);
        body_cost(m, of, (at, &shapes))
    })
}

/// Twin of [`body`].
fn body_cost(
    m: &mut Meter,
    of: &Bucketwise,
    (at, shapes): (usize, &[Vec<Shape>]),
) -> Result<(), ExecError> {
    let mut ones = quote::Ones::default();
    of.body.iter().try_for_each(|op| quote::charge(m, op, &quote::Shapes { at, shapes }, &mut ones))
}
