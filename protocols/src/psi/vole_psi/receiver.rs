//! The receiver: asks bucket by bucket, one ahead, and looks its own items up in the replies.

use std::ops::Range;

use super::{
    super::{
        buckets::Buckets,
        elias_fano,
        hello::{Output, Setting},
        matches::bitmap,
        oprf::{Asked, ReceiverCorrelations},
        progress::Progress,
        tags::{Table, tag},
    },
    coin::{COMMITMENT_WORDS, OPENING_WORDS, Part},
};
use crate::{
    prg::Prg,
    ring::{Buf, Z128},
    session::{Pair, SessionError},
    vole::Model,
};

/// The receiver's side of an intersection: tells the set which of its items the peer has.
///
/// # Shape
/// A set of at most as many items as the setting says; smaller ones are padded.
///
/// # Cost
/// [`super::cost`].
///
/// # Errors
/// [`SessionError::Inconsistent`] if the settings differ, or what the two sides found; [`SessionError::Unlucky`] and
/// [`SessionError::Misuse`] if a set does not fit its buckets; [`SessionError::Invalid`] for a reply that is none; the gate's
/// and the link's errors pass through.
///
/// # Security
/// See the module. If both learn the outcome, opens to the peer which of its items are in this set.
pub fn receive(
    pair: &mut Pair<'_>,
    setting: &Setting,
    set: &mut dyn Buckets,
    rng: &mut Prg,
) -> Result<(), SessionError> {
    receive_from(pair, setting, set, &mut setting.progress(), rng)
}

/// [`receive`], behind the buckets that both sides are done with from an attempt before; what this one finishes is added.
///
/// # Shape
/// The set of the attempt before, under the ids it had then; `rng` has given out nothing twice.
///
/// # Cost
/// [`super::cost_from`].
///
/// # Errors
/// As [`receive`]; if the sides cannot go on from where they are, [`SessionError::Inconsistent`] or [`SessionError::Invalid`].
///
/// # Security
/// See the module.
pub fn receive_from(
    pair: &mut Pair<'_>,
    setting: &Setting,
    set: &mut dyn Buckets,
    progress: &mut Progress,
    rng: &mut Prg,
) -> Result<(), SessionError> {
    let first = progress.meet(pair, &setting.hello())?;
    let parameters = &setting.parameters;
    if setting.output == Output::ToBoth {
        progress.reveal(pair, parameters.sizes().sender)?;
    }
    if parameters.is_trivial() {
        return Ok(());
    }
    let mut receiver = Receiver { setting, set, rng, progress };
    for batch in parameters.batches_from(first) {
        receiver.batch(pair, batch)?;
    }
    if setting.output == Output::ToBoth {
        receiver.progress.agree(pair, "intersections")?;
    }
    Ok(())
}

struct Receiver<'a> {
    setting: &'a Setting,
    set: &'a mut dyn Buckets,
    rng: &'a mut Prg,
    progress: &'a mut Progress,
}

/// A bucket that was asked for.
struct Open {
    asked: Asked,
    /// The items, where the output depends on them.
    items: Vec<u128>,
    /// This side's part of the coin.
    coin: u128,
}

impl Receiver<'_> {
    fn batch(&mut self, pair: &mut Pair<'_>, batch: Range<usize>) -> Result<(), SessionError> {
        let parameters = &self.setting.parameters;
        let malicious = parameters.model() == Model::Malicious;
        let words = if malicious { batch.len() * COMMITMENT_WORDS } else { 0 };
        let commitments: Buf<u128> = pair.recv_words(words)?;
        let slots = parameters.store().slots();
        let (field, count) = (parameters.store().field(), batch.len() * slots);
        let correlations =
            ReceiverCorrelations::make(pair, field, count, parameters.model(), self.rng)?;
        let part =
            |bucket: usize| (bucket - batch.start) * slots..(bucket - batch.start + 1) * slots;
        let mut ahead = None;
        for bucket in batch.clone() {
            let open = match ahead.take() {
                Some(open) => open,
                None => self.ask(pair, bucket, correlations.a(part(bucket)))?,
            };
            if bucket + 1 < batch.end {
                ahead = Some(self.ask(pair, bucket + 1, correlations.a(part(bucket + 1)))?);
            }
            let c = correlations.c(part(bucket));
            let outputs = if malicious {
                let at = (bucket - batch.start) * COMMITMENT_WORDS;
                let committed = &commitments[at..at + COMMITMENT_WORDS];
                let coin = self.coin(pair, bucket, committed)? ^ open.coin;
                open.asked.outputs_by_oracle(c[0], coin, &open.items)
            } else {
                open.asked.outputs(&c)
            };
            self.find(pair, bucket, &open.asked, &outputs)?;
        }
        Ok(())
    }

    /// Asks for a bucket.
    fn ask(
        &mut self,
        pair: &mut Pair<'_>,
        bucket: usize,
        a: &[u128],
    ) -> Result<Open, SessionError> {
        let parameters = &self.setting.parameters;
        let items = self.set.bucket(bucket, parameters.buckets())?;
        if items.len() > parameters.capacity().receiver {
            return Err(pair.unlucky("more items fall into one bucket than it holds"));
        }
        let asked = self.setting.instance(bucket).ask(pair, &items, a, self.rng)?;
        if parameters.model() == Model::SemiHonest {
            return Ok(Open { asked, items: Vec::new(), coin: 0 });
        }
        let coin = self.rng.elements::<Z128>(1)[0];
        pair.send(&[coin])?;
        Ok(Open { asked, items: items.into_owned(), coin })
    }

    /// The sender's part of the coin, as it committed to it.
    fn coin(
        &self,
        pair: &mut Pair<'_>,
        bucket: usize,
        committed: &[u128],
    ) -> Result<u128, SessionError> {
        let part = Part::opened(&pair.recv_words::<u128>(OPENING_WORDS)?);
        if part.commitment(&self.setting.context, bucket) != *committed {
            return Err(pair.invalid("a coin it did not commit to"));
        }
        Ok(part.with(0))
    }

    /// Receives the reply to a bucket and looks the own outputs up in it.
    fn find(
        &mut self,
        pair: &mut Pair<'_>,
        bucket: usize,
        asked: &Asked,
        outputs: &[u128],
    ) -> Result<(), SessionError> {
        let parameters = &self.setting.parameters;
        let (capacity, bits) = (parameters.capacity().sender, parameters.tag_bits());
        let reply: Buf<u8> = pair.recv_words(elias_fano::len(capacity, bits))?;
        let tags = elias_fano::decode(&reply, capacity, bits);
        let tags = tags.map_err(|_| pair.invalid("a reply that is no ascending list of tags"))?;
        let table = Table::new(&tags, bits);
        let (mut matched, mut positions) = (Vec::new(), Vec::new());
        table.find(outputs.iter().map(|output| tag(*output, bits)), |at, place| {
            matched.push(place);
            positions.push(asked.rows()[at]);
        });
        positions.sort_unstable();
        if self.setting.output == Output::ToBoth {
            matched.sort_unstable();
            pair.send(&bitmap(matched.iter().copied(), tags.len()))?;
        }
        let matched: Vec<u128> = matched.iter().map(|place| tags[*place]).collect();
        self.set.found(bucket, &positions)?;
        self.progress.finish(pair, self.set, self.setting.output, (&reply, &matched))
    }
}
