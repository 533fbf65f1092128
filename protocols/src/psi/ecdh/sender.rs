//! The side that learns nothing, or as much as the other.

use std::ops::Range;

use super::{
    exchange::{Serves, serve_all},
    order::random_order,
    point::{Exponent, Point, points},
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
/// [`cost`](super::cost): a map and two ladders an element, 32 bytes of each point and `tag_bytes` of each answer.
///
/// # Errors
/// [`SessionError::Invalid`] for a bad point, [`SessionError::Shape`] if `items` is not as long as the shape says,
/// [`SessionError::Inconsistent`] if the sides found different sets; link and gate errors pass through.
///
/// # Security
/// Semi-honest; see the [module](super). The exponent and the items are secret, the time taken depends on neither.
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
    let exponent = Exponent::random(rng);
    let order = random_order(items.len(), rng);
    serve(pair, shape, &exponent, |pair, own| {
        let mut own = points(order[own].iter().map(|i| items[*i as usize]));
        exponent.raise_own(&mut own);
        pair.send(own.as_flattened())
    })?;
    if !to_both {
        return Ok(None);
    }
    report::accept(pair, items, &order).map(Some)
}

/// Offers its own points, those of a range at a time, and answers the receiver's.
pub(super) fn serve(
    pair: &mut Pair<'_>,
    shape: Shape,
    exponent: &Exponent,
    offer: impl FnMut(&mut Pair<'_>, Range<usize>) -> Result<(), SessionError>,
) -> Result<(), SessionError> {
    let (steps, width) = (shape.steps(), shape.tag_bytes());
    let kept = (shape.output == Output::CountToReceiver).then(Vec::new);
    let mut whole = Whole { steps: &steps, width, offer, kept };
    serve_all(pair, (&steps, steps.range_from(0)), exponent, &mut whole)?;
    whole.kept.map_or(Ok(()), |kept| send_unordered(pair, &kept, width))
}

/// A set in one piece.
struct Whole<'a, F> {
    steps: &'a Steps,
    width: usize,
    offer: F,
    /// The answers, where they go at the end.
    kept: Option<Vec<u8>>,
}

impl<F> Serves for Whole<'_, F>
where
    F: FnMut(&mut Pair<'_>, Range<usize>) -> Result<(), SessionError>,
{
    fn offer(&mut self, pair: &mut Pair<'_>, step: usize) -> Result<(), SessionError> {
        (self.offer)(pair, self.steps.of_sender(step))
    }

    fn answer(
        &mut self,
        pair: &mut Pair<'_>,
        _: usize,
        points: &[Point],
    ) -> Result<(), SessionError> {
        let tags = answers(points, self.width);
        match &mut self.kept {
            Some(kept) => kept.extend(tags),
            None => pair.send(&tags)?,
        }
        Ok(())
    }

    /// It comes when all is answered.
    fn hear_report(&mut self, _: &mut Pair<'_>, _: usize) -> Result<(), SessionError> {
        Ok(())
    }
}

/// What is told of points that were asked about.
pub(super) fn answers(points: &[Point], width: usize) -> Vec<u8> {
    points.iter().flat_map(|point| &point[..width]).copied().collect()
}

/// Sends the answers in their own order, so that none tells which question it answers.
fn send_unordered(pair: &mut Pair<'_>, tags: &[u8], width: usize) -> Result<(), SessionError> {
    let mut tags: Vec<&[u8]> = tags.chunks(width).collect();
    tags.sort_unstable();
    pair.send(&tags.concat())
}
