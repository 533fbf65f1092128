//! The part of the one party that adds up.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
    time::Instant,
};

use protocols::{
    net::Channel,
    party::Role,
    session::{OpeningKind, Recipient, Wire},
};
use zeroize::Zeroizing;

use super::{
    clerk::Model,
    coming::Answer,
    desk::{Desk, Told},
    setting::Masks,
    step::{Head, Step},
};
use crate::{
    average::sum::checked,
    pairs::Pairs,
    round::{
        closing::kept,
        committee::Trained,
        course::{Course, RoundReport, State},
        error::{RoundError, disk},
        keeper::{Closed, Keeper, Standing},
        message::{hash_words, packed},
        total::Opened,
    },
    secagg::{Keys, SecAggError, Server, Sets, Setting, Slots, signature_of},
};

/// What the party that adds up brings to a training.
pub struct Aggregate<'a> {
    /// The run's links, to every provider.
    pub channel: Arc<dyn Channel>,
    /// What all know.
    pub course: &'a Course,
    /// What all know of its sums.
    pub masks: &'a Masks,
    /// Where it begins; if the course goes on from an earlier run, where that left it.
    pub from: Standing,
    /// Keeps where it stands.
    pub keep: &'a mut dyn Keeper,
    /// Told of shares that did not open.
    pub doubts: Doubts<'a>,
}

/// Shares that one provider sealed for another and that do not open: one of the two is faulty or cheats, or the party is that passed
/// them on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// Which round, from 1.
    pub round: u32,
    /// Who sealed them.
    pub from: usize,
    /// For whom.
    pub to: usize,
}

/// Whoever is told of them.
pub type Doubts<'a> = &'a mut dyn FnMut(Doubt);

impl fmt::Debug for Aggregate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Aggregate({} providers)", self.course.providers.len())
    }
}

/// Trains, at the one party that computes. `wire` is at the step of the training, and talks to nobody meanwhile.
///
/// # Cost
/// That of [`super::masked_cost`] if every provider takes part in every step.
///
/// # Errors
/// [`RoundError`]; the caller tells the providers.
///
/// # Security
/// See [`crate::round`] of masks. Opens one average a round, to this party, which the gate lists; those of rounds that an earlier run
/// opened count as opened.
pub fn aggregate(wire: &mut Wire, with: Aggregate<'_>) -> Result<Trained, RoundError> {
    let Aggregate { channel, course, masks, from, keep, doubts } = with;
    let Standing { mut state, mut reports, closed, .. } = from;
    if course.encoding.is_narrow() {
        return Err(RoundError::Narrow);
    }
    if course.tally.is_some() {
        return Err(RoundError::Counting);
    }
    let desk = Desk::new(&channel, wire.step(), course).map_err(|error| RoundError::Disk {
        round: 1,
        what: "starting a thread",
        why: (&error).into(),
    })?;
    let mut party = Party { course, masks, desk, keep, doubts };
    for _ in 0..state.rounds {
        wire.pass_gate(OpeningKind::Average, course.opened(), Recipient::One(Role::P0))?;
    }
    // Of the round that was under way there may have been a sum.
    let under_way = closed.filter(|closed| closed.round == state.rounds);
    let mut only = under_way.map(|closed| closed.providers.numbers().collect());
    while state.rounds < course.rounds {
        let report = party.round(wire, &mut state, only.take())?;
        reports.push(report);
        let kept_it = party.keep.opened(&state, &reports, None);
        kept_it.map_err(|why| kept(state.rounds - 1, why))?;
    }
    party.close(wire, state.rounds)?;
    Ok(Trained { state, reports, values: Vec::new() })
}

struct Party<'a> {
    course: &'a Course,
    masks: &'a Masks,
    desk: Desk,
    keep: &'a mut dyn Keeper,
    doubts: Doubts<'a>,
}

/// A round under way: the sum, and who is still there.
struct Sum {
    round: u32,
    setting: Arc<Setting>,
    server: Server,
    there: BTreeSet<usize>,
    /// Of whom alone it may be, where an earlier run may have had it.
    only: Option<BTreeSet<usize>>,
    /// How many have said that they have no update.
    declined: usize,
}

