//! Circuit PSI between two owners as its protocol sees it.

use protocols::{
    mpc,
    party::Role,
    psi::circuit::{Bucketed, Provider, Task, TaskError},
};

use super::{
    ir::{Kind, LocalInput, Op, Plan},
    psi::{Intersect, SetKey, SetUse},
    refs::Ref,
};

/// The task that an operation stands for: whose columns come along, in the order of the operation for each side.
///
/// # Errors
/// What does not fit.
pub fn circuit_task(plan: &Plan, of: &Intersect) -> Result<Task, String> {
    Ok(bucketed(plan, of, |receiver, sender| Bucketed::new(1, receiver, sender))?.task().clone())
}

/// How the sets of a plan meet in a circuit.
///
/// # Errors
/// What does not fit, or that none do.
pub fn meeting(plan: &Plan) -> Result<Bucketed, String> {
    let found = plan.nodes.iter().find_map(|op| match op {
        Op::Intersect(of) => Some(bucketed(plan, of, |one, other| Bucketed::new(1, one, other))),
        Op::Bucketwise(of) => Some(of.task(plan)),
        _ => None,
    });
    found.unwrap_or_else(|| Err("no intersection".into()))
}

/// The sets that an operation names, the receiver's first, in so many buckets as are made of them.
pub(crate) fn bucketed(
    plan: &Plan,
    of: &Intersect,
    made: impl FnOnce(Provider, Provider) -> Result<Bucketed, TaskError>,
) -> Result<Bucketed, String> {
    let provider = |at: u32| {
        let input = plan.inputs.get(at as usize).ok_or_else(|| format!("names input {at}"))?;
        // Keys alone can enter of a set whose rows its owner keeps to itself.
        let enters = |key: &SetKey| match key.enters {
            SetUse::Circuit => true,
            SetUse::Owner => of.columns.is_empty(),
            SetUse::Shared | SetUse::Lookup => false,
        };
        if !input.key.as_ref().is_some_and(enters) {
            return Err(format!("input {at} is no set for a circuit"));
        }
        let role = Role::ALL.into_iter().find(|role| plan.compute[role.index()] == input.party);
        let role = role.ok_or_else(|| format!("{} does not compute", input.party))?;
        let own = columns_of(plan, of, at);
        let columns =
            own.into_iter().map(|column| shape(input, column)).collect::<Result<_, _>>()?;
        let items = usize::try_from(input.rows).map_err(|_| "too many rows".to_owned())?;
        Ok(Provider { role, items, columns })
    };
    let known =
        |r: &Ref| [of.receiver, of.sender].into_iter().any(|at| input_of(plan, *r) == Some(at));
    if let Some(stray) = of.columns.iter().find(|r| !known(r)) {
        return Err(format!("brings n{}.{}, which is of neither set", stray.0, stray.1));
    }
    made(provider(of.receiver)?, provider(of.sender)?).map_err(|error| error.to_string())
}

/// The columns of one input that an operation brings, in its order: their numbers there; the one after the last is the `live` bit.
#[must_use]
pub fn columns_of(plan: &Plan, of: &Intersect, input: u32) -> Vec<u32> {
    of.columns.iter().filter(|r| input_of(plan, **r) == Some(input)).map(|r| r.1).collect()
}

/// Which input a reference is to.
#[must_use]
pub fn input_of(plan: &Plan, Ref(node, _): Ref) -> Option<u32> {
    match plan.nodes.get(node as usize) {
        Some(Op::Input { input }) => Some(*input),
        _ => None,
    }
}

fn shape(input: &LocalInput, column: u32) -> Result<mpc::Shape, String> {
    let column = column as usize;
    if column == input.columns.len() {
        return Ok(mpc::Shape::Bits(1));
    }
    let found = input.columns.get(column).ok_or_else(|| format!("names column {column}"))?;
    match found.encoding.kind() {
        Kind::Bits(width) => Ok(mpc::Shape::Bits(width.into())),
        Kind::Z64 => Ok(mpc::Shape::Z64),
        Kind::Z128 => Err("brings a column of 128 bits".to_owned()),
    }
}
