//! The price of a plan: the same walk as a run, on shapes alone.

use std::collections::BTreeSet;

use protocols::{
    mpc,
    mpc::{Shape as Wire, shuffle_cost},
    relational,
    ring::{Z64, Z128},
    session::{Choice, Meter, Opening, Profile},
};
use serde::{Deserialize, Serialize};

use super::{
    bucketwise, circuit,
    error::ExecError,
    input, lookup, many, matching, noise,
    release::{release_cost, whole_cost},
    require,
    run::step_of,
    score, tell, train, vertical,
};
use crate::plan::{Kind, Op, Output, Part, Plan, Ref, Shape, Stretch};

/// What a run will cost, exactly, and what it will open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// The links that the protocols are chosen for.
    pub profile: Profile,
    /// By operation, and one more for the release.
    pub ops: Vec<OpCost>,
    /// All together; rounds on the critical path.
    pub total: OpCost,
    /// What comes on top of `total` where a party does not hold a table that it looks keys up in.
    pub tables: OpCost,
    /// Every opening, in order: the gate's list.
    pub openings: Vec<Opening>,
    /// The protocols chosen for the profile, by step.
    pub choices: Vec<Choice>,
}

/// Bytes and messages of all parties together; rounds that the critical path grew by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpCost {
    /// Bytes on the data plane, with our headers.
    pub bytes: u64,
    /// Messages.
    pub messages: u64,
    /// Rounds.
    pub rounds: u32,
}

/// Prices a checked plan, given its shapes (those [`crate::plan`] worked out), on links like these.
///
/// # Errors
/// [`ExecError::Malformed`] if the shapes are not the plan's.
pub fn quote(plan: &Plan, shapes: &[Vec<Shape>], profile: Profile) -> Result<Quote, ExecError> {
    let (mut m, mut walk) = (Meter::on(profile), Walk::on(plan, shapes));
    let mut at = 0;
    // The last one is the release.
    while at <= plan.nodes.len() {
        if let Some(of) = Stretch::beginning(plan, at) {
            walk.repeats(&mut m, &of)?;
            at = of.nodes.end;
        } else {
            walk.goes(&mut m, at)?;
            walk.record(&m);
            at += 1;
        }
    }
    let Walk { ops, tables, .. } = walk;
    let total = m.total();
    let total = OpCost { bytes: total.bytes, messages: total.messages, rounds: total.rounds };
    let (openings, choices) = (m.openings().to_vec(), m.choices().to_vec());
    Ok(Quote { profile, ops, total, tables, openings, choices })
}

/// How far it is.
struct Walk<'a> {
    plan: &'a Plan,
    shapes: &'a [Vec<Shape>],
    ones: Ones,
    ops: Vec<OpCost>,
    /// What the operations so far cost together.
    before: OpCost,
    tables: OpCost,
}

impl<'a> Walk<'a> {
    fn on(plan: &'a Plan, shapes: &'a [Vec<Shape>]) -> Self {
        let (ones, ops) = (Ones::default(), Vec::with_capacity(plan.nodes.len() + 1));
        let (before, tables) = (OpCost::default(), OpCost::default());
        Self { plan, shapes, ones, ops, before, tables }
    }

    /// What came since the last operation is the next one's.
    fn record(&mut self, m: &Meter) {
        let now = m.total();
        self.ops.push(OpCost {
            bytes: now.bytes - self.before.bytes,
            messages: now.messages - self.before.messages,
            rounds: now.rounds - self.before.rounds,
        });
        self.before = OpCost { bytes: now.bytes, messages: now.messages, rounds: now.rounds };
    }

    /// Twin of a stretch: the words of a unit are of its last operation.
    fn repeats(&mut self, m: &mut Meter, of: &Stretch) -> Result<(), ExecError> {
        for part in of.parts() {
            match part {
                // Each of its buckets is a unit.
                Part::Buckets { at, .. } => self.goes(m, *at)?,
                Part::Whole(nodes) => {
                    self.ones = Ones::default();
                    m.in_units(1, |m| {
                        nodes.clone().try_for_each(|at| {
                            if at > nodes.start {
                                self.record(m);
                            }
                            self.goes(m, at)
                        })
                    })?;
                }
            }
            self.record(m);
        }
        Ok(())
    }

