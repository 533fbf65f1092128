//! The side that learns the result.

use super::{
    exchange::{Asks, ask_all},
    matching::common,
    order::random_order,
    point::{Exponent, Point, points, tag},
    report,
    shape::{Output, Shape},
    steps::Steps,
};
use crate::{
    prg::Prg,
    ring::Buf,
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
    let (steps, width) = (shape.steps(), shape.tag_bytes());
    let counting = shape.output == Output::CountToReceiver;
    let tags = [shape.receiver, shape.sender].map(Vec::with_capacity);
    let mut whole =
        Whole { items, order, steps: &steps, exponent: &exponent, width, counting, tags };
    ask_all(pair, (&steps, steps.range_from(0)), &exponent, &mut whole)?;
    if counting {
        let [own, _] = &mut whole.tags;
        receive_tags(pair, shape.receiver, width, own)?;
    }
    Ok(whole.tags)
}

/// A set in one piece.
struct Whole<'a> {
    items: &'a [u128],
    order: &'a [u32],
    steps: &'a Steps,
    exponent: &'a Exponent,
    width: usize,
    counting: bool,
    tags: [Vec<u128>; 2],
}

impl Asks for Whole<'_> {
    fn ask(&mut self, pair: &mut Pair<'_>, step: usize) -> Result<(), SessionError> {
        let mine = &self.order[self.steps.of_receiver(step)];
        let mut own = points(mine.iter().map(|i| self.items[*i as usize]));
        self.exponent.raise_own(&mut own);
        pair.send(own.as_flattened())
    }

    fn hear(&mut self, pair: &mut Pair<'_>, step: usize) -> Result<(), SessionError> {
        if self.counting {
            return Ok(());
        }
        let count = self.steps.of_receiver(step).len();
        receive_tags(pair, count, self.width, &mut self.tags[0]).map(drop)
    }

    fn take(&mut self, _: usize, points: &[Point]) {
        self.tags[1].extend(points.iter().map(|point| tag(point, self.width)));
    }
}

/// Receives as many tags; gives their bytes.
pub(super) fn receive_tags(
    pair: &mut Pair<'_>,
    n: usize,
    width: usize,
    tags: &mut Vec<u128>,
) -> Result<Buf<u8>, SessionError> {
    let bytes = pair.recv_words::<u8>(n * width)?;
    tags.extend(bytes.chunks(width).map(|bytes| tag(bytes, width)));
    Ok(bytes)
}
