//! Whether a plan is one: every operation names earlier columns of the right shape, and what is sealed was masked by the bit
//! that says whether its row is released.

use super::{
    ir::{Encoding, Kind, LocalInput, Op, PLAN_FORMAT, Plan, Shape},
    output::Output,
    refs::Ref,
    typing::{self, Shapes},
};

/// Most operations a plan may have.
const MAX_NODES: usize = 1 << 16;

/// Most rows a column may have.
pub(super) const MAX_ROWS: u64 = 1 << 32;

/// Why a plan is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// Made for another version of the format.
    #[error("plan format {found}, this engine runs format {PLAN_FORMAT}")]
    Format {
        /// The plan's.
        found: u32,
    },
    /// Another number of parties than its operations are for.
    #[error("{count} parties compute; its operations are for three, or for one that adds up")]
    Compute {
        /// How many.
        count: usize,
    },
    /// More operations or inputs than any statement gives.
    #[error("{count} operations, at most {MAX_NODES} are allowed")]
    Size {
        /// How many.
        count: usize,
    },
    /// An input contradicts itself.
    #[error("input {input}: {what}")]
    Input {
        /// Index in [`Plan::inputs`].
        input: usize,
        /// What is wrong.
        what: String,
    },
    /// An operation does not fit the columns it names.
    #[error("n{node}: {what}")]
    Op {
        /// Index in [`Plan::nodes`].
        node: usize,
        /// What is wrong.
        what: String,
    },
    /// The output does not fit, or could show rows that are not released.
    #[error("output column {column}: {what}")]
    Output {
        /// Index in [`Output::columns`]; their number for the `live` bit.
        column: usize,
        /// What is wrong.
        what: String,
    },
}

/// Checks a plan, which may come from anywhere; gives the shape of every output of every node.
///
/// # Errors
/// The first thing that is wrong. Never panics and allocates no more than the plan itself takes.
pub fn check(plan: &Plan) -> Result<Vec<Vec<Shape>>, PlanError> {
    if plan.format != PLAN_FORMAT {
        return Err(PlanError::Format { found: plan.format });
    }
    let count = plan.nodes.len().max(plan.inputs.len());
    if count > MAX_NODES {
        return Err(PlanError::Size { count });
    }
    let alone = plan.training().is_some_and(|(_, of)| !of.averaging.is_shares());
    if plan.compute.len() != if alone { 1 } else { 3 } {
        return Err(PlanError::Compute { count: plan.compute.len() });
    }
    for (i, input) in plan.inputs.iter().enumerate() {
        check_input(input).map_err(|what| PlanError::Input { input: i, what })?;
    }
    let mut shapes = Shapes::default();
    for (node, op) in plan.nodes.iter().enumerate() {
        let outputs = typing::outputs(op, plan, &shapes);
        shapes.push(outputs.map_err(|what| PlanError::Op { node, what })?);
        if matches!(op, Op::Match(_) | Op::Many(_)) && !held_back(plan, node) {
            let what = "shows rows before it is known that enough keys are common".to_owned();
            return Err(PlanError::Op { node, what });
        }
        let enters = matches!(op, Op::Intersect(_) | Op::Bucketwise(_));
        if !enters && op.refs().into_iter().any(|r| at_home(plan, r)) {
            let what = "reads rows that stay at home".to_owned();
            return Err(PlanError::Op { node, what });
        }
    }
    let told = plan.nodes.iter().filter_map(|op| match op {
        Op::Tell(of) => Some(&of.output),
        _ => None,
    });
    for output in told.chain([&plan.output]) {
        check_output(plan, output, &shapes)?;
    }
    Ok(shapes.into_vec())
}

/// Whether the run goes on to this node only where enough keys are common, or need not be held back.
fn held_back(plan: &Plan, node: usize) -> bool {
    let least = plan.psi.as_ref().map_or(0, |psi| psi.min_intersection);
    least == 0 || plan.nodes[..node].iter().any(|op| matches!(op, Op::Require(_)))
}

/// Whether a column is of an input that is not shared.
fn at_home(plan: &Plan, Ref(node, _): Ref) -> bool {
    let Some(Op::Input { input }) = plan.nodes.get(node as usize) else { return false };
    plan.inputs.get(*input as usize).is_some_and(LocalInput::is_at_home)
}

fn check_input(input: &LocalInput) -> Result<(), String> {
    if input.rows == 0 || input.rows > MAX_ROWS {
        return Err(format!("{} rows", input.rows));
    }
    for column in &input.columns {
        check_encoding(&column.encoding).map_err(|e| format!("column `{}`: {e}", column.name))?;
    }
    for by in &input.sorted_by {
        let column = input.columns.get(*by as usize);
        if column.is_none_or(|c| matches!(c.encoding.kind(), Kind::Z64 | Kind::Z128)) {
            return Err(format!("sorted by column {by}, which is no column of bits"));
        }
    }
    let of_key = |e: &Encoding| matches!(e, Encoding::KeyId { .. } | Encoding::KeyPresent);
    if input.key.is_none() && input.columns.iter().any(|c| of_key(&c.encoding)) {
        return Err("shares a key that it does not name".into());
    }
    Ok(())
}

