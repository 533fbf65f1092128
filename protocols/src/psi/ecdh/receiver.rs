//! The side that learns the result.

use super::{
    exchange::{Asks, ask_all},
    key::Blinds,
    matching::common,
    order::random_order,
    point::{receive_points, receive_tags, tag},
    report,
    shape::{Output, Shape},
    steps::Steps,
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
/// [`cost`](super::cost): a map and two additions of multiples of fixed points an element, 32 bytes asked and 32 answered.
///
/// # Errors
/// [`SessionError::Invalid`] for a bad point, [`SessionError::Shape`] if `items` is not as long as the shape says,
/// [`SessionError::Inconsistent`] if the sides found different sets; link and gate errors pass through.
///
/// # Panics
/// If the shape asks for the count alone.
///
/// # Security
/// Semi-honest; see the [module](super). The blinds and the items are secret. What is compared at the end is the result.
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
    let (steps, width, blinds) = (shape.steps(), shape.tag_bytes(), Blinds::new(rng));
    let tags = [shape.receiver, shape.sender].map(Vec::with_capacity);
    let mut whole = Whole { items, order: &order, steps: &steps, width, blinds, tags };
    ask_all(pair, steps.range_from(0), &mut whole)?;
    let [of_own, of_peer] = common(&whole.tags[0], &whole.tags[1]);
    let mut positions: Vec<u32> = of_own.iter().map(|place| order[*place as usize]).collect();
    positions.sort_unstable();
    if shape.output == Output::ToBoth {
        report::send(pair, items, &positions, &of_peer, shape.sender)?;
    }
    Ok(positions)
}

/// A set in one piece.
struct Whole<'a> {
    items: &'a [u128],
    order: &'a [u32],
    steps: &'a Steps,
    width: usize,
    blinds: Blinds,
    /// Of this side's items and of the peer's, each in the order they were sent.
    tags: [Vec<u128>; 2],
}

impl Asks for Whole<'_> {
    fn ask(&mut self, pair: &mut Pair<'_>, step: usize) -> Result<(), SessionError> {
        let mine = &self.order[self.steps.of_receiver(step)];
        let asked = self.blinds.ask(mine.iter().map(|i| self.items[*i as usize]));
        pair.send(asked.as_flattened())
    }

    fn hear(&mut self, pair: &mut Pair<'_>, step: usize) -> Result<(), SessionError> {
        let sizes = (self.steps.of_receiver(step).len(), self.width);
        receive_answers(pair, sizes, &mut self.blinds, &mut self.tags[0], |_| ())
    }

    fn take(&mut self, pair: &mut Pair<'_>, step: usize) -> Result<(), SessionError> {
        self.blinds.hear_key(pair)?;
        receive_tags(pair, self.steps.of_sender(step).len(), self.width, &mut self.tags[1])
    }
}

/// Receives as many answers, shows their bytes, takes the blinds off and keeps tags of this width.
pub(super) fn receive_answers(
    pair: &mut Pair<'_>,
    (n, width): (usize, usize),
    blinds: &mut Blinds,
    tags: &mut Vec<u128>,
    see: impl FnOnce(&[u8]),
) -> Result<(), SessionError> {
    let mut answers = receive_points(pair, n)?;
    see(answers.as_flattened());
    blinds.unblind(pair, &mut answers)?;
    tags.extend(answers.iter().map(|point| tag(point, width)));
    Ok(())
}
