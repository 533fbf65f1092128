//! The price of a run: a twin of both sides that makes the same calls.

use std::ops::Range;

use super::{
    super::{
        elias_fano,
        hello::{Output, Setting},
        matches::bitmap_bytes,
        oprf::{HEADER_WORDS, correlations_cost},
        progress::Progress,
    },
    coin::{COMMITMENT_WORDS, OPENING_WORDS},
};
use crate::{
    session::{InFlight, PairCost, Side},
    vole::Model,
};

const WORD: usize = size_of::<u128>();

/// The price of [`super::send`] and [`super::receive`]: bytes of each side, messages, rounds.
pub fn cost(c: &mut PairCost, setting: &Setting) {
    cost_from(c, setting, 0);
}

/// The price of an attempt that goes on from this bucket.
pub fn cost_from(c: &mut PairCost, setting: &Setting, first: usize) {
    Progress::cost(c, first);
    let parameters = &setting.parameters;
    if parameters.is_trivial() {
        return;
    }
    for batch in parameters.batches_from(first) {
        if parameters.model() == Model::Malicious {
            c.message::<u128>(Side::Sender, batch.len() * COMMITMENT_WORDS);
        }
        let store = parameters.store();
        correlations_cost(c, store.field(), batch.len() * store.slots(), parameters.model());
        buckets(c, setting, batch);
    }
    if setting.output == Output::ToBoth {
        Progress::agree_cost(c);
    }
}

fn buckets(c: &mut PairCost, setting: &Setting, batch: Range<usize>) {
    let parameters = &setting.parameters;
    let malicious = parameters.model() == Model::Malicious;
    let both = setting.output == Output::ToBoth;
    let capacity = parameters.capacity().sender;
    let ask = |c: &mut PairCost| {
        let coin = if malicious { WORD } else { 0 };
        let store = parameters.store();
        let parts = [HEADER_WORDS * WORD, store.slots() * store.field().bytes(), coin];
        parts.map(|len| c.departs(Side::Receiver, len))
    };
    let arrive = |c: &mut PairCost, messages: Option<Vec<InFlight>>| {
        messages.into_iter().flatten().for_each(|message| c.arrives(message));
    };
    let mut asked = Some(Vec::from(ask(c)));
    let mut report = None;
    for bucket in batch.clone() {
        let ahead = (bucket + 1 < batch.end).then(|| Vec::from(ask(c)));
        arrive(c, asked);
        let opening = if malicious { OPENING_WORDS * WORD } else { 0 };
        let parts = [opening, elias_fano::len(capacity, parameters.tag_bits())];
        let reply = parts.map(|len| c.departs(Side::Sender, len));
        arrive(c, report.take());
        arrive(c, Some(reply.into()));
        report = both.then(|| vec![c.departs(Side::Receiver, bitmap_bytes(capacity))]);
        asked = ahead;
    }
    arrive(c, report);
}
