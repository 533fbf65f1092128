//! The meaning of a plan: its operations on clear columns, as one trusted party would run them. For tests: whatever runs on
//! shares must open to what this gives.
//!
//! Where the format leaves a value open (columns brought over by a join that found nothing), this writes a pattern, so that a
//! plan that relies on it fails.

use super::{
    check::{PlanError, check},
    clear_buckets::bucketwise,
    clear_tables::{group, intersect, join, sort},
    clear_vertical::{score, vertical},
    decode::{Opened, OpenedColumn},
    encoded::{EncodedColumn, EncodedInput},
    ir::{Kind, Op, Plan, Shape},
    output::{Output, OutputColumn},
    refs::Ref,
};

/// Most bits of a column here.
pub const LIMBS: usize = 4;

/// Bits of one row, lowest first.
pub type Limbs = [u64; LIMBS];

/// A clear column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Column {
    /// Unsigned integers of this many bits.
    Bits(u16, Vec<Limbs>),
    /// Z64.
    Words(Vec<u64>),
    /// Z128.
    Wide(Vec<u128>),
}

impl Column {
    /// One bit a row.
    #[must_use]
    pub fn flags(bits: impl IntoIterator<Item = bool>) -> Self {
        Self::Bits(1, bits.into_iter().map(|b| small(b.into())).collect())
    }

    /// Rows as booleans: their lowest bits.
    #[must_use]
    pub fn to_flags(&self) -> Vec<bool> {
        self.to_words().iter().map(|w| w & 1 == 1).collect()
    }

    /// Rows as words: the lowest 128 bits, without a sign.
    #[must_use]
    pub fn to_words(&self) -> Vec<u128> {
        match self {
            Self::Bits(_, rows) => {
                rows.iter().map(|r| u128::from(r[1]) << 64 | u128::from(r[0])).collect()
            }
            Self::Words(rows) => rows.iter().map(|w| (*w).into()).collect(),
            Self::Wide(rows) => rows.clone(),
        }
    }

    /// Rows as the integers that the buyer opens: words with their sign.
    #[must_use]
    pub fn to_integers(&self) -> Vec<i128> {
        match self {
            Self::Words(rows) => rows.iter().map(|w| w.cast_signed().into()).collect(),
            _ => self.to_words().into_iter().map(u128::cast_signed).collect(),
        }
    }

    /// Words of this kind: those beyond it are taken modulo its ring.
    pub(super) fn words(kind: Kind, rows: impl Iterator<Item = u128>) -> Self {
        match kind {
            Kind::Z128 => Self::Wide(rows.collect()),
            #[expect(clippy::cast_possible_truncation, reason = "modulo 2^64 is what Z64 means")]
            _ => Self::Words(rows.map(|w| w as u64).collect()),
        }
    }

    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Bits(width, _) => Kind::Bits(*width),
            Self::Words(_) => Kind::Z64,
            Self::Wide(_) => Kind::Z128,
        }
    }

    /// Its rows, then those of another of the same kind.
    pub(super) fn above(self, other: Self) -> Self {
        match (self, other) {
            (Self::Bits(width, mut rows), Self::Bits(_, below)) => {
                rows.extend(below);
                Self::Bits(width, rows)
            }
            (Self::Words(mut rows), Self::Words(below)) => {
                rows.extend(below);
                Self::Words(rows)
            }
            (Self::Wide(mut rows), Self::Wide(below)) => {
                rows.extend(below);
                Self::Wide(rows)
            }
            _ => unreachable!("columns of one kind"),
        }
    }

    /// How many rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        match self {
            Self::Bits(_, rows) => rows.len(),
            Self::Words(rows) => rows.len(),
            Self::Wide(rows) => rows.len(),
        }
    }

    pub(super) fn limbs(&self) -> Vec<Limbs> {
        match self {
            Self::Bits(_, rows) => rows.clone(),
            _ => self.to_words().into_iter().map(small).collect(),
        }
    }

    /// The rows at these places; `None` gives `missing`.
    pub(super) fn take(&self, places: &[Option<usize>], missing: u64) -> Self {
        match self {
            Self::Bits(width, rows) => {
                let missing = cut(&[missing; LIMBS], *width);
                Self::Bits(*width, places.iter().map(|p| p.map_or(missing, |p| rows[p])).collect())
            }
            Self::Words(rows) => {
                Self::Words(places.iter().map(|p| p.map_or(missing, |p| rows[p])).collect())
            }
            Self::Wide(rows) => {
                let missing = missing.into();
                Self::Wide(places.iter().map(|p| p.map_or(missing, |p| rows[p])).collect())
            }
        }
    }
}

