//! The party that has published a table, and answers.

use protocols::{
    prg::Prg,
    psi::lookup::{self, Budget, BudgetError, Serving},
    session::Pair,
};

use super::{
    attempts::{failed, going_on},
    shape::{ARRIVED, HELD_BYTES, Shape},
};
use crate::{
    exec::error::ExecError,
    plan::{Answers, Layer},
};

/// Answers, over as many connections as it takes. Publications that are replaced meanwhile stay what they were for this run.
pub(super) fn answer(
    pair: &mut Pair<'_>,
    shape: &Shape<'_>,
    end: &Answers,
    rng: &mut Prg,
) -> Result<(), ExecError> {
    if !serves(shape, end) {
        return Err(pair.misuse("publications that are not the plan's").into());
    }
    let keys: Vec<_> = end.layers.iter().map(|layer| &layer.key).collect();
    let mut serving = Serving::new(shape.queries);
    let mut reserved = Reserved(shape.queries as u64);
    going_on(pair, |pair, time| {
        if time > 0 {
            serving.lost();
        }
        hand_out(pair, shape, end)?;
        let counted = ("", &mut reserved as &mut dyn Budget);
        let served = lookup::serve_from(pair, &keys, &mut serving, counted, rng);
        served.map_err(|error| failed(pair, error))?;
        match pair.recv_array::<8>()? {
            word if word == ARRIVED.to_le_bytes() => Ok(()),
            _ => Err(pair.invalid("another last word than the one due").into()),
        }
    })
}

/// Whether these are the publications of a plan.
fn serves(shape: &Shape<'_>, end: &Answers) -> bool {
    let fits = |(place, layer): (usize, &Layer)| {
        shape.fits(place, &layer.statement)
            && shape.tables.get(place).is_some_and(|bytes| layer.body.bytes() == *bytes as u64)
    };
    shape.allows(end.layers.len()) && end.layers.iter().enumerate().all(fits)
}

/// The statements, and what the other lacks of their tables.
fn hand_out(pair: &mut Pair<'_>, shape: &Shape<'_>, end: &Answers) -> Result<(), ExecError> {
    let held = pair.recv_words::<u8>(HELD_BYTES * shape.tables.len())?;
    if shape.counts() {
        pair.send(&[end.layers.len() as u64])?;
    }
    let said: Vec<_> = end.layers.iter().map(|layer| layer.statement.to_bytes()).collect();
    pair.send(&said.concat())?;
    for (layer, held) in end.layers.iter().zip(held.chunks_exact(HELD_BYTES)) {
        let (digest, mut pieces) = (&held[..32], [0; 8]);
        pieces.copy_from_slice(&held[32..]);
        let same = digest == layer.statement.digest();
        let pieces = if same { u64::from_le_bytes(pieces) } else { 0 };
        let sent = lookup::send_table(pair, &*layer.body, pieces);
        sent.map_err(|error| failed(pair, error))?;
    }
    Ok(())
}

/// What was counted against the recipient's budget before the run began.
struct Reserved(u64);

impl Budget for Reserved {
    fn spend(&mut self, recipient: &str, queries: u64) -> Result<(), BudgetError> {
        let left = self.0;
        self.0 = left.checked_sub(queries).ok_or_else(|| BudgetError::Exceeded {
            recipient: recipient.to_owned(),
            asked: queries,
            left,
        })?;
        Ok(())
    }
}
