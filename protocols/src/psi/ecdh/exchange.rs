//! The turns of both sides: each sends its points one step ahead, so that neither waits for what the other has yet to work out.

use std::ops::Range;

use super::steps::{REPORTED_AFTER, Steps};
use crate::session::{Pair, SessionError};

/// What the receiver does in the steps of a run.
pub(super) trait Asks {
    /// Sends what it asks in a step.
    fn ask(&mut self, pair: &mut Pair<'_>, step: usize) -> Result<(), SessionError>;

    /// Receives the answers to a step.
    fn hear(&mut self, pair: &mut Pair<'_>, step: usize) -> Result<(), SessionError>;

    /// Receives the sender's own of a step.
    fn take(&mut self, pair: &mut Pair<'_>, step: usize) -> Result<(), SessionError>;
}

/// The receiver's turns.
pub(super) fn ask_all(
    pair: &mut Pair<'_>,
    range: Range<usize>,
    asks: &mut impl Asks,
) -> Result<(), SessionError> {
    if range.is_empty() {
        return Ok(());
    }
    asks.ask(pair, range.start)?;
    for step in range.clone() {
        if step + 1 < range.end {
            asks.ask(pair, step + 1)?;
        }
        asks.take(pair, step)?;
        // The answers to the step before this one: the sender had a step's time for them.
        if step > range.start {
            asks.hear(pair, step - 1)?;
        }
    }
    asks.hear(pair, range.end - 1)
}

/// What the sender does in the steps of a run.
pub(super) trait Serves {
    /// Sends its own of a step.
    fn offer(&mut self, pair: &mut Pair<'_>, step: usize) -> Result<(), SessionError>;

    /// Receives what the receiver asks in a step, and answers.
    fn answer(&mut self, pair: &mut Pair<'_>, step: usize) -> Result<(), SessionError>;

    /// Hears which of its points of a bucket matched, if it is to learn that.
    fn hear_report(&mut self, pair: &mut Pair<'_>, bucket: usize) -> Result<(), SessionError>;
}

/// The sender's turns.
pub(super) fn serve_all(
    pair: &mut Pair<'_>,
    (steps, range): (&Steps, Range<usize>),
    serves: &mut impl Serves,
) -> Result<(), SessionError> {
    if range.is_empty() {
        return Ok(());
    }
    serves.offer(pair, range.start)?;
    for step in range.start..range.end + REPORTED_AFTER {
        if step + 1 < range.end {
            serves.offer(pair, step + 1)?;
        }
        if let Some(bucket) = steps.reported(step, range.start) {
            serves.hear_report(pair, bucket)?;
        }
        if step < range.end {
            serves.answer(pair, step)?;
        }
    }
    Ok(())
}
