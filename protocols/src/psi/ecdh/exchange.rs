//! The turns of both sides: each sends its points one step ahead, so that neither waits for what the other has yet to work out.

use std::ops::Range;

use super::{
    point::{Exponent, Point, receive_points},
    steps::{REPORTED_AFTER, Steps},
};
use crate::session::{Pair, SessionError};

/// What the receiver does in the steps of a run.
pub(super) trait Asks {
    /// Raises its points of a step and sends them.
    fn ask(&mut self, pair: &mut Pair<'_>, step: usize) -> Result<(), SessionError>;

    /// Receives the answers to a step.
    fn hear(&mut self, pair: &mut Pair<'_>, step: usize) -> Result<(), SessionError>;

    /// Takes the sender's points of a step, raised.
    fn take(&mut self, step: usize, points: &[Point]);
}

/// The receiver's turns.
pub(super) fn ask_all(
    pair: &mut Pair<'_>,
    (steps, range): (&Steps, Range<usize>),
    exponent: &Exponent,
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
        let mut theirs = receive_points(pair, steps.of_sender(step).len())?;
        // The answers to the step before this one: the sender had a step's time for them.
        if step > range.start {
            asks.hear(pair, step - 1)?;
        }
        exponent.raise(pair, &mut theirs)?;
        asks.take(step, &theirs);
    }
    asks.hear(pair, range.end - 1)
}

/// What the sender does in the steps of a run.
pub(super) trait Serves {
    /// Raises its points of a step and sends them.
    fn offer(&mut self, pair: &mut Pair<'_>, step: usize) -> Result<(), SessionError>;

    /// Answers the receiver's points of a step, which are raised here.
    fn answer(
        &mut self,
        pair: &mut Pair<'_>,
        step: usize,
        points: &[Point],
    ) -> Result<(), SessionError>;

    /// Hears which of its points of a bucket matched, if it is to learn that.
    fn hear_report(&mut self, pair: &mut Pair<'_>, bucket: usize) -> Result<(), SessionError>;
}

/// The sender's turns.
pub(super) fn serve_all(
    pair: &mut Pair<'_>,
    (steps, range): (&Steps, Range<usize>),
    exponent: &Exponent,
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
            let mut theirs = receive_points(pair, steps.of_receiver(step).len())?;
            exponent.raise(pair, &mut theirs)?;
            serves.answer(pair, step, &theirs)?;
        }
    }
    Ok(())
}
