//! The walk over a plan: one protocol call an operation.

use std::{fmt, path::Path};

use protocols::{
    mpc,
    mpc::{Column, Shuffle},
    prg::Prg,
    relational,
    ring::{Arithmetic, B64, Z64, Z128},
    session::Session,
    share::{Bits, Shared},
};

use super::{
    error::ExecError, ones::Ones, release::SharedResult, repeat, walk::Walk, words, words::WordRing,
};
use crate::plan::{EncodedInput, Kind, Op, Plan, Ref, Shape, SortKey, Stretch};

/// Told before each operation, and after each round of a training: which one, of how many.
pub type Progress<'a> = &'a mut dyn FnMut(usize, usize);

/// Told after each round of a training of which the buyer hears meanwhile: which one, from 1, and its figures as the result has them.
pub type Figures<'a> = &'a mut dyn FnMut(u32, &[u64]);

/// What is around a run at a compute party.
pub struct Around<'a> {
    /// Told how it goes.
    pub progress: Progress<'a>,
    /// Told what came of rounds, before `progress` is.
    pub figures: Figures<'a>,
    /// Where trainings are kept while they go on; without one, a training that is interrupted begins anew.
    pub trainings: Option<&'a Path>,
}

impl fmt::Debug for Around<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Around").field("trainings", &self.trainings).finish_non_exhaustive()
    }
}

/// Runs a checked plan at one compute party, up to fresh shares of the result.
///
/// # Shape
/// `inputs[i]` is there if this party provides input `i`. `rng` is this party's own. Returns the columns of [`crate::plan::Output::layout`].
///
/// # Cost
/// Exactly that of [`super::quote()`].
///
/// # Errors
/// [`ExecError`]; the session tells the peers.
///
/// # Security
/// Opens what the session's gate lists, nothing else. Where a link between two of the three is lost in a stretch of the
/// plan they make it anew, and repeat the unit under way. The result leaves as fresh shares.
pub fn run(
    plan: &Plan,
    mut inputs: Vec<Option<EncodedInput>>,
    s: &mut Session,
    around: Around<'_>,
    rng: &mut Prg,
) -> Result<SharedResult, ExecError> {
    let mut walk = Walk::new(plan, around);
    let mut at = 0;
    // The last one is the release.
    while at <= plan.nodes.len() {
        if let Some(of) = Stretch::beginning(plan, at) {
            repeat::run(s, &mut walk, (&of, &inputs), rng)?;
            at = of.nodes.end;
            continue;
        }
        match plan.nodes.get(at) {
            Some(Op::Input { input }) if !plan.inputs[*input as usize].is_at_home() => {
                let data = inputs.get_mut(*input as usize).and_then(Option::take);
                walk.share(s, (at, *input), data.as_ref())?;
            }
            _ => walk.go(s, at, 0, (&inputs, rng))?,
        }
        at += 1;
    }
    Ok(walk.result)
}

/// The session step of a node: 1 for the first.
#[must_use]
pub fn step_of(node: usize) -> u64 {
    node as u64 + 1
}

/// The session step in which an input is shared.
pub(super) fn step_of_input(plan: &Plan, number: u32) -> u64 {
    let of_input = |op: &Op| matches!(op, Op::Input { input } if *input == number);
    step_of(plan.nodes.iter().position(of_input).unwrap_or(plan.nodes.len()))
}

/// For each node, the last one that reads it; what is kept is read for ever.
pub(super) fn last_uses<'o>(
    count: usize,
    nodes: impl Iterator<Item = (usize, &'o Op)>,
    kept: Vec<Ref>,
) -> Vec<usize> {
    let mut last = vec![0; count];
    let mut mark = |at: usize, r: Ref| {
        if let Some(last) = last.get_mut(r.0 as usize) {
            *last = at;
        }
    };
    for (at, op) in nodes {
        op.refs().into_iter().for_each(|r| mark(at, r));
    }
    kept.into_iter().for_each(|r| mark(usize::MAX, r));
    last
}

/// The columns worked out so far, as the operation at `at` asks for them.
pub(super) struct Values<'a> {
    pub(super) at: usize,
    pub(super) values: &'a [Vec<Column>],
}