    /// Twin of an operation, or of the release.
    fn goes(&mut self, m: &mut Meter, at: usize) -> Result<(), ExecError> {
        let Self { plan, shapes, ones, tables, .. } = self;
        let (plan, v) = (*plan, Shapes { at, shapes });
        m.enter(step_of(at));
        match plan.nodes.get(at) {
            None => {
                let layout = v.layout(&plan.output)?;
                match plan.adds_up() {
                    Some(_) => whole_cost(m, &layout),
                    None => release_cost(m, &layout),
                }
            }
            Some(Op::Input { input }) if plan.inputs[*input as usize].is_at_home() => {}
            Some(Op::Match(of)) => matching::cost(m, plan, of, at)?,
            Some(Op::Lookup(of)) => {
                lookup::cost(m, plan, of, at)?;
                let (bytes, messages) = lookup::table_cost(plan, of, at)?;
                tables.bytes += bytes;
                tables.messages += messages;
            }
            Some(Op::Many(of)) => many::cost(m, plan, of, at)?,
            Some(Op::Intersect(of)) => circuit::cost(m, plan, of, at)?,
            Some(Op::Bucketwise(of)) => bucketwise::cost(m, plan, of, at)?,
            Some(Op::Require(_)) => require::cost(m, plan, at),
            Some(Op::Blur(of)) => {
                let rows = of.columns.first().map_or(Ok(0), |r| v.rows(*r))?;
                noise::cost(m, of, rows);
            }
            Some(Op::Tell(of)) => {
                let layout = v.layout(&of.output)?;
                tell::cost(m, plan, of, (at, &layout))?;
            }
            Some(Op::Train(of)) => train::cost(m, plan, of, at)?,
            Some(Op::TrainVertical(of)) => vertical::cost(m, of, at)?,
            Some(Op::Score(of)) => score::cost(m, of, at)?,
            Some(Op::Input { input }) => input::share_cost(m, plan, *input),
            Some(op) => charge(m, op, &v, ones)?,
        }
        Ok(())
    }
}

pub(super) struct Shapes<'a> {
    pub(super) at: usize,
    pub(super) shapes: &'a [Vec<Shape>],
}

impl Shapes<'_> {
    fn of(&self, Ref(node, output): Ref) -> Result<Shape, ExecError> {
        let outputs = self.shapes.get(node as usize);
        let shape = outputs.and_then(|outputs| outputs.get(output as usize));
        shape.copied().ok_or(ExecError::Malformed(self.at))
    }

    fn rows(&self, r: Ref) -> Result<usize, ExecError> {
        usize::try_from(self.of(r)?.rows).map_err(|_| ExecError::Malformed(self.at))
    }

    fn width(&self, r: Ref) -> Result<usize, ExecError> {
        match self.of(r)?.kind {
            Kind::Bits(width) => Ok(usize::from(width)),
            Kind::Z64 | Kind::Z128 => Err(ExecError::Malformed(self.at)),
        }
    }

    fn wire(&self, r: Ref) -> Result<Wire, ExecError> {
        Ok(match self.of(r)?.kind {
            Kind::Bits(width) => Wire::Bits(usize::from(width)),
            Kind::Z64 => Wire::Z64,
            Kind::Z128 => Wire::Z128,
        })
    }

    fn wires(&self, refs: &[Ref]) -> Result<Vec<Wire>, ExecError> {
        refs.iter().map(|r| self.wire(*r)).collect()
    }

    /// What a result is made of.
    fn layout(&self, output: &Output) -> Result<Vec<(usize, Wire)>, ExecError> {
        output.layout().into_iter().map(|r| Ok((self.rows(r)?, self.wire(r)?))).collect()
    }

    fn widths(&self, refs: impl IntoIterator<Item = Ref>) -> Result<usize, ExecError> {
        refs.into_iter().map(|r| self.width(r)).sum()
    }
}

/// The bits that were injected, by ring: each is, once.
#[derive(Default)]
pub(super) struct Ones(BTreeSet<(Ref, bool)>);