/// Runs a plan on the encoded inputs; gives every output of every node.
///
/// # Errors
/// If the plan is none.
///
/// # Panics
/// If inputs have other shapes than the plan says, a column is wider than 256 bits, or a promise of the plan is broken (keys
/// of a unique side that are not unique, more groups than the bound): for tests.
pub fn run(plan: &Plan, inputs: &[EncodedInput]) -> Result<Vec<Vec<Column>>, PlanError> {
    let shapes = check(plan)?;
    let mut done: Vec<Vec<Column>> = Vec::new();
    for (op, shapes) in plan.nodes.iter().zip(&shapes) {
        let outputs = step(op, plan, (shapes, &done), inputs);
        for (column, shape) in outputs.iter().zip(shapes) {
            assert_eq!((column.kind(), column.rows() as u64), (shape.kind, shape.rows), "{op:?}");
        }
        done.push(outputs);
    }
    Ok(done)
}

/// What the buyer opens.
///
/// # Errors
/// As [`run`].
///
/// # Panics
/// As [`run`].
pub fn open(plan: &Plan, inputs: &[EncodedInput]) -> Result<Opened, PlanError> {
    Ok(opened(&plan.output, &run(plan, inputs)?))
}

/// What owners open ([`Op::Tell`]), if they open anything.
///
/// # Errors
/// As [`run`].
///
/// # Panics
/// As [`run`].
pub fn told(plan: &Plan, inputs: &[EncodedInput]) -> Result<Option<Opened>, PlanError> {
    let done = run(plan, inputs)?;
    Ok(plan.nodes.iter().find_map(|op| match op {
        Op::Tell(of) => Some(opened(&of.output, &done)),
        _ => None,
    }))
}

/// Whether a run goes on to its end: every bit that it requires is 1.
///
/// # Errors
/// As [`run`].
///
/// # Panics
/// As [`run`].
pub fn goes_on(plan: &Plan, inputs: &[EncodedInput]) -> Result<bool, PlanError> {
    let done = run(plan, inputs)?;
    Ok(plan.nodes.iter().all(|op| match op {
        Op::Require(of) => done[of.0 as usize][of.1 as usize].to_flags()[0],
        _ => true,
    }))
}

fn opened(output: &Output, done: &[Vec<Column>]) -> Opened {
    let at = |r: Ref| &done[r.0 as usize][r.1 as usize];
    let column = |c: &OutputColumn| OpenedColumn {
        value: at(c.value).to_integers(),
        present: c.present.map(|p| at(p).to_flags()),
        divisor: c.divisor.map(|d| at(d).to_integers()),
    };
    Opened {
        live: at(output.live).to_flags(),
        columns: output.columns.iter().map(column).collect(),
    }
}

pub(super) fn step(
    op: &Op,
    plan: &Plan,
    (shapes, done): (&[Shape], &[Vec<Column>]),
    inputs: &[EncodedInput],
) -> Vec<Column> {
    let at = |r: &Ref| &done[r.0 as usize][r.1 as usize];
    match op {
        Op::Input { input } => input_columns(&inputs[*input as usize]),
        Op::Join { left_key, left_live, left_sorted, columns, right_key, right_live } => {
            let columns: Vec<&Column> = columns.iter().map(at).collect();
            let left = (at(left_key), at(left_live), *left_sorted);
            join(left, &columns, (at(right_key), at(right_live)))
        }
        Op::GroupBy { keys, live, sums, extremes, groups } => {
            let keys: Vec<&Column> = keys.iter().map(at).collect();
            let sums: Vec<&Column> = sums.iter().map(at).collect();
            let extremes: Vec<_> = extremes.iter().map(|e| (at(&e.of), e.largest)).collect();
            group(&keys, at(live), &sums, &extremes, usize::try_from(*groups).unwrap_or(usize::MAX))
        }
        Op::Sort { live, keys, columns } => {
            let keys: Vec<_> = keys.iter().map(|k| (at(&k.of), k.descending)).collect();
            let columns: Vec<&Column> = columns.iter().map(at).collect();
            sort(at(live), &keys, &columns)
        }
        // Every order is one that may come out.
        Op::Shuffle { columns } => columns.iter().map(|r| at(r).clone()).collect(),
        Op::Match(_) | Op::Many(_) | Op::Lookup(_) | Op::Tell(_) | Op::Require(_) => Vec::new(),
        Op::Train(_) => unreachable!(
            "updates come in rounds, by the order in which rows are seen: see the tests of rounds"
        ),
        Op::TrainVertical(of) => vertical(of, &at),
        Op::Score(of) => vec![score(of, &at)],
        // As with noise of 0.
        Op::Blur(of) => of.columns.iter().map(|r| at(r).clone()).collect(),
        Op::Intersect(of) => intersect(of, shapes, done, inputs),
        Op::Bucketwise(of) => bucketwise(of, plan, done, inputs),
        other => vec![single(other, shapes[0], &at)],
    }
}

