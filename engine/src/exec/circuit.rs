//! Circuit PSI between two owners, into shares of all three.

use protocols::{
    mpc::Column,
    prg::Prg,
    psi::circuit::{self, Matches, Set},
    session::{Meter, Session},
};

use super::{error::ExecError, matching::unread};
use crate::plan::{
    EncodedColumn, EncodedInput, Intersect, Plan, circuit_task, columns_of, input_of,
};

/// Runs it at one party: whether a row has a match, then the columns that the operation brings.
///
/// # Cost
/// That of [`circuit::intersect`].
///
/// # Errors
/// [`ExecError`].
///
/// # Security
/// Semi-honest; opens nothing.
pub(super) fn run(
    s: &mut Session,
    plan: &Plan,
    of: &Intersect,
    (at, inputs): (usize, &[Option<EncodedInput>]),
    rng: &mut Prg,
) -> Result<Vec<Column>, ExecError> {
    let task = circuit_task(plan, of).map_err(|_| ExecError::Malformed(at))?;
    let own = match s.role() {
        role if role == task.receiver().role => Some(of.receiver),
        role if role == task.sender().role => Some(of.sender),
        _ => None,
    };
    let held = own.map(|number| held(plan, of, number, inputs)).transpose()?;
    let columns: Vec<&[u64]> = held.iter().flat_map(|held| &held.1).map(Vec::as_slice).collect();
    let set = held.as_ref().map(|held| Set { items: &held.0, columns: &columns });
    let matches = circuit::intersect(s, &task, set.as_ref(), rng)?;
    in_order(plan, of, matches).ok_or(ExecError::Malformed(at))
}

/// Whether a row has a match, then the columns in the order of the operation.
pub(super) fn in_order(plan: &Plan, of: &Intersect, matches: Matches) -> Option<Vec<Column>> {
    let mut outputs = vec![Column::Bits(matches.live)];
    let (mut receiver, mut sender) = (matches.receiver.into_iter(), matches.sender.into_iter());
    for r in &of.columns {
        let side =
            if input_of(plan, *r) == Some(of.receiver) { &mut receiver } else { &mut sender };
        outputs.push(side.next()?);
    }
    Some(outputs)
}

/// This party's ids, and the columns that come along, a value an id.
pub(super) fn held(
    plan: &Plan,
    of: &Intersect,
    number: u32,
    inputs: &[Option<EncodedInput>],
) -> Result<(Vec<u128>, Vec<Vec<u64>>), ExecError> {
    let party = || plan.inputs[number as usize].party.clone();
    let missing = || ExecError::MissingInput { party: party(), input: number };
    let wrong = || ExecError::InputShape { party: party(), input: number };
    let data = inputs.get(number as usize).and_then(Option::as_ref).ok_or_else(missing)?;
    let ids: Vec<u128> = match (&data.home, &data.own) {
        (Some(home), _) => home.ids.iter().flatten().copied().collect(),
        // Each key once: no column goes with them.
        (None, Some(own)) => own.keys().map_err(unread)?,
        (None, None) => return Err(missing()),
    };
    let column = |at: u32| {
        let rows = match data.columns.get(at as usize) {
            None => return Ok(vec![1; ids.len()]),
            Some(EncodedColumn::Bits { rows, .. } | EncodedColumn::Words(rows)) => rows,
            Some(_) => return Err(wrong()),
        };
        rows.get(..ids.len()).map(<[u64]>::to_vec).ok_or_else(wrong)
    };
    let columns = columns_of(plan, of, number).into_iter().map(column).collect::<Result<_, _>>()?;
    Ok((ids, columns))
}

/// Twin of [`run`].
pub(super) fn cost(m: &mut Meter, plan: &Plan, of: &Intersect, at: usize) -> Result<(), ExecError> {
    let task = circuit_task(plan, of).map_err(|_| ExecError::Malformed(at))?;
    circuit::intersect_cost(m, &task);
    Ok(())
}
