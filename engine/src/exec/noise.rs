//! Noise on columns of counts and sums.

use protocols::{
    mpc::Column,
    prg::Prg,
    psi::aggregate::{add_noise, add_noise_cost},
    ring::Z64,
    session::{Meter, Session},
    share::Shared,
};

use super::{error::ExecError, run::Values};
use crate::plan::Blur;

/// Adds this party's noise to all columns at once.
///
/// # Cost
/// 1 round of a word a number.
///
/// # Errors
/// [`ExecError`].
///
/// # Security
/// That of [`add_noise`]; `rng` is this party's own secret. Opens nothing.
pub(super) fn run(
    s: &mut Session,
    of: &Blur,
    v: &Values<'_>,
    rng: &mut Prg,
) -> Result<Vec<Column>, ExecError> {
    let columns: Result<Vec<&Shared<Z64>>, _> =
        of.columns.iter().map(|r| v.words::<Z64>(*r)).collect();
    let columns = columns?;
    let rows = columns.first().map_or(0, |column| column.len());
    let mut numbers = Shared::concat(&columns);
    let each = of.sensitivities.iter().flat_map(|by| std::iter::repeat_n(*by, rows));
    add_noise(s, &mut numbers, (each, of.epsilon_milli), rng)?;
    let column = |at: usize| Column::Z64(numbers.slice(at * rows, (at + 1) * rows));
    Ok((0..columns.len()).map(column).collect())
}

/// Twin of [`run`].
pub(super) fn cost(m: &mut Meter, of: &Blur, rows: usize) {
    add_noise_cost(m, of.columns.len() * rows);
}
