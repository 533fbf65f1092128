//! The count alone: both sides raise u-coordinates, and the answers come in an order that tells nothing.
//!
//! ```text
//! receiver                                              sender
//!    H(x)^a of every x, in random order   ───────▶
//!                                         ◀───────      H(y)^b of every y, in random order
//!                                         ◀───────      (H(x)^a)^b, shortened and sorted
//!    as many are common as (H(x)^a)^b are among the (H(y)^b)^a
//! ```
//!
//! Here the receiver's blind is a factor of the exponent, one for all items: a summand of one's own for each, as in the
//! [rows](super), could not be taken off answers that come in another order. H is BLAKE3 to a field element and Elligator 2 from
//! there. An item must never be taken for a u-coordinate itself: the ladder keeps on the curve what is on the curve and on the twist
//! what is on the twist, which would show one bit of each item. Exponents are multiples of 8, so that of a point only its part in
//! the subgroup of prime order counts; the twist is as hard as the curve. A point that is not canonical, or that an exponent takes to
//! the neutral element, ends the run.

use super::{
    exchange::{Asks, Serves, ask_all, serve_all},
    matching::common,
    order::random_order,
    point::{Exponent, points, receive_points, receive_tags, tag, tags},
    shape::{Output, Shape},
    steps::Steps,
};
use crate::{
    prg::Prg,
    session::{Pair, SessionError},
};

/// Learns how many of `items` are among the sender's, and not which.
///
/// # Shape
/// As [`receive`](super::receive), for a shape that asks for the count.
///
/// # Cost
/// [`cost`](super::cost): a map and two ladders an element of each side, 32 bytes of each point.
///
/// # Errors
/// As [`receive`](super::receive).
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
    let exponent = Exponent::random(rng);
    let (steps, peers) = (shape.steps(), Vec::with_capacity(shape.sender));
    let width = shape.tag_bytes();
    let mut asks =
        Counting { items, order: &order, steps: &steps, exponent: &exponent, width, peers };
    ask_all(pair, steps.range_from(0), &mut asks)?;
    let mut own = Vec::with_capacity(shape.receiver);
    receive_tags(pair, shape.receiver, width, &mut own)?;
    Ok(common(&own, &asks.peers)[0].len())
}

/// The receiver, of a set in one piece.
struct Counting<'a> {
    items: &'a [u128],
    order: &'a [u32],
    steps: &'a Steps,
    exponent: &'a Exponent,
    width: usize,
    /// Tags of the peer's items.
    peers: Vec<u128>,
}

impl Asks for Counting<'_> {
    fn ask(&mut self, pair: &mut Pair<'_>, step: usize) -> Result<(), SessionError> {
        send_own(pair, self.items, &self.order[self.steps.of_receiver(step)], self.exponent)
    }

    /// The answers come when all is asked.
    fn hear(&mut self, _: &mut Pair<'_>, _: usize) -> Result<(), SessionError> {
        Ok(())
    }

    fn take(&mut self, pair: &mut Pair<'_>, step: usize) -> Result<(), SessionError> {
        let mut theirs = receive_points(pair, self.steps.of_sender(step).len())?;
        self.exponent.raise(pair, &mut theirs)?;
        self.peers.extend(theirs.iter().map(|point| tag(point, self.width)));
        Ok(())
    }
}

/// The sender's side of [`count`]: offers its own points, and answers the receiver's when all are there.
pub(super) fn serve(
    pair: &mut Pair<'_>,
    items: &[u128],
    shape: Shape,
    rng: &mut Prg,
) -> Result<(), SessionError> {
    let exponent = Exponent::random(rng);
    let order = random_order(items.len(), rng);
    let (steps, width, kept) = (shape.steps(), shape.tag_bytes(), Vec::new());
    let mut counted =
        Counted { items, order: &order, steps: &steps, exponent: &exponent, width, kept };
    serve_all(pair, (&steps, steps.range_from(0)), &mut counted)?;
    send_unordered(pair, &counted.kept, width)
}

/// The sender, of a set in one piece.
struct Counted<'a> {
    items: &'a [u128],
    order: &'a [u32],
    steps: &'a Steps,
    exponent: &'a Exponent,
    width: usize,
    /// The answers.
    kept: Vec<u8>,
}

impl Serves for Counted<'_> {
    fn offer(&mut self, pair: &mut Pair<'_>, step: usize) -> Result<(), SessionError> {
        send_own(pair, self.items, &self.order[self.steps.of_sender(step)], self.exponent)
    }

    fn answer(&mut self, pair: &mut Pair<'_>, step: usize) -> Result<(), SessionError> {
        let mut asked = receive_points(pair, self.steps.of_receiver(step).len())?;
        self.exponent.raise(pair, &mut asked)?;
        self.kept.extend(tags(&asked, self.width));
        Ok(())
    }

    /// There is none.
    fn hear_report(&mut self, _: &mut Pair<'_>, _: usize) -> Result<(), SessionError> {
        Ok(())
    }
}

/// Sends the points of these items, raised.
fn send_own(
    pair: &mut Pair<'_>,
    items: &[u128],
    order: &[u32],
    exponent: &Exponent,
) -> Result<(), SessionError> {
    let mut own = points(order.iter().map(|i| items[*i as usize]));
    exponent.raise_own(&mut own);
    pair.send(own.as_flattened())
}

/// Sends the answers in their own order, so that none tells which question it answers.
fn send_unordered(pair: &mut Pair<'_>, tags: &[u8], width: usize) -> Result<(), SessionError> {
    let mut tags: Vec<&[u8]> = tags.chunks(width).collect();
    tags.sort_unstable();
    pair.send(&tags.concat())
}