impl Party<'_> {
    /// One round: the state moves on by one average.
    fn round(
        &mut self,
        wire: &mut Wire,
        state: &mut State,
        only: Option<BTreeSet<usize>>,
    ) -> Result<RoundReport, RoundError> {
        let round = state.rounds;
        let until = self.until();
        let mut there = self.desk.idle(wire, self.masks.least(self.course), until)?;
        there.retain(|provider| only.as_ref().is_none_or(|only| only.contains(provider)));
        let model = packed(&state.optimizer.handed(&state.model));
        let setting = self.masks.setting(self.course, (round, model.1))?;
        let server = Server::new(Arc::clone(&setting));
        let mut sum = Sum { round, setting, server, there, only, declined: 0 };
        self.asked(wire, &mut sum, model)?;
        self.masked(wire, &mut sum)?;
        self.unmasked(wire, &mut sum)?;
        sum.server.set_aside();
        for (from, to) in sum.server.unopened() {
            (self.doubts)(Doubt { round: round + 1, from: from as usize, to: to as usize });
        }
        let (words, of) = sum.server.finish().map_err(|source| refused(round, source))?;
        let (update, figures) = words.split_at(self.course.coordinates());
        let (trailer, total) = checked(figures, of.len(), &self.course.encoding)
            .map_err(|source| RoundError::Sum { round: round + 1, source })?;
        let average = self.course.encoding.decode(update, total);
        let providers = of.into_iter().map(|client| client as usize).collect();
        let mut report = RoundReport {
            round: round + 1,
            providers,
            refused: Vec::new(),
            trailer,
            told: Vec::new(),
        };
        state.advance(self.course, &Opened::Average(average), &mut report)?;
        Ok(report)
    }

    /// The first step, after which the model need not be held ready any more.
    fn asked(&mut self, wire: &mut Wire, sum: &mut Sum, model: Model) -> Result<(), RoundError> {
        let hash = |_: &Sum, _| Zeroizing::new(hash_words(&model.1).to_vec());
        let take = words_to(|sum, provider, words| {
            sum.server.keys(number(provider), Keys::from_words(words))
        });
        self.step(wire, sum, (Step::Ask, Some(&model)), hash, take)
    }

    /// The steps up to the masked updates.
    fn masked(&mut self, wire: &mut Wire, sum: &mut Sum) -> Result<(), RoundError> {
        let keys = |sum: &Sum, provider| {
            let client = number(provider);
            Slots::of(&sum.setting, client).keys(&sum.server.keys_for(client))
        };
        let take = words_to(|sum, provider, words| {
            let client = number(provider);
            let sent = Slots::of(&sum.setting, client).read_sent(words);
            sum.server.shares(client, sent)
        });
        self.step(wire, sum, (Step::Keys, None), keys, take)?;
        let mut envelopes = BTreeMap::new();
        for provider in &sum.there {
            envelopes.insert(*provider, sum.server.shares_for(number(*provider)));
        }
        let shares = |sum: &Sum, provider| {
            let own = envelopes.get(&provider).map_or(&[][..], Vec::as_slice);
            Slots::of(&sum.setting, number(provider)).envelopes(own)
        };
        self.step(wire, sum, (Step::Shares, None), shares, add)
    }

    /// The steps from the sets on.
    fn unmasked(&mut self, wire: &mut Wire, sum: &mut Sum) -> Result<(), RoundError> {
        let sets: Sets = sum.server.sets();
        // On disk before a word of it is said: another run must not make a sum of others.
        let closed = Closed::masked(self.course, sum.round, &sum.there);
        self.keep.closed(&closed).map_err(|why| kept(sum.round, why))?;
        let told = |sum: &Sum, _| Zeroizing::new(sets.to_words(&sum.setting));
        let mut signed = Vec::new();
        let take = words_to(|sum, provider, words| {
            let signature = signature_of(words);
            sum.server.signed(number(provider), &sets, &signature)?;
            signed.push((number(provider), signature));
            Ok(())
        });
        self.step(wire, sum, (Step::Sets, None), told, take)?;
        // From here on masks come off.
        let count = self.course.opened();
        wire.pass_gate(OpeningKind::Average, count, Recipient::One(Role::P0))?;
        let others =
            |sum: &Sum, provider| Slots::of(&sum.setting, number(provider)).signatures(&signed);
        let take = words_to(|sum, provider, words| {
            let client = number(provider);
            let given = Slots::of(&sum.setting, client).read_unmasking(words)?;
            sum.server.unmasking(client, given)
        });
        self.step(wire, sum, (Step::Signatures, None), others, take)
    }

    /// Tells all who are there, takes what comes in time, and goes on with those it came from, if they are enough.
    fn step(
        &mut self,
        wire: &mut Wire,
        sum: &mut Sum,
        (step, model): (Step, Option<&Model>),
        body: impl Fn(&Sum, usize) -> Zeroizing<Vec<u64>>,
        mut take: impl FnMut(&mut Sum, usize, Answer) -> Result<bool, RoundError>,
    ) -> Result<(), RoundError> {
        let until = self.until();
        let head = Head { step, round: sum.round };
        let answers = step.answers(self.course, self.masks.threshold);
        let to = std::mem::take(&mut sum.there);
        self.enough(sum, to.len(), step)?;
        let least = self.least(step);
        let bodies: BTreeMap<usize, Zeroizing<Vec<u64>>> =
            to.iter().map(|provider| (*provider, body(sum, *provider))).collect();
        let bodies = |provider: usize| bodies.get(&provider).cloned().unwrap_or_default();
        let told = Told { head, model, answers, until, least };
        self.desk.step(wire, &to, &told, bodies, |provider, answer| {
            sum.declined += usize::from(matches!(answer, Answer::Declined));
            let there = take(sum, provider, answer)?;
            if there {
                sum.there.insert(provider);
            }
            Ok(there)
        })?;
        self.enough(sum, sum.there.len(), step)
    }

    /// How many have to answer a step.
    fn least(&self, step: Step) -> usize {
        match step {
            Step::Ask | Step::Keys | Step::Shares | Step::Over => self.masks.least(self.course),
            // Each signature needs so many others; a provider that is in the sum itself needs others' shares too.
            Step::Sets | Step::Signatures => self.masks.threshold.shares as usize + 1,
        }
    }

    /// Whether so many are enough to go on with: where a sum is fixed already, to take its masks off.
    fn enough(&self, sum: &Sum, got: usize, step: Step) -> Result<(), RoundError> {
        let least = self.least(step);
        let (round, asked) = (sum.round + 1, self.course.providers.len());
        let only = sum.only.as_ref().filter(|_| step < Step::Sets).map(BTreeSet::len);
        if let Some(asked) = only.filter(|asked| got < *asked) {
            return Err(RoundError::Closed { round, got, asked });
        }
        let few = RoundError::Few { round, got, asked, least, declined: sum.declined };
        if got < least { Err(few) } else { Ok(()) }
    }

    fn until(&self) -> Instant {
        Instant::now() + self.course.pace.deadline
    }

    /// Tells every provider that is there that there are no more rounds; who is late gets a round's time to say what it has to.
    fn close(&mut self, wire: &mut Wire, round: u32) -> Result<(), RoundError> {
        let (until, all) = (self.until(), self.course.providers.len());
        let idle = self.desk.idle(wire, all, until)?;
        let head = Head { step: Step::Over, round };
        let told = Told { head, model: None, answers: None, until, least: 0 };
        self.desk.step(wire, &idle, &told, |_| Zeroizing::new(Vec::new()), |_, _| Ok(false))
    }
}