fn check_encoding(encoding: &Encoding) -> Result<(), String> {
    match encoding {
        Encoding::Offset { min, max, width } => {
            let spread = max.abs_diff(*min);
            let fits =
                (1..=128).contains(width) && spread.leading_zeros() >= 128 - u32::from(*width);
            (min <= max && fits)
                .then_some(())
                .ok_or_else(|| format!("{min} to {max} in {width} bits"))
        }
        Encoding::Word { min, max } => {
            let word = i64::MIN.into()..=i64::MAX.into();
            (min <= max && word.contains(min) && word.contains(max))
                .then_some(())
                .ok_or_else(|| format!("{min} to {max} in a word of 64 bits"))
        }
        Encoding::Unit { min, max, frac } => (min <= max && *frac <= 52)
            .then_some(())
            .ok_or_else(|| format!("{min} to {max} with {frac} fraction bits")),
        Encoding::Wide { min, max } => {
            (min <= max).then_some(()).ok_or_else(|| format!("{min} to {max}"))
        }
        Encoding::Code { domain, width } => {
            let ascending = domain.windows(2).all(|pair| pair[0] < pair[1]);
            let fits = (1..=64).contains(width) && domain.len() as u128 <= 1 << *width;
            (ascending && fits)
                .then_some(())
                .ok_or_else(|| format!("a list of {} values in {width} bits", domain.len()))
        }
        Encoding::KeyedHash { from, width } => {
            let fits = (1..=64).contains(width) && *from <= 256 - 64;
            fits.then_some(()).ok_or_else(|| format!("{width} bits of a hash from bit {from}"))
        }
        Encoding::KeyId { from, width } => {
            let fits = (1..=64).contains(width) && matches!(from, 0 | 64);
            fits.then_some(()).ok_or_else(|| format!("{width} bits of a key from bit {from}"))
        }
        Encoding::KeyPresent | Encoding::Flag | Encoding::Present => Ok(()),
    }
}

fn check_output(plan: &Plan, output: &Output, shapes: &Shapes) -> Result<(), PlanError> {
    let wrong = |column: usize, what: &str| PlanError::Output { column, what: what.to_owned() };
    let refs = output.layout();
    if let Some(column) = refs.iter().position(|r| at_home(plan, *r)) {
        return Err(wrong(column, "is of rows that stay at home"));
    }
    let live = shapes.of(output.live).map_err(|e| wrong(output.columns.len(), &e))?;
    if live.kind != Kind::Bits(1) {
        return Err(wrong(output.columns.len(), "`live` is not one bit"));
    }
    for (i, column) in output.columns.iter().enumerate() {
        let parts = [Some(column.value), column.present, column.divisor];
        for (at, part) in parts.into_iter().enumerate() {
            let Some(part) = part else { continue };
            let shape = shapes.of(part).map_err(|e| wrong(i, &e))?;
            let kind = match at {
                0 => matches!(shape.kind, Kind::Z64 | Kind::Z128 | Kind::Bits(1..=128)),
                1 => shape.kind == Kind::Bits(1),
                _ => shape.kind == Kind::Z64,
            };
            if !kind || shape.rows != live.rows {
                return Err(wrong(i, "has another shape than its meaning asks for"));
            }
            if !masked(plan, output, part) {
                return Err(wrong(
                    i,
                    "is not masked by the bit that says whether its row is released",
                ));
            }
        }
    }
    Ok(())
}

/// Whether a column of the output passed a mask by the release bit, and then only the shuffle, the sort and the cut that the bit passed.
fn masked(plan: &Plan, output: &Output, column: Ref) -> bool {
    let node = |r: Ref| &plan.nodes[r.0 as usize];
    let (mut live, mut at) = (output.live, column);
    loop {
        // References point to earlier nodes (checked before), so this ends.
        match (node(live), node(at)) {
            (Op::Head { of: l, rows: n }, Op::Head { of: a, rows: m }) if n == m => {
                (live, at) = (*l, *a);
            }
            (Op::Sort { live: l, columns, .. }, Op::Sort { .. })
                if live.0 == at.0 && live.1 == 0 =>
            {
                at = if at.1 == 0 { *l } else { columns[at.1 as usize - 1] };
                live = *l;
            }
            (Op::Shuffle { columns }, Op::Shuffle { .. }) if live.0 == at.0 => {
                (live, at) = (columns[live.1 as usize], columns[at.1 as usize]);
            }
            // Nothing of a training is held back.
            (Op::Train(_), Op::Train(_)) => return live.0 == at.0 && live.1 == 0,
            (_, Op::Mask { by, .. }) => return *by == live,
            (_, Op::And(a, b)) => return *a == live || *b == live || at == live,
            _ => return at == live,
        }
    }
}
