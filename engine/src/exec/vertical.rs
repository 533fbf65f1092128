//! A training on joined rows: the steps, and the count of what is right.

use federated::vertical::{Features, tally, tally_cost, train, train_cost};
use protocols::{
    mpc::Column,
    session::{Meter, Session},
    share::Shared,
};

use super::{
    error::ExecError,
    numbers::{numbers, numbers_cost},
    run::{Progress, Values},
};
use crate::plan::Vertical;

/// Trains on shared rows; `progress` hears of each step.
///
/// # Cost
/// 2 rounds for all bits at once, and then those of [`train`] and [`tally`].
///
/// # Errors
/// [`ExecError`].
///
/// # Security
/// That of [`train`]; opens nothing.
pub(super) fn run(
    s: &mut Session,
    of: &Vertical,
    v: &Values<'_>,
    progress: Progress<'_>,
) -> Result<Vec<Column>, ExecError> {
    let setting = of.setting().map_err(|_| v.malformed())?;
    let (class, live) = (v.bits(of.class)?, v.bits(of.live)?);
    let (columns, labels) = numbers(s, &of.columns, &[class], v)?;
    let features = Features::of_columns(&columns.iter().collect::<Vec<_>>());
    let features = features.ok_or_else(|| v.malformed())?;
    drop(columns);
    let steps = setting.steps();
    let mut told = |done| progress(done, steps);
    let weights = train(s, &setting, &features, (&labels, live), &mut told)?;
    let counts = tally(s, &setting, &features, [class, live], &weights)?;
    let count = counts.slice(0, 1);
    Ok(vec![Column::Z64(Shared::concat(&[&weights, &counts])), Column::Z64(count)])
}

/// Twin of [`run`].
pub(super) fn cost(m: &mut Meter, of: &Vertical, at: usize) -> Result<(), ExecError> {
    let setting = of.setting().map_err(|_| ExecError::Malformed(at))?;
    numbers_cost(m, &of.features, setting.table().rows, 1);
    train_cost(m, &setting);
    tally_cost(m, &setting);
    Ok(())
}