impl Values<'_> {
    pub(super) fn column(&self, Ref(node, output): Ref) -> Result<&Column, ExecError> {
        let outputs = self.values.get(node as usize);
        outputs
            .and_then(|outputs| outputs.get(output as usize))
            .ok_or(ExecError::Malformed(self.at))
    }

    pub(super) fn bits(&self, r: Ref) -> Result<&Bits, ExecError> {
        match self.column(r)? {
            Column::Bits(bits) => Ok(bits),
            _ => Err(ExecError::Malformed(self.at)),
        }
    }

    pub(super) fn words<R: WordRing>(&self, r: Ref) -> Result<&Shared<R>, ExecError> {
        R::of(self.column(r)?).ok_or_else(|| self.malformed())
    }

    pub(super) fn malformed(&self) -> ExecError {
        ExecError::Malformed(self.at)
    }

    fn columns(&self, refs: &[Ref]) -> Result<Vec<Column>, ExecError> {
        refs.iter().map(|r| self.column(*r).cloned()).collect()
    }

    /// Several bit columns side by side, the first one in the highest bits; no column at all is 0 bits wide.
    fn stacked(&self, refs: &[Ref], rows: usize) -> Result<Bits, ExecError> {
        let parts: Result<Vec<&Bits>, _> = refs.iter().rev().map(|r| self.bits(*r)).collect();
        let parts = parts?;
        Ok(if parts.is_empty() { Bits::zeros(rows, 0) } else { Bits::beside(&parts) })
    }

    fn sort_key(&self, keys: &[SortKey], rows: usize, s: &Session) -> Result<Bits, ExecError> {
        let mut parts = Vec::with_capacity(keys.len());
        for key in keys.iter().rev() {
            let bits = self.bits(key.of)?;
            parts.push(if key.descending { bits.not(s.role()) } else { bits.clone() });
        }
        let parts: Vec<&Bits> = parts.iter().collect();
        Ok(if parts.is_empty() { Bits::zeros(rows, 0) } else { Bits::beside(&parts) })
    }
}

/// One operation other than an input.
pub(super) fn apply(
    s: &mut Session,
    op: &Op,
    v: &Values<'_>,
    ones: &mut Ones,
) -> Result<Vec<Column>, ExecError> {
    let one = |column: Column| Ok(vec![column]);
    match op {
        Op::Input { .. }
        | Op::Match(_)
        | Op::Many(_)
        | Op::Lookup(_)
        | Op::Intersect(_)
        | Op::Bucketwise(_)
        | Op::Tell(_)
        | Op::Require(_)
        | Op::Train(_)
        | Op::TrainVertical(_)
        | Op::Score(_)
        | Op::Blur(_) => Err(ExecError::Malformed(v.at)),
        Op::Constant { value, shape } => one(constant(s, *value, *shape)),
        Op::Xor(a, b) => one(Column::Bits(v.bits(*a)?.xor(v.bits(*b)?))),
        Op::And(a, b) => one(Column::Bits(mpc::and(s, v.bits(*a)?, v.bits(*b)?)?)),
        Op::Not(a) => one(Column::Bits(v.bits(*a)?.not(s.role()))),
        Op::Concat(parts) => {
            let reversed: Vec<Ref> = parts.iter().rev().copied().collect();
            one(Column::Bits(v.stacked(&reversed, 0)?))
        }
        Op::Slice { of, from, width } => {
            one(Column::Bits(v.bits(*of)?.bit_range(usize::from(*from), usize::from(*width))))
        }
        Op::EqBits(a, b) => one(Column::Bits(mpc::eq_bits(s, v.bits(*a)?, v.bits(*b)?)?)),
        Op::LtBits(a, b) => one(Column::Bits(mpc::lt_bits(s, v.bits(*a)?, v.bits(*b)?)?)),
        Op::Add(of, _)
        | Op::Sub(of, _)
        | Op::Mul(of, _)
        | Op::Affine { of, .. }
        | Op::Lt { a: of, .. }
        | Op::Eq { a: of, .. }
        | Op::ToBits { of, .. } => one(words::apply(s, op, *of, v)?),
        Op::Inject(of) => one(Column::Z64(ones.injected::<Z64>(s, *of, v)?.clone())),
        Op::ToWord { of, min } => one(words::from_bits::<Z64>(s, v.bits(*of)?, *min)?),
        Op::ToWide { of, min } => one(words::from_bits::<Z128>(s, v.bits(*of)?, *min)?),
        Op::Mask { of, by } => one(match v.column(*of)? {
            Column::Bits(bits) => Column::Bits(mpc::mask_bits(s, bits, v.bits(*by)?)?),
            Column::Z128(_) => words::mask::<Z128>(s, (*of, *by), v, ones)?,
            _ => words::mask::<Z64>(s, (*of, *by), v, ones)?,
        }),
        Op::Select { by, yes, no } => one(match v.column(*yes)? {
            Column::Bits(yes) => {
                Column::Bits(mpc::select_bits(s, v.bits(*by)?, yes, v.bits(*no)?)?)
            }
            Column::Z128(_) => words::select::<Z128>(s, *by, (*yes, *no), v, ones)?,
            _ => words::select::<Z64>(s, *by, (*yes, *no), v, ones)?,
        }),
        Op::Join { .. } => join(s, op, v),
        Op::GroupBy { .. } => group_by(s, op, v),
        Op::Sort { live, keys, columns } => {
            let live = v.bits(*live)?;
            let key = v.sort_key(keys, live.rows(), s)?;
            let (live, moved) = relational::order_by(s, live, &key, &v.columns(columns)?)?;
            Ok(std::iter::once(Column::Bits(live)).chain(moved).collect())
        }
        Op::Shuffle { columns } => {
            let columns = v.columns(columns)?;
            let rows = columns.first().map_or(0, Column::rows);
            Ok(Shuffle::draw(s, rows).apply(s, &columns)?)
        }
        Op::Head { of, rows } => {
            let column = v.column(*of)?;
            let rows = usize::try_from(*rows).unwrap_or(usize::MAX).min(column.rows());
            one(column.row_range(0, rows))
        }
        Op::Spread { of, rows } => {
            let rows = usize::try_from(*rows).unwrap_or(usize::MAX);
            one(Column::Bits(spread(v.bits(*of)?, rows)))
        }
    }
}

