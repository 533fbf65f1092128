//! The meaning of a plan: its operations on clear columns, as one trusted party would run them. For tests: whatever runs on
//! shares must open to what this gives.
//!
//! Where the format leaves a value open (columns brought over by a join that found nothing), this writes a pattern, so that a
//! plan that relies on it fails.

use super::{
    check::{PlanError, check},
    clear_tables::{group, join, sort},
    decode::{Opened, OpenedColumn},
    encoded::{EncodedColumn, EncodedInput},
    ir::{Kind, Op, Plan, Ref, Shape},
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
}

impl Column {
    /// One bit a row.
    #[must_use]
    pub fn flags(bits: impl IntoIterator<Item = bool>) -> Self {
        Self::Bits(1, bits.into_iter().map(|b| small(u64::from(b))).collect())
    }

    /// Rows as booleans: their lowest bits.
    #[must_use]
    pub fn to_flags(&self) -> Vec<bool> {
        self.to_words().iter().map(|w| w & 1 == 1).collect()
    }

    /// Rows as words: the lowest 64 bits.
    #[must_use]
    pub fn to_words(&self) -> Vec<u64> {
        match self {
            Self::Bits(_, rows) => rows.iter().map(|r| r[0]).collect(),
            Self::Words(rows) => rows.clone(),
        }
    }

    /// How many rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        match self {
            Self::Bits(_, rows) => rows.len(),
            Self::Words(rows) => rows.len(),
        }
    }

    pub(super) fn limbs(&self) -> Vec<Limbs> {
        match self {
            Self::Bits(_, rows) => rows.clone(),
            Self::Words(rows) => rows.iter().map(|w| small(*w)).collect(),
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
        let outputs = step(op, shapes, &done, inputs);
        for (column, shape) in outputs.iter().zip(shapes) {
            let kind = match column {
                Column::Bits(width, _) => Kind::Bits(*width),
                Column::Words(_) => Kind::Z64,
            };
            assert_eq!((kind, column.rows() as u64), (shape.kind, shape.rows), "{op:?}");
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
    let done = run(plan, inputs)?;
    let at = |r: Ref| &done[r.0 as usize][r.1 as usize];
    let column = |c: &super::ir::OutputColumn| OpenedColumn {
        value: at(c.value).to_words(),
        present: c.present.map(|p| at(p).to_flags()),
        divisor: c.divisor.map(|d| at(d).to_words()),
    };
    Ok(Opened {
        live: at(plan.output.live).to_flags(),
        columns: plan.output.columns.iter().map(column).collect(),
    })
}

fn step(op: &Op, shapes: &[Shape], done: &[Vec<Column>], inputs: &[EncodedInput]) -> Vec<Column> {
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
        other => vec![single(other, shapes[0], &at)],
    }
}

fn input_columns(input: &EncodedInput) -> Vec<Column> {
    let column = |c: &EncodedColumn| match c {
        EncodedColumn::Bits { width, rows } => {
            Column::Bits(*width, rows.iter().map(|r| cut(&small(*r), *width)).collect())
        }
        EncodedColumn::Words(rows) => Column::Words(rows.clone()),
    };
    let live = Column::flags(input.live.iter().copied());
    input.columns.iter().map(column).chain([live]).collect()
}

fn single<'c>(op: &Op, shape: Shape, at: &dyn Fn(&Ref) -> &'c Column) -> Column {
    let width = match shape.kind {
        Kind::Bits(width) => width,
        Kind::Z64 => 64,
    };
    let bits = |a: &Ref, b: &Ref, f: fn(u64, u64) -> u64| {
        let pairs = at(a).limbs().into_iter().zip(at(b).limbs());
        let rows = pairs.map(|(x, y)| std::array::from_fn(|i| f(x[i], y[i])));
        Column::Bits(width, rows.collect())
    };
    let words = |a: &Ref, b: &Ref, f: fn(u64, u64) -> u64| {
        let pairs = at(a).to_words().into_iter().zip(at(b).to_words());
        Column::Words(pairs.map(|(x, y)| f(x, y)).collect())
    };
    let each = |a: &Ref, f: &dyn Fn(u64) -> u64| {
        Column::Words(at(a).to_words().into_iter().map(f).collect())
    };
    let test = |a: &Ref, b: &Ref, f: &dyn Fn(&Limbs, &Limbs) -> bool| {
        Column::flags(at(a).limbs().iter().zip(&at(b).limbs()).map(|(x, y)| f(x, y)))
    };
    match op {
        Op::Constant { value, .. } => {
            let rows = usize::try_from(shape.rows).unwrap_or(usize::MAX);
            let value = value.cast_unsigned();
            match shape.kind {
                Kind::Z64 => Column::Words(vec![value; rows]),
                Kind::Bits(width) => Column::Bits(width, vec![cut(&small(value), width); rows]),
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
        Op::Add(a, b) => words(a, b, u64::wrapping_add),
        Op::Sub(a, b) => words(a, b, u64::wrapping_sub),
        Op::Mul(a, b) => words(a, b, u64::wrapping_mul),
        Op::Affine { of, by, plus } => {
            each(of, &|x| x.wrapping_mul(by.cast_unsigned()).wrapping_add(plus.cast_unsigned()))
        }
        // The sign of a difference that fits: its bit `width`.
        Op::Lt { a, b, width } => test(a, b, &|x, y| x[0].wrapping_sub(y[0]) >> width & 1 == 1),
        Op::Eq { a, b, width } => {
            test(a, b, &|x, y| cut(&small(x[0].wrapping_sub(y[0])), width + 1) == small(0))
        }
        Op::Inject(of) => each(of, &|x| x & 1),
        Op::ToBits { of, min, .. } => {
            let low = |x: u64| cut(&small(x.wrapping_sub(min.cast_unsigned())), width);
            Column::Bits(width, at(of).to_words().into_iter().map(low).collect())
        }
        Op::ToWord { of, min } => each(of, &|x| x.wrapping_add(min.cast_unsigned())),
        Op::Mask { of, by } => {
            let kept = at(by).to_flags().into_iter().enumerate();
            at(of).take(&kept.map(|(i, k)| k.then_some(i)).collect::<Vec<_>>(), 0)
        }
        Op::Select { by, yes, no } => {
            let by = at(by).to_flags();
            let pairs = at(yes).limbs().into_iter().zip(at(no).limbs()).zip(by);
            let rows: Vec<Limbs> = pairs.map(|((y, n), by)| if by { y } else { n }).collect();
            match shape.kind {
                Kind::Bits(width) => Column::Bits(width, rows),
                Kind::Z64 => Column::Words(rows.iter().map(|r| r[0]).collect()),
            }
        }
        Op::Head { of, rows } => {
            let rows = usize::try_from(*rows).unwrap_or(usize::MAX);
            at(of).take(&(0..rows).map(Some).collect::<Vec<_>>(), 0)
        }
        Op::Input { .. } | Op::Join { .. } | Op::GroupBy { .. } | Op::Sort { .. } => {
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

fn small(word: u64) -> Limbs {
    let mut limbs = [0; LIMBS];
    limbs[0] = word;
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
