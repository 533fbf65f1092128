//! A compute party's part of a training.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
    time::{Duration, Instant},
};

use protocols::{
    net::{Channel, at_work},
    prg::Prg,
    session::Session,
};

use super::{
    closing::{close, done, go_on, kept, open_closed},
    course::{Course, RoundReport, State},
    error::{RoundError, disk},
    gate::{Taken, taken},
    guest::{Event, Guest, News, Order},
    keeper::{Closed, Keeper, Standing},
    landing::{Due, Landed, Lost},
    message::{ASK_WORDS, Ask, OVER, model_pieces, packed},
    parcel::send,
    privacy::{Tally, secret},
    provider::give,
    seats::Seats,
    set::Set,
    trainer::Trainer,
    worth::{Judge, Value},
};
use crate::{model::Rows, noise::Secret};

/// While updates are waited for, peers are told so often that this goes on.
const TICK: Duration = Duration::from_secs(1);

/// What a compute party brings to a training.
pub struct Train<'a> {
    /// The run's links: guests are on them too.
    pub channel: Arc<dyn Channel>,
    /// What all know.
    pub course: &'a Course,
    /// Where this training begins; if the course goes on from an earlier run, where that left it here.
    pub from: Standing,
    /// This party's own rows, if it is a provider.
    pub trainer: Option<&'a mut dyn Trainer>,
    /// This party's own validation rows, if they are its to bring.
    pub validation: Option<&'a Rows>,
    /// Keeps where it stands.
    pub keep: &'a mut dyn Keeper,
}

impl fmt::Debug for Train<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Train({} providers from round {})",
            self.course.providers.len(),
            self.from.state.rounds
        )
    }
}

/// What came of a training.
#[derive(Clone, Debug, PartialEq)]
pub struct Trained {
    /// The model, and what the strategy remembers.
    pub state: State,
    /// Every round, those of earlier runs too.
    pub reports: Vec<RoundReport>,
    /// What each provider's updates were worth, if that was asked for.
    pub values: Vec<Value>,
}

/// Trains, at one of the three compute parties.
///
/// # Cost
/// That of [`super::cost()`] if every provider takes part in every round.
///
/// # Errors
/// [`RoundError`]; the caller tells the peers.
///
/// # Security
/// See [`crate::round`]. Opens one average a round, which the gate lists. `rng` is this party's own.
pub fn train(s: &mut Session, with: Train<'_>, rng: &mut Prg) -> Result<Trained, RoundError> {
    let Train { channel, course, from, trainer, validation, keep } = with;
    course.check()?;
    let judge = Judge::start(s, course, validation, &from)?;
    let secret = secret(course, rng);
    let mut own = Own { trainer, rng, secret, judge };
    let (mut state, mut reports) = match course.resumed {
        true => go_on(s, course, (from, &mut *keep), own.judge.as_mut())?,
        false => (from.state, from.reports),
    };
    let mut hall = Hall::new(s, &channel, course, &reports)?;
    while state.rounds < course.rounds {
        reports.push(hall.round(s, &mut state, &mut own, keep)?);
        let totals = own.judge.as_ref().map(Judge::totals);
        keep.opened(&state, &reports, totals).map_err(|why| kept(state.rounds - 1, why))?;
    }
    let values = own.judge.map(|judge| {
        done(s, course, keep)?;
        judge.tell(s)
    });
    let values = values.transpose()?;
    hall.close(s, &state);
    Ok(Trained { state, reports, values: values.unwrap_or_default() })
}

/// This party as a provider.
struct Own<'a, 'r> {
    trainer: Option<&'a mut dyn Trainer>,
    /// Where what updates were worth is asked for.
    judge: Option<Judge<'a>>,
    rng: &'r mut Prg,
    /// What its noise is derived from.
    secret: Secret,
}

/// Where guests are received.
struct Hall<'a> {
    course: &'a Course,
    orders: BTreeMap<usize, Sender<Order>>,
    seats: Seats,
    /// The last round whose average each one's update is in, where that is told.
    taken: BTreeMap<usize, u32>,
    events: Receiver<Event>,
    /// So that who waits for events waits also where nobody serves a guest any more.
    _event: Sender<Event>,
    channel: Arc<dyn Channel>,
}