impl Ones {
    fn charge(&mut self, m: &mut Meter, by: Ref, wide: bool, rows: usize) {
        if !self.0.insert((by, wide)) {
            return;
        }
        if wide {
            mpc::inject_cost::<Z128>(m, rows, 1);
        } else {
            mpc::inject_cost::<Z64>(m, rows, 1);
        }
    }
}

/// Twin of `apply` in the run.
pub(super) fn charge(
    m: &mut Meter,
    op: &Op,
    v: &Shapes<'_>,
    ones: &mut Ones,
) -> Result<(), ExecError> {
    match op {
        Op::Input { .. }
        | Op::Match(_)
        | Op::Lookup(_)
        | Op::Many(_)
        | Op::Intersect(_)
        | Op::Bucketwise(_)
        | Op::Tell(_)
        | Op::Require(_)
        | Op::Blur(_)
        | Op::Train(_)
        | Op::TrainVertical(_)
        | Op::Score(_)
        | Op::Constant { .. }
        | Op::Xor(..)
        | Op::Not(_)
        | Op::Concat(_)
        | Op::Slice { .. }
        | Op::Add(..)
        | Op::Sub(..)
        | Op::Affine { .. }
        | Op::Head { .. }
        | Op::Spread { .. } => {}
        Op::And(a, _) => mpc::and_cost(m, v.rows(*a)?, v.width(*a)?),
        Op::EqBits(a, _) => mpc::eq_bits_cost(m, v.rows(*a)?, v.width(*a)?),
        Op::LtBits(a, _) => mpc::lt_bits_cost(m, v.rows(*a)?, v.width(*a)?),
        Op::Mul(a, _) => match v.wire(*a)? {
            Wire::Z128 => mpc::mul_cost::<Z128>(m, v.rows(*a)?),
            _ => mpc::mul_cost::<Z64>(m, v.rows(*a)?),
        },
        Op::Lt { a, width, .. } => mpc::lt_cost(m, v.rows(*a)?, usize::from(*width)),
        Op::Eq { a, width, .. } => mpc::eq_cost(m, v.rows(*a)?, usize::from(*width)),
        Op::Inject(of) => ones.charge(m, *of, false, v.rows(*of)?),
        Op::ToBits { of, width, .. } => mpc::to_bits_cost(m, v.rows(*of)?, usize::from(*width)),
        Op::ToWide { of, .. } => mpc::inject_cost::<Z128>(m, v.rows(*of)?, v.width(*of)?),
        Op::ToWord { of, .. } => mpc::inject_cost::<Z64>(m, v.rows(*of)?, v.width(*of)?),
        Op::Mask { of, by } | Op::Select { yes: of, by, .. } => {
            let rows = v.rows(*of)?;
            match v.wire(*of)? {
                Wire::Bits(width) => mpc::mask_bits_cost(m, rows, width),
                Wire::Z128 => {
                    ones.charge(m, *by, true, rows);
                    mpc::mul_cost::<Z128>(m, rows);
                }
                _ => {
                    ones.charge(m, *by, false, rows);
                    mpc::mul_cost::<Z64>(m, rows);
                }
            }
        }
        Op::Join { left_key, left_sorted, columns, right_key, .. } => {
            let rows = (v.rows(*left_key)?, v.rows(*right_key)?);
            let width = v.width(*left_key)?;
            relational::join_cost(m, rows, width, *left_sorted, &v.wires(columns)?);
        }
        Op::GroupBy { keys, live, sums, extremes, groups } => {
            let groups = usize::try_from(*groups).map_err(|_| ExecError::Malformed(v.at))?;
            let widths: Result<Vec<usize>, _> = extremes.iter().map(|e| v.width(e.of)).collect();
            let key_width = v.widths(keys.iter().copied())?;
            let rows = v.rows(*live)?;
            let sums = v.wires(sums)?;
            relational::group_by_cost(m, rows, key_width, &sums, &widths?, groups);
        }
        Op::Sort { live, keys, columns } => {
            let width = v.widths(keys.iter().map(|key| key.of))?;
            relational::order_by_cost(m, v.rows(*live)?, width, &v.wires(columns)?);
        }
        Op::Shuffle { columns } => {
            let rows = columns.first().map_or(Ok(0), |first| v.rows(*first))?;
            shuffle_cost(m, rows, &v.wires(columns)?, false);
        }
    }
    Ok(())
}
