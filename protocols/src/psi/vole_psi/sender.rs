//! The sender: answers each bucket with the tags of its own items.

use super::{
    super::{
        buckets::Buckets,
        elias_fano,
        hello::{Output, Setting},
        matches::{bitmap_bytes, places},
        oprf::{Instance, OprfKey, SenderCorrelations},
        progress::Progress,
        tags::{FILLED, Sorted},
    },
    coin::Part,
};
use crate::{
    prg::Prg,
    session::{Pair, SessionError},
    vole::Model,
};

/// The sender's side of an intersection.
///
/// # Shape
/// A set of at most as many items as the setting says; smaller ones are padded.
///
/// # Cost
/// [`super::cost`].
///
/// # Errors
/// [`SessionError::Inconsistent`] if the settings differ, or what the two sides found; [`SessionError::Unlucky`] and
/// [`SessionError::Misuse`] if a set does not fit its buckets; the gate's and the link's errors pass through.
///
/// # Security
/// See the module. Opens to the peer which of its items are in this set; that many as the setting says.
pub fn send(
    pair: &mut Pair<'_>,
    setting: &Setting,
    set: &mut dyn Buckets,
    rng: &mut Prg,
) -> Result<(), SessionError> {
    send_from(pair, setting, set, &mut setting.progress(), rng)
}

/// [`send`], behind the buckets that both sides are done with from an attempt before; what this one finishes is added.
///
/// # Shape
/// The set of the attempt before, under the ids it had then; `rng` has given out nothing twice.
///
/// # Cost
/// [`super::cost_from`].
///
/// # Errors
/// As [`send`]; if the sides cannot go on from where they are, [`SessionError::Inconsistent`] or [`SessionError::Invalid`].
///
/// # Security
/// See the module.
pub fn send_from(
    pair: &mut Pair<'_>,
    setting: &Setting,
    set: &mut dyn Buckets,
    progress: &mut Progress,
    rng: &mut Prg,
) -> Result<(), SessionError> {
    let first = progress.meet(pair, &setting.hello())?;
    let parameters = &setting.parameters;
    progress.reveal(pair, parameters.sizes().receiver)?;
    if parameters.is_trivial() {
        return Ok(());
    }
    let mut sender = Sender { setting, set, rng, unreported: None, progress };
    for batch in parameters.batches_from(first) {
        let parts = sender.commit(pair, batch.clone())?;
        let slots = parameters.store().slots();
        let (field, count) = (parameters.store().field(), batch.len() * slots);
        let correlations =
            SenderCorrelations::make(pair, field, count, parameters.model(), sender.rng)?;
        for bucket in batch.clone() {
            let at = (bucket - batch.start) * slots;
            let instance = sender.setting.instance(bucket);
            let key = instance.hear(pair, &correlations.part(at..at + slots))?;
            sender.answer(pair, bucket, &key, parts.get(bucket - batch.start))?;
        }
        sender.hear_report(pair)?;
    }
    if setting.output == Output::ToBoth {
        sender.progress.agree(pair, "intersections")?;
    }
    Ok(())
}

struct Sender<'a> {
    setting: &'a Setting,
    set: &'a mut dyn Buckets,
    rng: &'a mut Prg,
    /// The bucket that was answered last and the answer, as long as it is not known which of its tags matched.
    unreported: Option<(usize, Sorted, Vec<u8>)>,
    progress: &'a mut Progress,
}

impl Sender<'_> {
    /// Commits to its part of the coin of each bucket, in the malicious variant.
    fn commit(
        &mut self,
        pair: &mut Pair<'_>,
        batch: std::ops::Range<usize>,
    ) -> Result<Vec<Part>, SessionError> {
        if self.setting.parameters.model() == Model::SemiHonest {
            return Ok(Vec::new());
        }
        let parts: Vec<_> = batch.clone().map(|_| Part::draw(self.rng)).collect();
        let commitments =
            batch.zip(&parts).map(|(bucket, part)| part.commitment(&self.setting.context, bucket));
        pair.send(commitments.collect::<Vec<_>>().as_flattened())?;
        Ok(parts)
    }

    fn answer(
        &mut self,
        pair: &mut Pair<'_>,
        bucket: usize,
        key: &OprfKey,
        part: Option<&Part>,
    ) -> Result<(), SessionError> {
        let parameters = &self.setting.parameters;
        let capacity = parameters.capacity().sender;
        let items = self.set.bucket(bucket, parameters.buckets())?;
        if items.len() > capacity {
            return Err(pair.unlucky("more items fall into one bucket than it holds"));
        }
        let (placed, outputs) = match part {
            None => key.outputs(&items),
            Some(part) => {
                let outputs =
                    key.outputs_by_oracle(&items, || Ok(part.with(pair.recv_words(1)?[0])))?;
                pair.send(&part.opening())?;
                outputs
            }
        };
        let bits = parameters.tag_bits();
        if self.setting.output == Output::ToReceiver {
            let tags = Sorted::tags_only(&outputs, capacity, bits, self.rng);
            let reply = elias_fano::encode(&tags, bits);
            pair.send(&reply)?;
            return self.finish(pair, (&reply, &[]));
        }
        let mut sorted = Sorted::new(&outputs, capacity, bits, self.rng);
        for origin in sorted.origin.iter_mut().filter(|origin| **origin != FILLED) {
            *origin = placed.rows()[*origin as usize];
        }
        let reply = elias_fano::encode(&sorted.tags, bits);
        pair.send(&reply)?;
        self.hear_report(pair)?;
        self.unreported = Some((bucket, sorted, reply));
        Ok(())
    }

    /// Hears which tags of the bucket before matched.
    fn hear_report(&mut self, pair: &mut Pair<'_>) -> Result<(), SessionError> {
        let Some((bucket, sorted, reply)) = self.unreported.take() else { return Ok(()) };
        let bits: crate::ring::Buf<u8> = pair.recv_words(bitmap_bytes(sorted.tags.len()))?;
        let mut positions = Vec::new();
        let mut tags = Vec::new();
        for place in places(&bits) {
            match sorted.origin.get(place) {
                Some(origin) if *origin != FILLED => positions.push(*origin),
                _ => return Err(pair.invalid("a match where this party has no item")),
            }
            tags.push(sorted.tags[place]);
        }
        positions.sort_unstable();
        self.set.found(bucket, &positions)?;
        self.finish(pair, (&reply, &tags))
    }

    fn finish(&mut self, pair: &mut Pair<'_>, seen: (&[u8], &[u128])) -> Result<(), SessionError> {
        self.progress.finish(pair, self.set, self.setting.output, seen)
    }
}

impl Setting {
    /// The instance of a bucket.
    pub(super) fn instance(&self, bucket: usize) -> Instance<'_> {
        Instance { store: self.parameters.store(), number: bucket as u64, context: &self.context }
    }
}
