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
use crate::{exec::error::ExecError, plan::Answers};

/// Answers, over as many connections as it takes. A publication that is replaced meanwhile stays what it was for this run.
pub(super) fn answer(
    pair: &mut Pair<'_>,
    shape: &Shape<'_>,
    end: &Answers,
    rng: &mut Prg,
) -> Result<(), ExecError> {
    if !shape.fits(&end.statement) || end.body.bytes() != shape.table as u64 {
        return Err(pair.misuse("a publication that is not the plan's").into());
    }
    let mut serving = Serving::new(shape.queries);
    let mut reserved = Reserved(shape.queries as u64);
    going_on(pair, |pair, time| {
        if time > 0 {
            serving.lost();
        }
        hand_out(pair, end)?;
        let counted = ("", &mut reserved as &mut dyn Budget);
        let served = lookup::serve_from(pair, &end.key, &mut serving, counted, rng);
        served.map_err(|error| failed(pair, error))?;
        match pair.recv_array::<8>()? {
            word if word == ARRIVED.to_le_bytes() => Ok(()),
            _ => Err(pair.invalid("another last word than the one due").into()),
        }
    })
}

/// The statement, and what the other lacks of its table.
fn hand_out(pair: &mut Pair<'_>, end: &Answers) -> Result<(), ExecError> {
    let mut held = [0; HELD_BYTES];
    pair.recv(&mut held)?;
    pair.send(&end.statement.to_bytes())?;
    let mut pieces = [0; 8];
    pieces.copy_from_slice(&held[32..]);
    let same = held[..32] == end.statement.digest();
    let pieces = if same { u64::from_le_bytes(pieces) } else { 0 };
    let sent = lookup::send_table(pair, &*end.body, pieces);
    sent.map_err(|error| failed(pair, error))
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
