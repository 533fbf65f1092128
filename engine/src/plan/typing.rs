//! The shapes that each operation takes and gives.

use super::{
    blur::Blur,
    check::MAX_ROWS,
    circuit::{circuit_task, input_of},
    ir::{Encoding, Kind, Op, Plan, Shape},
    many::check_many,
    psi::{Intersect, Learns, Match},
    refs::Ref,
};

/// Most bits a column may have.
const MAX_WIDTH: u16 = 1 << 12;

/// Shapes of all outputs of the nodes so far.
#[derive(Debug, Default)]
pub(super) struct Shapes(Vec<Vec<Shape>>);

impl Shapes {
    pub(super) fn push(&mut self, outputs: Vec<Shape>) {
        self.0.push(outputs);
    }

    pub(super) fn into_vec(self) -> Vec<Vec<Shape>> {
        self.0
    }

    pub(super) fn of(&self, at: Ref) -> Result<Shape, String> {
        let node = self.0.get(at.0 as usize);
        let node = node.ok_or_else(|| format!("names n{}, which does not come before", at.0))?;
        let shape = node.get(at.1 as usize);
        shape
            .copied()
            .ok_or_else(|| format!("names output {} of n{}, which has {}", at.1, at.0, node.len()))
    }

    fn bits(&self, at: Ref) -> Result<(u16, u64), String> {
        match self.of(at)? {
            Shape { kind: Kind::Bits(width), rows } => Ok((width, rows)),
            Shape { kind, .. } => Err(format!("n{}.{} is {kind:?}, bits are due", at.0, at.1)),
        }
    }

    fn bit(&self, at: Ref) -> Result<u64, String> {
        match self.bits(at)? {
            (1, rows) => Ok(rows),
            (width, _) => Err(format!("n{}.{} has {width} bits, one is due", at.0, at.1)),
        }
    }

    /// A column of words, in either ring.
    fn word(&self, at: Ref) -> Result<Shape, String> {
        match self.of(at)? {
            Shape { kind: Kind::Bits(_), .. } => {
                Err(format!("n{}.{} is bits, words are due", at.0, at.1))
            }
            words => Ok(words),
        }
    }
}

fn equal<T: PartialEq + std::fmt::Debug>(a: T, b: T, what: &str) -> Result<T, String> {
    if a == b { Ok(a) } else { Err(format!("{what} differ: {a:?} and {b:?}")) }
}

fn width_in(width: u16, most: u16) -> Result<u16, String> {
    let fits = (1..=most).contains(&width);
    fits.then_some(width).ok_or_else(|| format!("{width} bits, 1 to {most} are allowed"))
}

fn rows_of(rows: impl Iterator<Item = Result<u64, String>>, want: u64) -> Result<(), String> {
    for found in rows {
        equal(found?, want, "row counts")?;
    }
    Ok(())
}

const fn bits(width: u16, rows: u64) -> Shape {
    Shape { kind: Kind::Bits(width), rows }
}

const fn word(rows: u64) -> Shape {
    Shape { kind: Kind::Z64, rows }
}

/// Bits of a word.
const fn ring_bits(words: Shape) -> u16 {
    match words.kind {
        Kind::Z128 => 128,
        _ => 64,
    }
}

/// The shapes an operation gives, or what does not fit.
pub(super) fn outputs(op: &Op, plan: &Plan, s: &Shapes) -> Result<Vec<Shape>, String> {
    match op {
        Op::Input { input } => input_outputs(plan, *input),
        Op::Join { .. } => join(op, s),
        Op::GroupBy { .. } => group(op, s),
        Op::Sort { live, keys, columns } => {
            let rows = s.bit(*live)?;
            rows_of(keys.iter().map(|k| s.bits(k.of).map(|b| b.1)), rows)?;
            rows_of(columns.iter().map(|c| s.of(*c).map(|x| x.rows)), rows)?;
            [live].into_iter().chain(columns).map(|c| s.of(*c)).collect()
        }
        Op::Shuffle { columns } => {
            let first = *columns.first().ok_or("no columns")?;
            rows_of(columns.iter().map(|c| s.of(*c).map(|x| x.rows)), s.of(first)?.rows)?;
            columns.iter().map(|c| s.of(*c)).collect()
        }
        Op::Match(of) => matched(of, plan),
        Op::Lookup(of) => of.fault(plan).map(|()| Vec::new()),
        Op::Many(of) => check_many(plan, of).map(|()| Vec::new()),
        Op::Intersect(of) => intersected(of, plan, s),
        Op::Bucketwise(of) => of.typed(plan),
        Op::Train(of) => {
            of.fault(plan)?;
            let rows = of.rows()?;
            let fits = rows <= MAX_ROWS;
            fits.then(|| vec![bits(1, rows), word(rows)]).ok_or_else(|| format!("{rows} rows"))
        }
        Op::TrainVertical(of) => of.typed(|at| s.of(at)),
        Op::Score(of) => of.typed(|at| s.of(at)),
        Op::Blur(of) => blurred(of, s),
        Op::Require(of) => equal(s.bit(*of)?, 1, "row counts").map(|_| Vec::new()),
        Op::Tell(of) => {
            of.check(plan)?;
            of.output.layout().into_iter().try_for_each(|r| s.of(r).map(drop))?;
            Ok(Vec::new())
        }
        other => one_output(other, s).map(|shape| vec![shape]),
    }
}

