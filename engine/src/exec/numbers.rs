//! Columns of bits and words as numbers to train on or to score.

use protocols::{
    mpc::{Column, inject, inject_cost},
    ring::Z64,
    session::{Meter, Session},
    share::{Bits, Shared},
};

use super::{error::ExecError, run::Values};
use crate::plan::{Feature, Ref, UNIT_BITS};

/// Columns as numbers with [`UNIT_BITS`], and `more` bits as words of 0 or 1, one after the other.
///
/// # Cost
/// 2 rounds for all bits at once; none if there is no bit.
pub(super) fn numbers(
    s: &mut Session,
    columns: &[Ref],
    more: &[&Bits],
    v: &Values<'_>,
) -> Result<(Vec<Shared<Z64>>, Shared<Z64>), ExecError> {
    let columns = columns.iter().map(|r| v.column(*r)).collect::<Result<Vec<_>, _>>()?;
    let bit = |column: &&'_ Column| matches!(column, Column::Bits(_));
    let mut bits: Vec<&Bits> = Vec::new();
    for column in &columns {
        if let Column::Bits(own) = column {
            bits.push(own);
        }
    }
    let flags = bits.len();
    bits.extend(more);
    let Some(rows) = bits.first().map(|first| first.rows()) else {
        let all = columns.iter().map(|column| words(column, v)).collect::<Result<_, _>>()?;
        return Ok((all, Shared::zeros(0)));
    };
    let mut injected = inject::<Z64>(s, &Bits::beside(&bits))?;
    drop(bits);
    let rest = injected.slice(flags * rows, injected.len());
    injected.scale(1 << UNIT_BITS);
    let mut at = 0;
    let mut number = |column: &&Column| {
        if !bit(column) {
            return words(column, v);
        }
        at += 1;
        Ok(injected.slice((at - 1) * rows, at * rows))
    };
    let all = columns.iter().map(&mut number).collect::<Result<_, _>>()?;
    Ok((all, rest))
}

/// Twin of [`numbers`], with so many bits more.
pub(super) fn numbers_cost(m: &mut Meter, features: &[Feature], rows: usize, more: usize) {
    let is_bits = |feature: &&Feature| !matches!(feature, Feature::Number { .. });
    let flags: usize = features.iter().filter(is_bits).map(Feature::width).sum();
    if flags + more > 0 {
        inject_cost::<Z64>(m, rows, flags + more);
    }
}

fn words(column: &Column, v: &Values<'_>) -> Result<Shared<Z64>, ExecError> {
    match column {
        Column::Z64(words) => Ok(words.clone()),
        _ => Err(v.malformed()),
    }
}
