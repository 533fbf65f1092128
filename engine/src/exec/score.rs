//! Scores of shared rows by shared weights.

use federated::vertical::{Features, score, score_cost};
use protocols::{
    mpc::Column,
    ring::Z64,
    session::{Meter, Session},
};

use super::{
    error::ExecError,
    numbers::{numbers, numbers_cost},
    run::Values,
};
use crate::plan::Score;

/// Scores rows.
///
/// # Cost
/// 2 rounds for all bits at once, and that of [`score`].
///
/// # Errors
/// [`ExecError`].
///
/// # Security
/// That of [`score`]; opens nothing.
pub(super) fn run(s: &mut Session, of: &Score, v: &Values<'_>) -> Result<Vec<Column>, ExecError> {
    let setting = of.setting().map_err(|_| v.malformed())?;
    let (columns, _) = numbers(s, &of.columns, &[], v)?;
    let features = Features::of_columns(&columns.iter().collect::<Vec<_>>());
    let features = features.ok_or_else(|| v.malformed())?;
    Ok(vec![Column::Z64(score(s, &setting, &features, v.words::<Z64>(of.weights)?)?)])
}

/// Twin of [`run`].
pub(super) fn cost(m: &mut Meter, of: &Score, at: usize) -> Result<(), ExecError> {
    let setting = of.setting().map_err(|_| ExecError::Malformed(at))?;
    let rows = usize::try_from(of.rows).map_err(|_| ExecError::Malformed(at))?;
    numbers_cost(m, &of.features, rows, 0);
    score_cost(m, &setting);
    Ok(())
}