/// Takes an answer that is words; whether it goes on with who gave it.
fn words_to(
    mut take: impl FnMut(&mut Sum, usize, &[u64]) -> Result<(), SecAggError>,
) -> impl FnMut(&mut Sum, usize, Answer) -> Result<bool, RoundError> {
    move |sum, provider, answer| {
        let Answer::Words(words) = answer else { return Ok(false) };
        let round = sum.round;
        take(sum, provider, &words).map_err(|source| refused(round, source))?;
        Ok(true)
    }
}

/// Adds a masked update, which is whole, to the sum.
fn add(sum: &mut Sum, provider: usize, answer: Answer) -> Result<bool, RoundError> {
    let Answer::Vector(update) = answer else { return Ok(false) };
    let round = sum.round;
    let words = update.words().map_err(|error| disk(round, &error))?;
    let all = sum.server.sum_with(number(provider), words);
    let all = all.map_err(|source| refused(round, source))?;
    update.add_to(Pairs::NONE, all).map_err(|error| disk(round, &error))?;
    Ok(true)
}

fn refused(round: u32, source: SecAggError) -> RoundError {
    RoundError::Masks { round: round.saturating_add(1), source }
}

/// A provider as a client of the sum.
fn number(provider: usize) -> u32 {
    u32::try_from(provider).unwrap_or(u32::MAX)
}
