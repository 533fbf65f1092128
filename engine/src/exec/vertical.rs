//! A training on joined rows: the steps, and the count of what is right.

use std::path::Path;

use federated::vertical::{
    Course, DescentError, Features, stand, stand_cost, tally, tally_cost, train_cost, train_from,
};
use protocols::{
    mpc::Column,
    prg::Prg,
    session::{Meter, Session},
    share::Shared,
};

use super::{
    error::ExecError,
    kept,
    numbers::{numbers, numbers_cost},
    run::{Progress, Values},
};
use crate::plan::{Plan, Vertical};

/// Trains on shared rows, from where an earlier run of it came to if it goes on with one; `progress` hears of each step.
///
/// # Cost
/// 2 rounds for all bits at once, and then those of [`stand`], [`train_from`] and [`tally`].
///
/// # Errors
/// [`ExecError`].
///
/// # Security
/// That of [`train_from`]; opens nothing.
pub(super) fn run(
    s: &mut Session,
    (plan, of): (&Plan, &Vertical),
    v: &Values<'_>,
    rng: &mut Prg,
    (progress, trainings): (Progress<'_>, Option<&Path>),
) -> Result<Vec<Column>, ExecError> {
    let setting = of.setting().map_err(|_| v.malformed())?;
    let (class, live) = (v.bits(of.class)?, v.bits(of.live)?);
    let (columns, labels) = numbers(s, &of.columns, &[class], v)?;
    let features = Features::of_columns(&columns.iter().collect::<Vec<_>>());
    let features = features.ok_or_else(|| v.malformed())?;
    drop(columns);
    let steps = setting.steps();
    let mut record = kept::descended(trainings, (plan, of), &setting)?;
    let from = stand(s, &setting, record.as_mut(), rng)?;
    if of.resumes.is_some() {
        tracing::info!(job = %of.root(plan), "a training goes on after {} passes", from.passes());
    }
    let mut told = |done| progress(done, steps);
    let course = Course { from, record: record.as_mut(), told: &mut told };
    let weights = train_from(s, &setting, &features, (&labels, live), course)?;
    let counts = tally(s, &setting, &features, [class, live], &weights)?;
    let count = counts.slice(0, 1);
    Ok(vec![Column::Z64(Shared::concat(&[&weights, &counts])), Column::Z64(count)])
}

/// Twin of [`run`].
pub(super) fn cost(m: &mut Meter, of: &Vertical, at: usize) -> Result<(), ExecError> {
    let setting = of.setting().map_err(|_| ExecError::Malformed(at))?;
    numbers_cost(m, &of.features, setting.table().rows, 1);
    stand_cost(m);
    train_cost(m, &setting);
    tally_cost(m, &setting);
    Ok(())
}

impl From<DescentError> for ExecError {
    fn from(error: DescentError) -> Self {
        match error {
            DescentError::Session(error) => Self::Session(error),
            DescentError::Disk(disk) => {
                let words = DescentError::Disk(disk.clone()).to_string();
                Self::kept(words, disk.is_full(), Self::Training)
            }
            other => Self::Training(other.to_string()),
        }
    }
}