fn input_columns(input: &EncodedInput) -> Vec<Column> {
    let column = |c: &EncodedColumn| match c {
        EncodedColumn::Bits { width, rows } => {
            Column::Bits(*width, rows.iter().map(|r| cut(&small((*r).into()), *width)).collect())
        }
        EncodedColumn::WideBits { width, rows } => {
            Column::Bits(*width, rows.iter().map(|r| cut(&small(*r), *width)).collect())
        }
        EncodedColumn::Words(rows) => Column::Words(rows.clone()),
        EncodedColumn::Wide(rows) => Column::Wide(rows.clone()),
    };
    let live = Column::flags(input.live.iter().copied());
    input.columns.iter().map(column).chain([live]).collect()
}

fn single<'c>(op: &Op, shape: Shape, at: &dyn Fn(&Ref) -> &'c Column) -> Column {
    let width = match shape.kind {
        Kind::Bits(width) => width,
        Kind::Z64 | Kind::Z128 => 0,
    };
    let bits = |a: &Ref, b: &Ref, f: fn(u64, u64) -> u64| {
        let pairs = at(a).limbs().into_iter().zip(at(b).limbs());
        let rows = pairs.map(|(x, y)| std::array::from_fn(|i| f(x[i], y[i])));
        Column::Bits(width, rows.collect())
    };
    let words = |a: &Ref, b: &Ref, f: fn(u128, u128) -> u128| {
        let pairs = at(a).to_words().into_iter().zip(at(b).to_words());
        Column::words(shape.kind, pairs.map(|(x, y)| f(x, y)))
    };
    let each = |a: &Ref, f: &dyn Fn(u128) -> u128| {
        Column::words(shape.kind, at(a).to_words().into_iter().map(f))
    };
    let difference = |a: &Ref, b: &Ref, f: &dyn Fn(u128) -> bool| {
        let pairs = at(a).to_words().into_iter().zip(at(b).to_words());
        Column::flags(pairs.map(|(x, y)| f(x.wrapping_sub(y))))
    };
    let test = |a: &Ref, b: &Ref, f: &dyn Fn(&Limbs, &Limbs) -> bool| {
        Column::flags(at(a).limbs().iter().zip(&at(b).limbs()).map(|(x, y)| f(x, y)))
    };
    match op {
        Op::Constant { value, .. } => {
            let rows = usize::try_from(shape.rows).unwrap_or(usize::MAX);
            let value = value.cast_unsigned();
            match shape.kind {
                Kind::Bits(width) => Column::Bits(width, vec![cut(&small(value), width); rows]),
                kind => Column::words(kind, std::iter::repeat_n(value, rows)),
            }
        }
        Op::Xor(a, b) => bits(a, b, |x, y| x ^ y),
        Op::And(a, b) => bits(a, b, |x, y| x & y),
        Op::Not(a) => {
            let rows = at(a).limbs().into_iter().map(|r| cut(&r.map(|l| !l), width));
            Column::Bits(width, rows.collect())
        }
        Op::Concat(parts) => concat(&parts.iter().map(at).collect::<Vec<_>>(), width),
        Op::Slice { of, from, .. } => {
            let rows =
                at(of).limbs().iter().map(|r| cut(&shifted(r, *from, false), width)).collect();
            Column::Bits(width, rows)
        }
        Op::EqBits(a, b) => test(a, b, &|x, y| x == y),
        Op::LtBits(a, b) => test(a, b, &|x, y| x.iter().rev().lt(y.iter().rev())),
        Op::Add(a, b) => words(a, b, u128::wrapping_add),
        Op::Sub(a, b) => words(a, b, u128::wrapping_sub),
        Op::Mul(a, b) => words(a, b, u128::wrapping_mul),
        Op::Affine { of, by, plus } => {
            each(of, &|x| x.wrapping_mul(by.cast_unsigned()).wrapping_add(plus.cast_unsigned()))
        }
        // The sign of a difference that fits: its bit `width`.
        Op::Lt { a, b, width } => difference(a, b, &|d| d >> width & 1 == 1),
        Op::Eq { a, b, width } => difference(a, b, &|d| cut(&small(d), width + 1) == small(0)),
        Op::Inject(of) => each(of, &|x| x & 1),
        Op::ToBits { of, min, .. } => {
            let low = |x: u128| cut(&small(x.wrapping_sub(min.cast_unsigned())), width);
            Column::Bits(width, at(of).to_words().into_iter().map(low).collect())
        }
        Op::ToWord { of, min } | Op::ToWide { of, min } => {
            each(of, &|x| x.wrapping_add(min.cast_unsigned()))
        }
        Op::Mask { of, by } => {
            let kept = at(by).to_flags().into_iter().enumerate();
            at(of).take(&kept.map(|(i, k)| k.then_some(i)).collect::<Vec<_>>(), 0)
        }
        Op::Select { by, yes, no } => {
            let by = at(by).to_flags();
            let pairs = at(yes).limbs().into_iter().zip(at(no).limbs()).zip(by);
            let rows: Vec<Limbs> = pairs.map(|((y, n), by)| if by { y } else { n }).collect();
            let chosen = Column::Bits(width, rows);
            match shape.kind {
                Kind::Bits(_) => chosen,
                kind => Column::words(kind, chosen.to_words().into_iter()),
            }
        }
        Op::Head { of, rows } => {
            let rows = usize::try_from(*rows).unwrap_or(usize::MAX);
            at(of).take(&(0..rows).map(Some).collect::<Vec<_>>(), 0)
        }
        Op::Spread { of, rows } => {
            let rows = usize::try_from(*rows).unwrap_or(usize::MAX);
            at(of).take(&vec![Some(0); rows], 0)
        }
        Op::Input { .. }
        | Op::Join { .. }
        | Op::GroupBy { .. }
        | Op::Sort { .. }
        | Op::Shuffle { .. }
        | Op::Match(_)
        | Op::Many(_)
        | Op::Tell(_)
        | Op::Lookup(_)
        | Op::Require(_)
        | Op::Blur(_)
        | Op::Train(_)
        | Op::TrainVertical(_)
        | Op::Score(_)
        | Op::Bucketwise(_)
        | Op::Intersect(_) => {
            unreachable!("has several outputs")
        }
    }
}