pub(super) fn constant(s: &Session, value: i128, shape: Shape) -> Column {
    let rows = usize::try_from(shape.rows).unwrap_or(usize::MAX);
    let role = s.role();
    match shape.kind {
        Kind::Bits(width) => {
            // Bits beyond 128 are 0.
            let width = usize::from(width);
            let mut planes = vec![0; width * rows.div_ceil(64)];
            let known = width.min(Z128::BITS);
            let used = &mut planes[..known * rows.div_ceil(64)];
            Z128::to_planes(&vec![value.cast_unsigned(); rows], known, used);
            Column::Bits(Bits::from_planes(rows, width, Shared::public(role, &planes)))
        }
        Kind::Z64 => Column::Z64(Shared::public(role, &vec![Z64::from_i128(value); rows])),
        Kind::Z128 => Column::Z128(Shared::public(role, &vec![Z128::from_i128(value); rows])),
    }
}

/// One bit for each of so many rows: its summands, repeated.
fn spread(bit: &Bits, rows: usize) -> Bits {
    let all = bit.planes().map::<B64>(|plane| {
        let ones = 0_u64.wrapping_sub(plane.first().map_or(0, |word| word & 1));
        std::iter::repeat_n(ones, rows.div_ceil(64)).collect()
    });
    let mut bits = Bits::from_planes(rows, 1, all);
    bits.clear_beyond_rows();
    bits
}

fn join(s: &mut Session, op: &Op, v: &Values<'_>) -> Result<Vec<Column>, ExecError> {
    let Op::Join { left_key, left_live, left_sorted, columns, right_key, right_live } = op else {
        return Err(ExecError::Malformed(v.at));
    };
    let columns = v.columns(columns)?;
    let sides = relational::Join {
        left_key: v.bits(*left_key)?,
        left_live: v.bits(*left_live)?,
        left_sorted: *left_sorted,
        columns: &columns,
        right_key: v.bits(*right_key)?,
        right_live: v.bits(*right_live)?,
    };
    let joined = relational::join(s, &sides)?;
    Ok(std::iter::once(Column::Bits(joined.matched)).chain(joined.columns).collect())
}

fn group_by(s: &mut Session, op: &Op, v: &Values<'_>) -> Result<Vec<Column>, ExecError> {
    let Op::GroupBy { keys, live, sums, extremes, groups } = op else {
        return Err(ExecError::Malformed(v.at));
    };
    let live = v.bits(*live)?;
    let key = v.stacked(keys, live.rows())?;
    let sums = v.columns(sums)?;
    if sums.iter().any(|sum| !matches!(sum, Column::Z64(_) | Column::Z128(_))) {
        return Err(v.malformed());
    }
    let extremes: Result<Vec<_>, ExecError> = extremes
        .iter()
        .map(|e| Ok(relational::Extreme { of: v.bits(e.of)?, largest: e.largest }))
        .collect();
    let grouped = relational::group_by(
        s,
        &relational::GroupBy {
            keys: &key,
            live,
            sums: &sums,
            extremes: &extremes?,
            groups: usize::try_from(*groups).unwrap_or(usize::MAX),
        },
    )?;
    let mut out = vec![Column::Bits(grouped.live)];
    // The keys come back as they went in: the first in the highest bits.
    let mut above = key.width();
    for r in keys {
        let width = v.bits(*r)?.width();
        above -= width;
        out.push(Column::Bits(grouped.keys.bit_range(above, width)));
    }
    out.extend(grouped.sums);
    out.extend(grouped.extremes.into_iter().map(Column::Bits));
    Ok(out)
}
