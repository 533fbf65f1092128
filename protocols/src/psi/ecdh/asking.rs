//! The receiver of a run in buckets.

use std::mem::take;

use super::{
    exchange::{Asks, ask_all},
    key::Blinds,
    matching::common,
    open::Opens,
    point::receive_tags,
    receiver::receive_answers,
    setting::{Setting, Word},
    steps::{SIGN, Steps},
};
use crate::{
    prg::Prg,
    psi::{
        buckets::Buckets, hello::Output, matches::bitmap, parameters::Sizes, progress::Progress,
    },
    session::{Pair, SessionError},
};

/// The receiver's side of an intersection in buckets: tells the set which of its items the peer has. Goes on behind the buckets
/// that both sides are done with from an attempt before; what this one finishes is added.
///
/// # Shape
/// A set of at most as many items as the setting says; smaller ones are padded. In another attempt the same set, under the ids it
/// had then; `rng` has given out nothing twice.
///
/// # Cost
/// [`super::cost_from`]: a map and two additions an item that a bucket holds; two buckets in memory.
///
/// # Errors
/// [`SessionError::Inconsistent`] if the settings differ, or what the two sides found; [`SessionError::Unlucky`] if a set does
/// not fit its buckets; [`SessionError::Invalid`] for a bad point, or a peer that is elsewhere; [`SessionError::Misuse`] for a set
/// in one bucket that is to be gone on with; the set's, the gate's and the link's errors pass through.
///
/// # Security
/// Semi-honest; see the [module](super). If both learn the outcome, opens to the peer which of its items are in this set.
pub fn receive_from(
    pair: &mut Pair<'_>,
    setting: &Setting,
    set: &mut dyn Buckets,
    progress: &mut Progress,
    rng: &mut Prg,
) -> Result<(), SessionError> {
    let first = setting.meet(pair, progress)?;
    let both = setting.output() == Output::ToBoth;
    if both {
        progress.reveal(pair, setting.sizes().sender)?;
    }
    if setting.is_trivial() {
        return Ok(());
    }
    let (blinds, word) = (Blinds::new(rng), setting.word());
    let (steps, Sizes { receiver, .. }) = (setting.steps(), setting.capacity());
    let opens = Opens::new(set, rng, (setting.buckets(), receiver));
    let width = setting.tag_bytes();
    let (own, peers) = (Vec::new(), Vec::new());
    if let Some(word) = &word {
        word.say(pair)?;
    }
    let mut asking =
        Asking { both, steps: &steps, width, blinds, word, opens, progress, own, peers };
    ask_all(pair, steps.range_from(first), &mut asking)?;
    if both { progress.agree(pair, "intersections") } else { Ok(()) }
}

struct Asking<'a> {
    both: bool,
    steps: &'a Steps,
    width: usize,
    blinds: Blinds,
    /// What the other side is to say first, until it has.
    word: Option<Word>,
    opens: Opens<'a>,
    progress: &'a mut Progress,
    /// Tags of the bucket that is being answered, and of the peer's items also of the next: each in the order they were sent.
    own: Vec<u128>,
    peers: Vec<u128>,
}

impl Asks for Asking<'_> {
    fn ask(&mut self, pair: &mut Pair<'_>, step: usize) -> Result<(), SessionError> {
        let bucket = self.steps.bucket(step);
        if self.steps.begins(step) {
            self.opens.read(pair, bucket)?;
        }
        let asked = self.blinds.ask(self.opens.items(bucket, self.steps.of_receiver(step)));
        if step.is_multiple_of(SIGN) {
            pair.wire().working();
        }
        pair.send(asked.as_flattened())
    }

    fn hear(&mut self, pair: &mut Pair<'_>, step: usize) -> Result<(), SessionError> {
        let count = self.steps.of_receiver(step).len();
        let bucket = self.steps.bucket(step);
        let open = self.opens.of(bucket);
        let see = |answers: &[u8]| open.map_or((), |open| open.see(answers));
        receive_answers(pair, (count, self.width), &mut self.blinds, &mut self.own, see)?;
        if self.steps.ends(step) { self.close(pair, bucket) } else { Ok(()) }
    }

    fn take(&mut self, pair: &mut Pair<'_>, step: usize) -> Result<(), SessionError> {
        if let Some(word) = self.word.take() {
            word.hear(pair)?;
        }
        self.blinds.hear_key(pair)?;
        receive_tags(pair, self.steps.of_sender(step).len(), self.width, &mut self.peers)
    }
}

impl Asking<'_> {
    /// All of a bucket is there: what of it is common.
    fn close(&mut self, pair: &mut Pair<'_>, bucket: usize) -> Result<(), SessionError> {
        let open = self.opens.close(pair)?;
        // The first of the next bucket's are there already.
        let peers: Vec<u128> = self.peers.drain(..self.steps.capacity().sender).collect();
        let [of_own, of_peer] = common(&take(&mut self.own), &peers);
        let positions = open.positions(of_own.iter().map(|place| *place as usize));
        let positions =
            positions.ok_or_else(|| pair.invalid("a match where this party has no item"))?;
        let mut ids = Vec::new();
        if self.both {
            let places = of_peer.iter().map(|place| *place as usize);
            pair.send(&bitmap(places, self.steps.capacity().sender))?;
            ids = open.ids(&positions);
        }
        self.opens.set.found(bucket, &positions)?;
        let output = if self.both { Output::ToBoth } else { Output::ToReceiver };
        self.progress.finish(pair, self.opens.set, output, (&open.reply, &ids))
    }
}
