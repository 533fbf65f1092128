//! A training on joined rows: bits to words, the steps, and the count of what is right.

use federated::vertical::{Features, tally, tally_cost, train, train_cost};
use protocols::{
    mpc::{Column, inject, inject_cost},
    ring::Z64,
    session::{Meter, Session},
    share::{Bits, Shared},
};

use super::{error::ExecError, run::Values};
use crate::plan::{Feature, UNIT_BITS, Vertical};

/// Trains on shared rows.
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
) -> Result<Vec<Column>, ExecError> {
    let setting = of.setting().map_err(|_| v.malformed())?;
    let (class, live) = (v.bits(of.class)?, v.bits(of.live)?);
    let columns = of.columns.iter().map(|r| v.column(*r)).collect::<Result<Vec<_>, _>>()?;
    let bit = |column: &&Column| match column {
        Column::Bits(bits) => Some(bits.clone()),
        _ => None,
    };
    let mut bits: Vec<Bits> = columns.iter().filter_map(bit).collect();
    bits.push(class.clone());
    let rows = live.rows();
    let mut numbers = inject::<Z64>(s, &Bits::beside(&bits.iter().collect::<Vec<_>>()))?;
    let flags = bits.len() - 1;
    let labels = numbers.slice(flags * rows, (flags + 1) * rows);
    numbers.scale(1 << UNIT_BITS);
    let flags: Vec<_> = (0..flags).map(|k| numbers.slice(k * rows, (k + 1) * rows)).collect();
    let mut flags = flags.iter();
    let number = |column: &&'_ Column| match column {
        Column::Z64(words) => Some(words.clone()),
        _ => flags.next().cloned(),
    };
    let columns: Option<Vec<Shared<Z64>>> = columns.iter().map(number).collect();
    let columns = columns.ok_or_else(|| v.malformed())?;
    let features = Features::of_columns(&columns.iter().collect::<Vec<_>>());
    let features = features.ok_or_else(|| v.malformed())?;
    let weights = train(s, &setting, &features, &labels, live)?;
    let counts = tally(s, &setting, &features, [class, live], &weights)?;
    let count = counts.slice(0, 1);
    Ok(vec![Column::Z64(Shared::concat(&[&weights, &counts])), Column::Z64(count)])
}

/// Twin of [`run`].
pub(super) fn cost(m: &mut Meter, of: &Vertical, at: usize) -> Result<(), ExecError> {
    let setting = of.setting().map_err(|_| ExecError::Malformed(at))?;
    let number = |feature: &&Feature| !matches!(feature, Feature::Number { .. });
    let flags: usize = of.features.iter().filter(number).map(Feature::width).sum();
    inject_cost::<Z64>(m, setting.table().rows, flags + 1);
    train_cost(m, &setting);
    tally_cost(m, &setting);
    Ok(())
}
