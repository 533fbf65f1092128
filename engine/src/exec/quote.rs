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
use crate::plan::{Kind, Op, Output, Plan, Ref, Shape};

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
    let mut m = Meter::on(profile);
    let mut ops = Vec::with_capacity(plan.nodes.len() + 1);
    let mut before = m.total();
    let mut record = |m: &Meter| {
        let now = m.total();
        ops.push(OpCost {
            bytes: now.bytes - before.bytes,
            messages: now.messages - before.messages,
            rounds: now.rounds - before.rounds,
        });
        before = now;
    };
    let (mut ones, mut tables) = (Ones::default(), OpCost::default());
    for (at, op) in plan.nodes.iter().enumerate() {
        m.enter(step_of(at));
        match op {
            Op::Input { input } if plan.inputs[*input as usize].is_at_home() => {}
            Op::Match(of) => matching::cost(&mut m, plan, of, at)?,
            Op::Lookup(of) => {
                lookup::cost(&mut m, plan, of, at)?;
                let (bytes, messages) = lookup::table_cost(plan, of, at)?;
                tables.bytes += bytes;
                tables.messages += messages;
            }
            Op::Many(of) => many::cost(&mut m, plan, of, at)?,
            Op::Intersect(of) => circuit::cost(&mut m, plan, of, at)?,
            Op::Bucketwise(of) => bucketwise::cost(&mut m, plan, of, at)?,
            Op::Require(_) => require::cost(&mut m),
            Op::Blur(of) => {
                let rows = of.columns.first().map_or(Ok(0), |r| Shapes { at, shapes }.rows(*r))?;
                noise::cost(&mut m, of, rows);
            }
            Op::Tell(of) => {
                let v = Shapes { at, shapes };
                let layout = v.layout(&of.output)?;
                tell::cost(&mut m, plan, of, (at, &layout))?;
            }
            Op::Train(of) => train::cost(&mut m, plan, of, at)?,
            Op::TrainVertical(of) => vertical::cost(&mut m, of, at)?,
            Op::Score(of) => score::cost(&mut m, of, at)?,
            Op::Input { input } => input::share_cost(&mut m, plan, *input),
            op => charge(&mut m, op, &Shapes { at, shapes }, &mut ones)?,
        }
        record(&m);
    }
    m.enter(step_of(plan.nodes.len()));
    let shapes = Shapes { at: plan.nodes.len(), shapes };
    let layout = shapes.layout(&plan.output)?;
    match plan.adds_up() {
        Some(_) => whole_cost(&mut m, &layout),
        None => release_cost(&mut m, &layout),
    }
    record(&m);
    let total = m.total();
    let total = OpCost { bytes: total.bytes, messages: total.messages, rounds: total.rounds };
    let (openings, choices) = (m.openings().to_vec(), m.choices().to_vec());
    Ok(Quote { profile, ops, total, tables, openings, choices })
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
