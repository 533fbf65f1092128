//! A sender's set raised once for many runs.

use std::fmt;

use super::{
    key::Key,
    order::random_order,
    point::{Point, tags},
    report,
    sender::serve,
    shape::{Output, Shape},
};
use crate::{
    prg::Prg,
    session::{OpeningKind, Pair, SessionError},
};

/// A sender's set under a key that is kept: a run costs the sender the receiver's points alone.
///
/// # Security
/// Secret: the key, and the set. Semi-honest, as [`send`](super::send), run by run. What several runs under one key show
/// beyond that: **the public key and k·H(y) are the same in all of them.** One receiver in several runs, and receivers who compare what they saw, learn
/// that the set behind them is the same, and which masked element of one run is which of another. Of elements that none of
/// them has this tells nothing else: they are random points, only the same ones; of matched elements their results tell it
/// anyway. So
/// - the set is fixed here: a changed one is prepared anew, under a fresh key, or it would show how many came and went;
/// - a count is refused: the places of matched points in two runs would say how many items the two counts share.
///
/// Prepare anew for every salt (ids of another salt are other items), and whenever two runs are not to be known for runs about one
/// set: for every counterparty, or every day. Prints its size only; the key is wiped when dropped.
pub struct Prepared {
    key: Key,
    items: Vec<u128>,
    order: Vec<u32>,
    /// The key's multiples of the items in this order.
    points: Vec<Point>,
}

impl Prepared {
    /// Raises a set by a fresh key, in a random order.
    ///
    /// # Shape
    /// Distinct ids.
    ///
    /// # Cost
    /// Local: a map and a ladder an element; 52 bytes of memory each.
    #[must_use]
    pub fn new(items: &[u128], rng: &mut Prg) -> Self {
        let (key, order) = (Key::random(rng), random_order(items.len(), rng));
        let points = key.own(order.iter().map(|i| items[*i as usize]));
        Self { key, items: items.to_vec(), order, points }
    }

    /// How many items there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// [`send`](super::send) of this set; the other side runs [`receive`](super::receive) and need not know.
    ///
    /// # Shape
    /// As many items as `shape.sender`.
    ///
    /// # Cost
    /// [`cost`](super::cost); a ladder for each of the receiver's points, and none for its own.
    ///
    /// # Errors
    /// [`SessionError::Misuse`] for a shape that asks for the count; as [`send`](super::send) otherwise.
    ///
    /// # Security
    /// See the type.
    pub fn send(
        &self,
        pair: &mut Pair<'_>,
        shape: Shape,
    ) -> Result<Option<Vec<u32>>, SessionError> {
        Shape::check(pair, &self.items, shape.sender)?;
        if shape.output == Output::CountToReceiver {
            let what = "a count of a prepared set: two counts would tell what they share; count with `send`";
            return Err(SessionError::Misuse { step: pair.step(), what });
        }
        let to_both = shape.output == Output::ToBoth;
        pair.reveal(OpeningKind::Membership, shape.receiver)?;
        if shape.is_empty() {
            return Ok(to_both.then(Vec::new));
        }
        let width = shape.tag_bytes();
        serve(pair, shape, &self.key, |pair, own| pair.send(&tags(&self.points[own], width)))?;
        if !to_both {
            return Ok(None);
        }
        report::accept(pair, &self.items, &self.order).map(Some)
    }
}

/// Sets do not print.
impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Prepared({} items)", self.items.len())
    }
}