impl<'a> Hall<'a> {
    fn new(
        s: &Session,
        channel: &Arc<dyn Channel>,
        course: &'a Course,
        reports: &[RoundReport],
    ) -> Result<Self, RoundError> {
        let (event, events) = channel_of();
        let mut orders = BTreeMap::new();
        for (provider, id) in course.guests() {
            let due = Due::new(course, provider, s.role());
            let (order, queue) = std::sync::mpsc::channel();
            let guest = Guest::new(Arc::clone(channel), s.step(), (id, due), event.clone());
            guest.start(queue).map_err(|error| RoundError::Disk {
                round: 1,
                what: "starting a thread",
                why: (&error).into(),
            })?;
            orders.insert(provider, order);
        }
        let guests = course.guests().map(|(number, _)| number);
        let (seats, taken) = (Seats::new(guests, course.pace.deadline), BTreeMap::new());
        let channel = Arc::clone(channel);
        let mut hall = Self { course, orders, seats, taken, events, _event: event, channel };
        for report in reports {
            hall.note_taken(report);
        }
        Ok(hall)
    }

    /// One round: the state moves on by one average.
    fn round(
        &mut self,
        s: &mut Session,
        state: &mut State,
        own: &mut Own<'_, '_>,
        keep: &mut dyn Keeper,
    ) -> Result<RoundReport, RoundError> {
        let (round, until) = (state.rounds, Instant::now() + self.course.pace.deadline);
        let seated = self.course.seated().count();
        // Who was late or away may have come meanwhile, whether anybody waited for it or not.
        while self.queued(s).is_some() {}
        self.wait(s, until, self.course.least().saturating_sub(seated));
        let here = Set::of(self.course, |number| self.seats.is_here(number)).agree(s)?;
        let handed = self.course.hand_out(state);
        self.ask(s, &here, (round, &handed));
        let mut landed = self.own_shares(s, own, (round, &handed))?;
        drop(handed);
        self.collect(s, (round.into(), until), &mut landed)?;
        let Taken { all, refused } = taken(s, self.course, (round, &landed), own.rng)?;
        let mut tally = Tally::new(self.course);
        for (number, share) in landed.iter().filter(|(number, _)| all.has(**number)) {
            tally.add(self.course, *number, share).map_err(|error| disk(round, &error))?;
        }
        landed.retain(|number, _| all.has(*number));
        let weighing = own.judge.as_ref().map(|judge| judge.weighing(&state.model, landed));
        let clip = state.clip(self.course);
        let sum = tally.sum(s, self.course, (round, clip, &own.secret));
        let closed = Closed { round, providers: all, refused, sum, weighing };
        close(s, keep, &closed)?;
        let (opened, mut report) = open_closed(s, self.course, closed, own.judge.as_mut())?;
        state.advance(self.course, &opened, &mut report)?;
        self.note_taken(&report);
        Ok(report)
    }

    /// Hands the model to every guest that takes part.
    fn ask(&mut self, s: &mut Session, here: &Set, (round, handed): (u32, &[f32])) {
        let (model, hash) = packed(handed);
        for (number, orders) in &self.orders {
            if !here.has(*number) {
                continue;
            }
            let taken = self.taken.get(number).copied();
            let ask = Ask { round: round.into(), taken, hash };
            let serves = self.course.server(*number, round) == s.role();
            let model = serves.then(|| Arc::clone(&model));
            s.wire().counts(8 * ASK_WORDS);
            if serves {
                let pieces = model_pieces(self.course.handed());
                pieces.for_each(|numbers| s.wire().counts(4 * numbers));
            }
            match orders.send(Order { ask, model, depth: s.depth(), last: false }) {
                Ok(()) => self.seats.ask(*number, ask.round),
                Err(_) => self.seats.lose(*number),
            }
        }
    }

    /// Remembers whose updates of a round are in its average, where their trainers have to know. They hear it when they are asked
    /// again: that takes no message, and whoever was late or killed hears of the last one that is.
    fn note_taken(&mut self, report: &RoundReport) {
        if self.course.rule.keeps() {
            let round = report.round.saturating_sub(1);
            self.taken.extend(report.providers.iter().map(|number| (*number, round)));
        }
    }

