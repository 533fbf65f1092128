//! All providers as the party serves them: who can be told something, who has not answered, whose link was lost.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    time::{Duration, Instant},
};

use protocols::{net::Channel, session::Wire};
use zeroize::Zeroizing;

use super::{
    clerk::{Clerk, Event, Model, News, Order, Store},
    coming::Answer,
    step::Head,
};
use crate::round::{
    course::Course,
    error::{RoundError, disk},
    message::model_pieces,
    seats::patience,
};

/// While answers are waited for, providers are told so often that this goes on.
const TICK: Duration = Duration::from_secs(1);
/// Masked updates of all providers together stay in memory up to so many words; where they are longer, they are kept on disk until
/// they are added up. Tests take both ways.
const MEMORY_WORDS: usize = if cfg!(test) { 100_000 } else { 8 << 20 };
/// All providers together may be ahead by so many bytes.
const AHEAD: usize = 64 << 20;

/// What is known of a provider.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seat {
    /// Waits for the next step.
    Idle,
    /// Was told something and has not answered.
    Busy,
    /// Its link was lost and is being made anew; until then it is waited for. Whether an answer is due.
    Away { busy: bool, until: Instant },
    /// It is lost.
    Gone,
}

/// Where providers are served.
pub(super) struct Desk {
    orders: BTreeMap<usize, Sender<Order>>,
    seats: BTreeMap<usize, Seat>,
    events: Receiver<Event>,
    channel: Arc<dyn Channel>,
    patience: Duration,
    /// The round that is under way, from 0.
    round: u32,
}

/// One step, as all who are told it are.
pub(super) struct Told<'a> {
    pub(super) head: Head,
    pub(super) model: Option<&'a Model>,
    /// Words of the answer; nothing where none is due.
    pub(super) answers: Option<usize>,
    pub(super) until: Instant,
    /// Of fewer answers nothing comes.
    pub(super) least: usize,
}

impl Desk {
    /// A thread for each provider.
    pub(super) fn new(channel: &Arc<dyn Channel>, step: u64, course: &Course) -> io::Result<Self> {
        let (event, events) = channel_of();
        let all = course.providers.len().max(1);
        let on_disk = course.words().saturating_mul(all) > MEMORY_WORDS;
        let store = Store { on_disk, ahead: AHEAD / all };
        let (mut orders, mut seats) = (BTreeMap::new(), BTreeMap::new());
        for (provider, id) in course.guests() {
            let (order, queue) = std::sync::mpsc::channel();
            let channel = Arc::clone(channel);
            Clerk::new(channel, step, (provider, id), store, event.clone()).start(queue)?;
            orders.insert(provider, order);
            seats.insert(provider, Seat::Idle);
        }
        let patience = patience(course.pace.deadline);
        Ok(Self { orders, seats, events, channel: Arc::clone(channel), patience, round: 0 })
    }

    /// Who can be told something: waits until so many are, all who are behind have answered, or the time is over. Who is away is told
    /// when it is back.
    pub(super) fn idle(
        &mut self,
        wire: &mut Wire,
        least: usize,
        until: Instant,
    ) -> Result<BTreeSet<usize>, RoundError> {
        let idle = |seat: Seat| seat == Seat::Idle;
        let at_rest = |seat: Seat| matches!(seat, Seat::Idle | Seat::Away { busy: false, .. });
        while self.of(idle).count() < least
            && let Some(until) = self.waits(|_| true, (until, false))
        {
            if self.event(wire, until)?.is_none() {
                break;
            }
        }
        Ok(self.of(at_rest).collect())
    }

