//! The side that learns the result.

use super::{
    matching::common,
    order::random_order,
    point::{Exponent, points, receive_points, tag},
    report,
    shape::{Output, Shape},
};
use crate::{
    prg::Prg,
    session::{OpeningKind, Pair, SessionError},
};

/// Learns which of `items` are among the sender's.
///
/// # Shape
/// `items` has `shape.receiver` distinct ids. Returns the positions of the common ones, ascending.
///
/// # Cost
/// [`cost`](super::cost): a map and two ladders an element, 32 bytes of each point.
///
/// # Errors
/// [`SessionError::Invalid`] for a bad point, [`SessionError::Shape`] if `items` is not as long as the shape says,
/// [`SessionError::Inconsistent`] if the sides found different sets; link and gate errors pass through.
///
/// # Panics
/// If the shape asks for the count alone.
///
/// # Security
/// Semi-honest; see the [module](super). The exponent and the items are secret. What is compared at the end is the result.
pub fn receive(
    pair: &mut Pair<'_>,
    items: &[u128],
    shape: Shape,
    rng: &mut Prg,
) -> Result<Vec<u32>, SessionError> {
    assert!(shape.output != Output::CountToReceiver, "the count alone is had by `count`");
    Shape::check(pair, items, shape.receiver)?;
    if shape.output == Output::ToBoth {
        pair.reveal(OpeningKind::Membership, shape.sender)?;
    }
    if shape.is_empty() {
        return Ok(Vec::new());
    }
    let order = random_order(items.len(), rng);
    let [asked, answered] = exchange(pair, items, &order, shape, rng)?;
    let [of_own, of_peer] = common(&asked, &answered);
    let mut positions: Vec<u32> = of_own.iter().map(|place| order[*place as usize]).collect();
    positions.sort_unstable();
    if shape.output == Output::ToBoth {
        report::send(pair, items, &positions, &of_peer, shape.sender)?;
    }
    Ok(positions)
}

/// Learns how many of `items` are among the sender's, and not which.
///
/// # Shape
/// As [`receive`], for a shape that asks for the count.
///
/// # Cost
/// [`cost`](super::cost): as [`receive`].
///
/// # Errors
/// As [`receive`].
///
/// # Panics
/// If the shape asks for more than the count.
///
/// # Security
/// Semi-honest; see the [module](super). The answers come sorted by themselves, and the sender's points in an order that only
/// the sender knows: which of them are equal says how many items are common.
pub fn count(
    pair: &mut Pair<'_>,
    items: &[u128],
    shape: Shape,
    rng: &mut Prg,
) -> Result<usize, SessionError> {
    assert!(shape.output == Output::CountToReceiver, "which items are common is had by `receive`");
    Shape::check(pair, items, shape.receiver)?;
    if shape.is_empty() {
        return Ok(0);
    }
    let order = random_order(items.len(), rng);
    let [asked, answered] = exchange(pair, items, &order, shape, rng)?;
    Ok(common(&asked, &answered)[0].len())
}

/// The tags of this side's items in the order they were sent (or in none, for the count), and of the peer's in theirs.
fn exchange(
    pair: &mut Pair<'_>,
    items: &[u128],
    order: &[u32],
    shape: Shape,
    rng: &mut Prg,
) -> Result<[Vec<u128>; 2], SessionError> {
    let exponent = Exponent::random(rng);
    let width = shape.tag_bytes();
    let counting = shape.output == Output::CountToReceiver;
    let ask = |pair: &mut Pair<'_>, step: usize| {
        let mine = order[shape.of_receiver(step)].iter().map(|i| items[*i as usize]);
        let mut own = points(mine);
        exponent.raise_own(&mut own);
        pair.send(own.as_flattened())
    };
    let (mut own_tags, mut peer_tags) =
        (Vec::with_capacity(shape.receiver), Vec::with_capacity(shape.sender));
    ask(pair, 0)?;
    for step in 0..shape.steps() {
        // One chunk ahead of the peer's, so that neither side waits for what the other has yet to work out.
        if step + 1 < shape.steps() {
            ask(pair, step + 1)?;
        }
        let mut theirs = receive_points(pair, shape.of_sender(step).len())?;
        // The answers to the chunk before this one: the sender had a chunk's time for them.
        if step > 0 && !counting {
            receive_tags(pair, shape.of_receiver(step - 1).len(), width, &mut own_tags)?;
        }
        exponent.raise(pair, &mut theirs)?;
        peer_tags.extend(theirs.iter().map(|point| tag(point, width)));
    }
    let left = if counting { shape.receiver } else { shape.of_receiver(shape.steps() - 1).len() };
    receive_tags(pair, left, width, &mut own_tags)?;
    Ok([own_tags, peer_tags])
}

fn receive_tags(
    pair: &mut Pair<'_>,
    n: usize,
    width: usize,
    tags: &mut Vec<u128>,
) -> Result<(), SessionError> {
    let bytes = pair.recv_words::<u8>(n * width)?;
    tags.extend(bytes.chunks(width).map(|bytes| tag(bytes, width)));
    Ok(())
}
