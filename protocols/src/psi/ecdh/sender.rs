//! The side that learns nothing, or as much as the other.

use std::ops::Range;

use super::{
    order::random_order,
    point::{Exponent, points, receive_points},
    report,
    shape::{Output, Shape},
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
    mut offer: impl FnMut(&mut Pair<'_>, Range<usize>) -> Result<(), SessionError>,
) -> Result<(), SessionError> {
    let mut kept = Vec::new();
    offer(pair, shape.of_sender(0))?;
    for step in 0..shape.steps() {
        // One chunk ahead, as the receiver is.
        if step + 1 < shape.steps() {
            offer(pair, shape.of_sender(step + 1))?;
        }
        let mut theirs = receive_points(pair, shape.of_receiver(step).len())?;
        exponent.raise(pair, &mut theirs)?;
        let tags = theirs.iter().flat_map(|point| &point[..shape.tag_bytes()]).copied();
        if shape.output == Output::CountToReceiver {
            kept.extend(tags);
        } else {
            pair.send(&tags.collect::<Vec<u8>>())?;
        }
    }
    if shape.output == Output::CountToReceiver {
        send_unordered(pair, &kept, shape.tag_bytes())?;
    }
    Ok(())
}

/// Sends the answers in their own order, so that none tells which question it answers.
fn send_unordered(pair: &mut Pair<'_>, tags: &[u8], width: usize) -> Result<(), SessionError> {
    let mut tags: Vec<&[u8]> = tags.chunks(width).collect();
    tags.sort_unstable();
    pair.send(&tags.concat())
}