    /// Tells each of these a body of its own, and gives every answer that comes in time to `take`, which says whether it goes on with it. Who
    /// is away is waited for as long as who is there, where there are too few without it.
    pub(super) fn step(
        &mut self,
        wire: &mut Wire,
        to: &BTreeSet<usize>,
        told: &Told<'_>,
        body: impl Fn(usize) -> Zeroizing<Vec<u64>>,
        mut take: impl FnMut(usize, Answer) -> Result<bool, RoundError>,
    ) -> Result<(), RoundError> {
        let Told { head, model, answers, until, least } = *told;
        let depth = wire.depth();
        self.round = head.round;
        for provider in to {
            let body = body(*provider);
            let said = [8, 8 * body.len()].into_iter().filter(|bytes| *bytes > 0);
            let numbers = model.map_or(0, |(model, _)| model.len() / 4);
            said.chain(model_pieces(numbers).map(|n| 4 * n)).for_each(|bytes| wire.counts(bytes));
            let order = Order { head, body, model: model.cloned(), answers, depth };
            let heard = self.orders[provider].send(order).is_ok();
            self.busy(*provider, heard);
        }
        let (all, mut taken) = (|provider: usize| to.contains(&provider), 0);
        while let Some(end) = self.waits(all, (until, taken < least)) {
            match self.event(wire, end)? {
                None => break,
                // What is late is of a step that is over.
                Some((provider, Some((of, answer)))) if of == head => {
                    taken += usize::from(take(provider, answer)?);
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// A provider was told something, if its clerk heard it.
    fn busy(&mut self, provider: usize, heard: bool) {
        self.change(provider, |seat| match seat {
            _ if !heard => Seat::Gone,
            Seat::Away { until, .. } => Seat::Away { busy: true, until },
            _ => Seat::Busy,
        });
    }

    /// Until when something of these is to be waited for, no later than `until`; nothing if there is nobody, or it is over. Where it cannot be
    /// done without them, `needed`, who is away is waited for as long as who is there.
    fn waits(
        &self,
        of: impl Fn(usize) -> bool,
        (until, needed): (Instant, bool),
    ) -> Option<Instant> {
        let ends = self.seats.iter().filter(|(provider, _)| of(**provider));
        let ends = ends.filter_map(|(_, seat)| match *seat {
            Seat::Busy => Some(until),
            Seat::Away { .. } if needed => Some(until),
            Seat::Away { until: back, .. } => Some(back.min(until)),
            Seat::Idle | Seat::Gone => None,
        });
        ends.max().filter(|end| *end > Instant::now())
    }

    /// The next thing that a provider does, with its answer if it is one; nothing if the time is over.
    #[expect(clippy::type_complexity, reason = "a provider and perhaps its answer")]
    fn event(
        &mut self,
        wire: &mut Wire,
        until: Instant,
    ) -> Result<Option<(usize, Option<(Head, Answer)>)>, RoundError> {
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.events.recv_timeout(left.min(TICK)) {
                Ok(Event { provider, news, depth }) => {
                    wire.follows(depth);
                    self.note(provider, &news);
                    return match news {
                        News::Answer(head, answer) => Ok(Some((provider, Some((head, answer))))),
                        News::Disk(error) => Err(disk(self.round, &error)),
                        _ => Ok(Some((provider, None))),
                    };
                }
                Err(RecvTimeoutError::Timeout) if left > TICK => self.channel.working(),
                Err(_) => return Ok(None),
            }
        }
    }

    fn note(&mut self, provider: usize, news: &News) {
        let until = Instant::now() + self.patience;
        self.change(provider, |seat| match (news, seat) {
            (News::Away, seat) => Seat::Away { busy: seat == Seat::Busy, until },
            (News::Back, Seat::Away { busy: true, .. }) => Seat::Busy,
            (News::Back, seat @ Seat::Busy) => seat,
            (News::Back | News::Answer(..), _) => Seat::Idle,
            (News::Over | News::Gone | News::Disk(_), _) => Seat::Gone,
        });
    }

    fn change(&mut self, provider: usize, to: impl FnOnce(Seat) -> Seat) {
        if let Some(seat) = self.seats.get_mut(&provider) {
            *seat = to(*seat);
        }
    }

    fn of(&self, what: impl Fn(Seat) -> bool) -> impl Iterator<Item = usize> {
        let those = self.seats.iter().filter(move |(_, seat)| what(**seat));
        those.map(|(provider, _)| *provider)
    }
}

fn channel_of() -> (Sender<Event>, Receiver<Event>) {
    channel()
}