fn concat(parts: &[&Column], width: u16) -> Column {
    assert!(usize::from(width) <= 64 * LIMBS, "{width} bits are too many here");
    let mut rows = vec![small(0); parts[0].rows()];
    let mut from = 0;
    for part in parts {
        for (row, bits) in rows.iter_mut().zip(part.limbs()) {
            let bits = shifted(&bits, from, true);
            *row = std::array::from_fn(|i| row[i] | bits[i]);
        }
        let Column::Bits(own, _) = part else { unreachable!("only bits are joined") };
        from += own;
    }
    Column::Bits(width, rows)
}

fn small(word: u128) -> Limbs {
    let mut limbs = [0; LIMBS];
    #[expect(clippy::cast_possible_truncation, reason = "the lower half, then the upper one")]
    limbs[..2].copy_from_slice(&[word as u64, (word >> 64) as u64]);
    limbs
}

/// The lowest `width` bits.
fn cut(limbs: &Limbs, width: u16) -> Limbs {
    std::array::from_fn(|i| {
        let kept = usize::from(width).saturating_sub(64 * i).min(64);
        if kept == 64 { limbs[i] } else { limbs[i] & ((1 << kept) - 1) }
    })
}

/// Moved up or down by `by` bits.
fn shifted(limbs: &Limbs, by: u16, up: bool) -> Limbs {
    let (whole, rest) = (usize::from(by / 64), u32::from(by % 64));
    let limb = |i: Option<usize>| i.and_then(|i| limbs.get(i)).copied().unwrap_or(0);
    std::array::from_fn(|i| {
        let (near, far) = if up {
            (i.checked_sub(whole), i.checked_sub(whole + 1))
        } else {
            (Some(i + whole), Some(i + whole + 1))
        };
        let (near, far) = (limb(near), limb(far));
        match (rest, up) {
            (0, _) => near,
            (rest, true) => near << rest | far >> (64 - rest),
            (rest, false) => near >> rest | far << (64 - rest),
        }
    })
}
