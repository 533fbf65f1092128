//! What a run puts on the link.

use super::{
    report::{DIGEST_BYTES, bitmap_bytes},
    shape::{Output, Shape},
};
use crate::session::{PairCost, Side};

/// Bytes of a point.
const POINT_BYTES: usize = 32;

/// The price of [`send`](super::send) and [`receive`](super::receive) or [`count`](super::count).
///
/// # Panics
/// As [`Shape::tag_bytes`].
pub fn cost(c: &mut PairCost, shape: Shape) {
    if shape.is_empty() {
        return;
    }
    let counting = shape.output == Output::CountToReceiver;
    let width = shape.tag_bytes();
    let points = |c: &mut PairCost, step: usize| {
        let of_receiver = c.departs(Side::Receiver, POINT_BYTES * shape.of_receiver(step).len());
        [of_receiver, c.departs(Side::Sender, POINT_BYTES * shape.of_sender(step).len())]
    };
    let (mut due, mut answers) = (points(c, 0), None);
    for step in 0..shape.steps() {
        let ahead = (step + 1 < shape.steps()).then(|| points(c, step + 1));
        let [asked, offered] = due;
        c.arrives(offered);
        if let Some(answered) = answers.take() {
            c.arrives(answered);
        }
        c.arrives(asked);
        if !counting {
            answers = Some(c.departs(Side::Sender, width * shape.of_receiver(step).len()));
        }
        let Some(ahead) = ahead else { break };
        due = ahead;
    }
    let all = if counting { width * shape.receiver } else { 0 };
    let last = answers.unwrap_or_else(|| c.departs(Side::Sender, all));
    c.arrives(last);
    if shape.output == Output::ToBoth {
        c.bytes_from(Side::Receiver, bitmap_bytes(shape.sender));
        c.exchange(DIGEST_BYTES);
    }
}