fn one_output(op: &Op, s: &Shapes) -> Result<Shape, String> {
    match op {
        Op::Constant { shape, .. } => {
            if let Kind::Bits(width) = shape.kind {
                width_in(width, MAX_WIDTH)?;
            }
            let fits = shape.rows > 0 && shape.rows <= MAX_ROWS;
            fits.then_some(*shape).ok_or_else(|| format!("{} rows", shape.rows))
        }
        Op::Xor(a, b) | Op::And(a, b) => {
            let (width, rows) = equal(s.bits(*a)?, s.bits(*b)?, "widths or row counts")?;
            Ok(bits(width, rows))
        }
        Op::Not(a) => s.bits(*a).map(|(width, rows)| bits(width, rows)),
        Op::Concat(parts) => concat(parts, s),
        Op::Slice { of, from, width } => {
            let (all, rows) = s.bits(*of)?;
            let inside = *width > 0 && from.checked_add(*width).is_some_and(|end| end <= all);
            inside
                .then_some(bits(*width, rows))
                .ok_or_else(|| format!("{width} bits from bit {from} of {all}"))
        }
        Op::EqBits(a, b) | Op::LtBits(a, b) => {
            let (_, rows) = equal(s.bits(*a)?, s.bits(*b)?, "widths or row counts")?;
            Ok(bits(1, rows))
        }
        Op::Add(a, b) | Op::Sub(a, b) | Op::Mul(a, b) => {
            equal(s.word(*a)?, s.word(*b)?, "rings or row counts")
        }
        Op::Affine { of, .. } => s.word(*of),
        Op::Lt { a, b, width } | Op::Eq { a, b, width } => {
            let shape = equal(s.word(*a)?, s.word(*b)?, "rings or row counts")?;
            width_in(*width, ring_bits(shape) - 1)?;
            Ok(bits(1, shape.rows))
        }
        Op::Inject(of) => s.bit(*of).map(word),
        Op::ToBits { of, width, .. } => {
            let shape = s.word(*of)?;
            Ok(bits(width_in(*width, ring_bits(shape))?, shape.rows))
        }
        Op::ToWord { of, .. } => {
            let (width, rows) = s.bits(*of)?;
            width_in(width, 64).map(|_| word(rows))
        }
        Op::ToWide { of, .. } => {
            let (width, rows) = s.bits(*of)?;
            width_in(width, 128).map(|_| Shape { kind: Kind::Z128, rows })
        }
        Op::Mask { of, by } => {
            let shape = s.of(*of)?;
            equal(shape.rows, s.bit(*by)?, "row counts").map(|_| shape)
        }
        Op::Select { by, yes, no } => {
            let shape = equal(s.of(*yes)?, s.of(*no)?, "shapes")?;
            equal(shape.rows, s.bit(*by)?, "row counts").map(|_| shape)
        }
        Op::Head { of, rows } => {
            let shape = s.of(*of)?;
            let fits = *rows <= shape.rows;
            fits.then_some(Shape { rows: *rows, ..shape })
                .ok_or_else(|| format!("the first {rows} of {} rows", shape.rows))
        }
        Op::Spread { of, rows } => {
            equal(s.bit(*of)?, 1, "row counts")?;
            let fits = (1..=MAX_ROWS).contains(rows);
            fits.then_some(bits(1, *rows)).ok_or_else(|| format!("{rows} rows"))
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
        | Op::Intersect(_) => Err("has several outputs".into()),
    }
}

/// Two sets of two parties, neither of them shared.
fn matched(of: &Match, plan: &Plan) -> Result<Vec<Shape>, String> {
    let set = |at: u32| {
        let input = plan.inputs.get(at as usize).ok_or_else(|| format!("names input {at}"))?;
        if !input.is_at_home() {
            return Err(format!("input {at} is no set that its owner keeps"));
        }
        Ok(input)
    };
    if set(of.sender)?.party == set(of.receiver)?.party {
        return Err("intersects two sets of one party".into());
    }
    let learns = |at: u32| at == of.receiver || (of.learns == Learns::Both && at == of.sender);
    match of.results.iter().find(|keeps| !learns(keeps.input)) {
        Some(keeps) => {
            Err(format!("keeps rows of input {}, whose owner learns nothing", keeps.input))
        }
        None => Ok(Vec::new()),
    }
}

fn blurred(of: &Blur, s: &Shapes) -> Result<Vec<Shape>, String> {
    of.check()?;
    let shapes = of.columns.iter().map(|column| s.of(*column)).collect::<Result<Vec<_>, _>>()?;
    for shape in &shapes {
        equal(*shape, word(shapes[0].rows), "shapes")?;
    }
    Ok(shapes)
}

fn intersected(of: &Intersect, plan: &Plan, s: &Shapes) -> Result<Vec<Shape>, String> {
    let rows = circuit_task(plan, of)?.bins() as u64;
    let column = |r: &Ref| s.of(*r).map(|shape| Shape { rows, ..shape });
    let columns = of.columns.iter().map(column).collect::<Result<Vec<_>, _>>()?;
    Ok([bits(1, rows)].into_iter().chain(columns).collect())
}

fn concat(parts: &[Ref], s: &Shapes) -> Result<Shape, String> {
    let first = parts.first().ok_or("joins no columns")?;
    let (_, rows) = s.bits(*first)?;
    let mut width = 0_u16;
    for part in parts {
        let (own, found) = s.bits(*part)?;
        equal(found, rows, "row counts")?;
        width = width.saturating_add(own);
    }
    Ok(bits(width_in(width, MAX_WIDTH)?, rows))
}

/// The shape of a column of an input.
pub(super) fn input_shape(plan: &Plan, r: Ref) -> Result<Shape, String> {
    let input = input_of(plan, r).ok_or_else(|| format!("n{} is no input", r.0))?;
    let shape = input_outputs(plan, input)?.get(r.1 as usize).copied();
    shape.ok_or_else(|| format!("names output {} of n{}", r.1, r.0))
}

fn input_outputs(plan: &Plan, input: u32) -> Result<Vec<Shape>, String> {
    let index = input as usize;
    let input = plan.inputs.get(index).ok_or_else(|| format!("names input {index}"))?;
    let shape = |e: &Encoding| Shape { kind: e.kind(), rows: input.rows };
    let columns = input.columns.iter().map(|c| shape(&c.encoding));
    Ok(columns.chain([bits(1, input.rows)]).collect())
}

fn join(op: &Op, s: &Shapes) -> Result<Vec<Shape>, String> {
    let Op::Join { left_key, left_live, columns, right_key, right_live, .. } = op else {
        return Err("is no join".into());
    };
    let (left_width, left_rows) = s.bits(*left_key)?;
    let (right_width, right_rows) = s.bits(*right_key)?;
    equal(left_width, right_width, "key widths")?;
    equal(left_rows, s.bit(*left_live)?, "row counts on the left")?;
    equal(right_rows, s.bit(*right_live)?, "row counts on the right")?;
    let mut outputs = vec![bits(1, right_rows)];
    for column in columns {
        let shape = s.of(*column)?;
        equal(shape.rows, left_rows, "row counts on the left")?;
        outputs.push(Shape { rows: right_rows, ..shape });
    }
    Ok(outputs)
}

fn group(op: &Op, s: &Shapes) -> Result<Vec<Shape>, String> {
    let Op::GroupBy { keys, live, sums, extremes, groups } = op else {
        return Err("is no grouping".into());
    };
    let rows = s.bit(*live)?;
    let least = u64::from(!keys.is_empty());
    if *groups == 0 || *groups > rows.max(1) || (least == 0 && *groups != 1) {
        return Err(format!("{groups} groups of {rows} rows"));
    }
    let mut outputs = vec![bits(1, *groups)];
    for key in keys {
        let (width, found) = s.bits(*key)?;
        equal(found, rows, "row counts")?;
        outputs.push(bits(width, *groups));
    }
    for sum in sums {
        let shape = s.word(*sum)?;
        equal(shape.rows, rows, "row counts")?;
        outputs.push(Shape { rows: *groups, ..shape });
    }
    for extreme in extremes {
        let (width, found) = s.bits(extreme.of)?;
        equal(found, rows, "row counts")?;
        outputs.push(bits(width, *groups));
    }
    Ok(outputs)
}
