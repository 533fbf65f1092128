//! The sender of a run in buckets.

use super::{
    exchange::{Serves, serve_all},
    key::Key,
    open::{Open, Opens},
    point::{receive_points, tags},
    setting::{Setting, Word},
    steps::{SIGN, Steps},
};
use crate::{
    prg::Prg,
    psi::{
        buckets::Buckets,
        hello::Output,
        matches::{bitmap_bytes, places},
        parameters::Sizes,
        progress::Progress,
    },
    session::{Pair, SessionError},
};

/// The sender's side of an intersection in buckets, behind those that both sides are done with from an attempt before; what this
/// one finishes is added. Tells the set which of its items the peer has, if both are to learn the outcome.
///
/// # Shape
/// A set of at most as many items as the setting says; smaller ones are padded. In another attempt the same set, under the ids it
/// had then; `rng` has given out nothing twice.
///
/// # Cost
/// [`super::cost_from`]: a map and a ladder for an item of a bucket's, a ladder for one of the peer's; two buckets in memory.
///
/// # Errors
/// As [`super::receive_from`].
///
/// # Security
/// Semi-honest; see the [module](super). Opens to the peer which of its items are in this set; that many as the setting says.
pub fn send_from(
    pair: &mut Pair<'_>,
    setting: &Setting,
    set: &mut dyn Buckets,
    progress: &mut Progress,
    rng: &mut Prg,
) -> Result<(), SessionError> {
    let first = setting.meet(pair, progress)?;
    progress.reveal(pair, setting.sizes().receiver)?;
    if setting.is_trivial() {
        return Ok(());
    }
    let both = setting.output() == Output::ToBoth;
    let key = Key::random(rng);
    let (steps, Sizes { sender, .. }) = (setting.steps(), setting.capacity());
    let opens = Opens::new(set, rng, (setting.buckets(), sender));
    let (width, range, word) = (setting.tag_bytes(), steps.range_from(first), setting.word());
    if !range.is_empty() {
        if let Some(word) = &word {
            word.say(pair)?;
        }
        pair.send(key.public())?;
    }
    let mut answering = Answering { both, steps: &steps, width, key: &key, word, opens, progress };
    serve_all(pair, (&steps, range), &mut answering)?;
    if both { progress.agree(pair, "intersections") } else { Ok(()) }
}

impl Setting {
    /// The first bucket of an attempt; where there is one alone nothing is said of it.
    pub(super) fn meet(
        &self,
        pair: &mut Pair<'_>,
        progress: &mut Progress,
    ) -> Result<usize, SessionError> {
        if self.goes_on() {
            return progress.meet(pair, &self.hello());
        }
        match progress.buckets() {
            0 => Ok(0),
            _ => Err(pair.misuse("an intersection in one bucket that is gone on with")),
        }
    }
}

struct Answering<'a> {
    both: bool,
    steps: &'a Steps,
    width: usize,
    key: &'a Key,
    /// What the other side is to say first, until it has.
    word: Option<Word>,
    opens: Opens<'a>,
    progress: &'a mut Progress,
}

impl Serves for Answering<'_> {
    fn offer(&mut self, pair: &mut Pair<'_>, step: usize) -> Result<(), SessionError> {
        let bucket = self.steps.bucket(step);
        if self.steps.begins(step) {
            self.opens.read(pair, bucket)?;
        }
        let own = self.key.own(self.opens.items(bucket, self.steps.of_sender(step)));
        if step.is_multiple_of(SIGN) {
            pair.wire().working();
        }
        pair.send(&tags(&own, self.width))
    }

    fn answer(&mut self, pair: &mut Pair<'_>, step: usize) -> Result<(), SessionError> {
        if let Some(word) = self.word.take() {
            word.hear(pair)?;
        }
        let mut asked = receive_points(pair, self.steps.of_receiver(step).len())?;
        self.key.answer(pair, &mut asked)?;
        pair.send(asked.as_flattened())?;
        let bucket = self.steps.bucket(step);
        if let Some(open) = self.opens.of(bucket) {
            open.see(asked.as_flattened());
        }
        if !self.both && self.steps.ends(step) {
            let open = self.opens.close(pair)?;
            return self.finish(pair, (&open, &[]));
        }
        Ok(())
    }

    fn hear_report(&mut self, pair: &mut Pair<'_>, bucket: usize) -> Result<(), SessionError> {
        if !self.both {
            return Ok(());
        }
        let count = self.steps.capacity().sender;
        let bits = pair.recv_words::<u8>(bitmap_bytes(count))?;
        let open = self.opens.close(pair)?;
        let positions = open.positions(places(&bits));
        let positions =
            positions.ok_or_else(|| pair.invalid("a match where this party has no item"))?;
        self.opens.set.found(bucket, &positions)?;
        self.finish(pair, (&open, &open.ids(&positions)))
    }
}

impl Answering<'_> {
    fn finish(
        &mut self,
        pair: &mut Pair<'_>,
        (open, ids): (&Open, &[u128]),
    ) -> Result<(), SessionError> {
        let output = if self.both { Output::ToBoth } else { Output::ToReceiver };
        self.progress.finish(pair, self.opens.set, output, (&open.reply, ids))
    }
}
