//! The side that learns nothing, or as much as the other.

use std::ops::Range;

use super::{
    counting,
    exchange::{Serves, serve_all},
    key::Key,
    order::random_order,
    point::{receive_points, tags},
    report,
    shape::{Output, Shape},
    steps::Steps,
};
use crate::{
    prg::Prg,
    session::{OpeningKind, Pair, SessionError},
};

/// Lets the receiver learn which of its items are among `items`, or how many.
///
/// # Shape
/// `items` has `shape.sender` distinct ids. Returns the positions of the common ones, ascending, if both are to learn them;
/// else nothing.
///
/// # Cost
/// [`cost`](super::cost): a map and a ladder for an element of its own, `tag_bytes` of it; a ladder for one of the receiver's, 32
/// bytes asked and 32 answered. For a count a map and two ladders an element.
///
/// # Errors
/// [`SessionError::Invalid`] for a bad point, [`SessionError::Shape`] if `items` is not as long as the shape says,
/// [`SessionError::Inconsistent`] if the sides found different sets; link and gate errors pass through.
///
/// # Security
/// Semi-honest; see the [module](super). The key and the items are secret, the time taken depends on neither.
pub fn send(
    pair: &mut Pair<'_>,
    items: &[u128],
    shape: Shape,
    rng: &mut Prg,
) -> Result<Option<Vec<u32>>, SessionError> {
    Shape::check(pair, items, shape.sender)?;
    let to_both = shape.output == Output::ToBoth;
    match shape.output {
        Output::CountToReceiver => pair.reveal(OpeningKind::Aggregate, 1)?,
        _ => pair.reveal(OpeningKind::Membership, shape.receiver)?,
    }
    if shape.is_empty() {
        return Ok(to_both.then(Vec::new));
    }
    if shape.output == Output::CountToReceiver {
        return counting::serve(pair, items, shape, rng).map(|()| None);
    }
    let (key, order) = (Key::random(rng), random_order(items.len(), rng));
    serve(pair, shape, &key, |pair, own| {
        let own = key.own(order[own].iter().map(|i| items[*i as usize]));
        pair.send(&tags(&own, shape.tag_bytes()))
    })?;
    if !to_both {
        return Ok(None);
    }
    report::accept(pair, items, &order).map(Some)
}

/// Tells its public key, offers its own, those of a range at a time, and answers what the receiver asks.
pub(super) fn serve(
    pair: &mut Pair<'_>,
    shape: Shape,
    key: &Key,
    offer: impl FnMut(&mut Pair<'_>, Range<usize>) -> Result<(), SessionError>,
) -> Result<(), SessionError> {
    pair.send(key.public())?;
    let steps = shape.steps();
    let mut whole = Whole { steps: &steps, key, offer };
    serve_all(pair, (&steps, steps.range_from(0)), &mut whole)
}

/// A set in one piece.
struct Whole<'a, F> {
    steps: &'a Steps,
    key: &'a Key,
    offer: F,
}

impl<F> Serves for Whole<'_, F>
where
    F: FnMut(&mut Pair<'_>, Range<usize>) -> Result<(), SessionError>,
{
    fn offer(&mut self, pair: &mut Pair<'_>, step: usize) -> Result<(), SessionError> {
        (self.offer)(pair, self.steps.of_sender(step))
    }

    fn answer(&mut self, pair: &mut Pair<'_>, step: usize) -> Result<(), SessionError> {
        let mut asked = receive_points(pair, self.steps.of_receiver(step).len())?;
        self.key.answer(pair, &mut asked)?;
        pair.send(asked.as_flattened())
    }

    /// It comes when all is answered.
    fn hear_report(&mut self, _: &mut Pair<'_>, _: usize) -> Result<(), SessionError> {
        Ok(())
    }
}
