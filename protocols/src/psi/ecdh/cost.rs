//! What a run puts on the link.

use std::{collections::VecDeque, ops::Range};

use super::{
    setting::{Setting, WORD_BYTES},
    shape::{Output, Shape},
    steps::Steps,
};
use crate::{
    psi::{hello, matches::bitmap_bytes, progress::Progress},
    session::{InFlight, PairCost, Side},
};

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
    let steps = shape.steps();
    travel(c, (&steps, steps.range_from(0)), shape.tag_bytes(), (shape.output, false));
    if shape.output == Output::ToBoth {
        Progress::agree_cost(c);
    }
}

/// The price of [`send_from`](super::send_from) and [`receive_from`](super::receive_from) in an attempt that goes on from this
/// bucket.
pub fn cost_from(c: &mut PairCost, setting: &Setting, first: usize) {
    if setting.goes_on() {
        Progress::cost(c, first);
    }
    if setting.is_trivial() {
        return;
    }
    let (steps, both) = (setting.steps(), setting.output() == hello::Output::ToBoth);
    let output = if both { Output::ToBoth } else { Output::ToReceiver };
    let how = (output, !setting.goes_on());
    travel(c, (&steps, steps.range_from(first)), setting.tag_bytes(), how);
    if both {
        Progress::agree_cost(c);
    }
}

/// The words of both sides where they say them, the key, the points, their answers, and the reports of what matched.
fn travel(
    c: &mut PairCost,
    (steps, range): (&Steps, Range<usize>),
    width: usize,
    (output, words): (Output, bool),
) {
    if range.is_empty() {
        return;
    }
    let (counting, both) = (output == Output::CountToReceiver, output == Output::ToBoth);
    // For a count both sides raise all; else the sender's own are tags, and the answers points.
    let [offer, answer] = if counting { [POINT_BYTES, width] } else { [width, POINT_BYTES] };
    let points = |c: &mut PairCost, step| points(c, steps, offer, step);
    let report = |c: &mut PairCost, step: usize| {
        let due = both && steps.ends(step);
        due.then(|| c.departs(Side::Receiver, bitmap_bytes(steps.capacity().sender)))
    };
    let word = |c: &mut PairCost, side| words.then(|| c.departs(side, WORD_BYTES));
    let [of_sender, mut of_receiver] = [Side::Sender, Side::Receiver].map(|side| word(c, side));
    // What the sender says before anything else.
    let mut first: Vec<_> = of_sender.into_iter().collect();
    first.extend((!counting).then(|| c.departs(Side::Sender, POINT_BYTES)));
    let (mut due, mut answers, mut reports) = (points(c, range.start), None, VecDeque::new());
    for step in range.clone() {
        let ahead = (step + 1 < range.end).then(|| points(c, step + 1));
        let [asked, offered] = due;
        first.drain(..).for_each(|said| c.arrives(said));
        c.arrives(offered);
        if let Some(answered) = answers.take() {
            c.arrives(answered);
            reports.extend(report(c, step - 1));
        }
        if both && steps.reported(step, range.start).is_some() {
            reports.pop_front().into_iter().for_each(|report| c.arrives(report));
        }
        of_receiver.take().into_iter().for_each(|word| c.arrives(word));
        c.arrives(asked);
        if !counting {
            answers = Some(c.departs(Side::Sender, answer * steps.of_receiver(step).len()));
        }
        let Some(ahead) = ahead else { break };
        due = ahead;
    }
    // A count is answered when all is asked.
    let last =
        answers.unwrap_or_else(|| c.departs(Side::Sender, answer * steps.capacity().receiver));
    c.arrives(last);
    reports.extend(report(c, range.end - 1));
    reports.into_iter().for_each(|report| c.arrives(report));
}

/// What is asked in a step, and offered.
fn points(c: &mut PairCost, steps: &Steps, offer: usize, step: usize) -> [InFlight; 2] {
    let asked = c.departs(Side::Receiver, POINT_BYTES * steps.of_receiver(step).len());
    [asked, c.departs(Side::Sender, offer * steps.of_sender(step).len())]
}