    /// The shares of providers that compute: one's own is made here, the others' come over the session.
    fn own_shares(
        &self,
        s: &mut Session,
        own: &mut Own<'_, '_>,
        (round, model): (u32, &[f32]),
    ) -> Result<BTreeMap<usize, Landed>, RoundError> {
        let me = s.role();
        let mut landed = BTreeMap::new();
        for (number, _) in self.course.seated().filter(|(_, role)| *role == me) {
            let Own { trainer, rng, .. } = &mut *own;
            let given = trainer.as_deref_mut().map(|trainer| {
                let taken = self.taken.get(&number).copied();
                let give = || give(self.course, (number, trainer), (round, model, taken), rng);
                at_work(|| self.channel.working(), give)
            });
            // A round that this party's own trainer declines goes on without it, like any other.
            let shares = given.and_then(|(shares, _)| shares);
            for role in [me.next(), me.prev()] {
                let parts = self.course.parts(role);
                send(|words| s.send(role.id(), words), parts, shares.as_ref())?;
            }
            let kept = shares.map(|shares| Landed::kept(self.course, shares, me)).transpose();
            let kept = kept.map_err(|error| disk(round, &error))?;
            landed.insert(number, kept.unwrap_or(Landed::Declined));
        }
        for (provider, role) in self.course.seated().filter(|(_, role)| *role != me) {
            let due = Due::new(self.course, provider, me);
            let share = due.receive(s.wire(), role.id()).map_err(|lost| match lost {
                Lost::Link(error) => error.into(),
                Lost::Disk(error) => disk(round, &error),
            })?;
            landed.insert(provider, share);
        }
        Ok(landed)
    }

    /// What arrives of this round, until all have come or the time is over; what has come by then is taken, however long this party was
    /// kept from looking. Who is away is waited for to the end if there are too few without it.
    fn collect(
        &mut self,
        s: &mut Session,
        (round, until): (u64, Instant),
        arrived: &mut BTreeMap<usize, Landed>,
    ) -> Result<(), RoundError> {
        loop {
            let come = arrived.values().filter(|landed| landed.comes()).count();
            let needed = come + self.seats.asked(round) < self.course.least();
            let event = match self.queued(s) {
                Some(event) => event,
                None => {
                    let waits = self.seats.waits(|asked| asked == round, (until, needed));
                    let Some(until) = waits else { return Ok(()) };
                    let Some(event) = self.event(s, until) else { continue };
                    event
                }
            };
            match event.news {
                News::Landed(landed) if event.round == round => {
                    arrived.insert(event.provider, landed);
                }
                News::Lost(Lost::Disk(error)) => {
                    return Err(disk(u32::try_from(round).unwrap_or(u32::MAX), &error));
                }
                _ => {}
            }
        }
    }

    /// Waits until so many guests can be asked, whoever is away among them, or the time is over; what arrives is of rounds that are over.
    fn wait(&mut self, s: &mut Session, until: Instant, enough: usize) {
        while self.seats.here() < enough
            && let waits = self.seats.waits(|_| true, (until, true))
            && let Some(until) = waits.or_else(|| self.seats.returns(until))
        {
            self.event(s, until);
        }
    }

    /// Waits until all guests that are there have said what they have to say, or the time is over.
    fn settle(&mut self, s: &mut Session, until: Instant) {
        while let Some(until) = self.seats.waits(|_| true, (until, false)) {
            self.event(s, until);
        }
    }

    /// The next thing that a guest has done and nobody has looked at; nothing if there is none.
    fn queued(&mut self, s: &mut Session) -> Option<Event> {
        let event = self.events.try_recv().ok()?;
        s.wire().follows(event.depth);
        self.seats.note(&event);
        Some(event)
    }

    /// The next thing that a guest does; nothing if the time is over.
    fn event(&mut self, s: &mut Session, until: Instant) -> Option<Event> {
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.events.recv_timeout(left.min(TICK)) {
                Ok(event) => {
                    s.wire().follows(event.depth);
                    self.seats.note(&event);
                    return Some(event);
                }
                Err(_) if left <= TICK => return None,
                Err(_) => self.channel.working(),
            }
        }
    }

    /// Tells every guest that is there that there are no more rounds. Who is late gets a round's time to say what it has to say:
    /// both ends of its link are to have seen the same.
    fn close(mut self, s: &mut Session, state: &State) {
        let until = Instant::now() + self.course.pace.deadline;
        self.settle(s, until);
        let (_, hash) = packed(&state.model);
        let ask = Ask { round: OVER, taken: None, hash };
        let mut told = 0;
        for (number, orders) in &self.orders {
            if self.seats.is_here(*number) {
                s.wire().counts(8 * ASK_WORDS);
                let order = Order { ask, model: None, depth: s.depth(), last: true };
                told += usize::from(orders.send(order).is_ok());
            }
        }
        // Each says so when its last word is under way; whose link is lost has a while to come back for it.
        let until = Instant::now() + self.seats.patience();
        while told > 0
            && let Some(event) = self.event(s, until)
        {
            told -= usize::from(matches!(event.news, News::Landed(_) | News::Lost(_)));
        }
    }
}

fn channel_of() -> (Sender<Event>, Receiver<Event>) {
    channel()
}
