//! A lookup over a link that may be lost.

use protocols::{
    psi::lookup::{LookupError, TableError},
    session::Pair,
};

use crate::{exec::error::ExecError, job::is_full, plan::Between};

/// One party's end, over as many connections as it takes; the attempts are told which they are, from 0.
pub(super) fn going_on(
    pair: &mut Pair<'_>,
    mut attempt: impl FnMut(&mut Pair<'_>, u32) -> Result<(), ExecError>,
) -> Result<(), ExecError> {
    for time in 0..Between::RENEWALS {
        match attempt(pair, time) {
            Err(ExecError::Session(error)) if error.is_lost(pair.peer()) => {
                // Who waits for this party waits while it calls.
                pair.wire().working();
                pair.renew()?;
            }
            done => return done,
        }
    }
    attempt(pair, Between::RENEWALS)
}

/// What this party's disk says of a table that it keeps.
pub(super) fn stored(error: &TableError) -> ExecError {
    let full = matches!(error, TableError::Storage(kind) if is_full(*kind));
    ExecError::kept(error.to_string(), full, ExecError::Table)
}

/// What an error means for the run.
pub(super) fn failed(pair: &Pair<'_>, error: LookupError) -> ExecError {
    match error {
        LookupError::Session(error) => error.into(),
        LookupError::Table(error @ TableError::Storage(_)) => stored(&error),
        LookupError::Table(TableError::Tags) => pair
            .invalid("a table that it signed and that is none; it has to publish it again")
            .into(),
        LookupError::Table(_) => {
            pair.invalid("another table than the one that its provider signed").into()
        }
        LookupError::Own(words) => ExecError::Keys(words),
        LookupError::OtherEpoch { .. } => {
            pair.invalid("queries about another epoch than the one it was told").into()
        }
        _ => pair.misuse("more queries than were counted").into(),
    }
}
