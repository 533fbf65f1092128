//! Providers as the party serves them: each on a thread of its own, so that none waits for another.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

use protocols::{
    net::Channel,
    party::PartyId,
    session::{Gate, SessionError, Wire},
};
use zeroize::Zeroizing;

use super::step::{Head, Step};
use crate::round::{
    course::Course,
    message::{COMES, DECLINES, pieces},
};

/// While answers are waited for, providers are told so often that this goes on.
const TICK: Duration = Duration::from_secs(1);

/// What a provider is to be told.
pub(super) struct Order {
    head: Head,
    body: Zeroizing<Vec<u64>>,
    model: Option<Arc<[u8]>>,
    /// Words of its answer; nothing where none is due.
    answers: Option<usize>,
    depth: u32,
}

/// What it answered, or how it was lost.
struct Event {
    provider: usize,
    head: Head,
    /// Nothing where it declines. Wiped: the last answer of a round is shares in the clear.
    answer: Result<Option<Zeroizing<Vec<u64>>>, SessionError>,
    depth: u32,
}

/// One provider's end.
struct Clerk {
    provider: usize,
    id: PartyId,
    wire: Wire,
}

impl Clerk {
    fn serve(mut self, orders: &Receiver<Order>, events: &Sender<Event>) {
        while let Ok(order) = orders.recv() {
            let (head, last) = (order.head, order.answers.is_none());
            let answer = self.tell(order);
            let ends = answer.is_err() || last;
            let event = Event { provider: self.provider, head, answer, depth: self.wire.depth() };
            if events.send(event).is_err() || ends {
                return;
            }
        }
    }

    fn tell(&mut self, order: Order) -> Result<Option<Zeroizing<Vec<u64>>>, SessionError> {
        let Order { head, body, model, answers, depth } = order;
        self.wire.follows(depth);
        self.wire.send(self.id, &[head.word()])?;
        self.wire.send(self.id, &body)?;
        if let Some(model) = model {
            self.wire.send_common(self.id, (&model, 0..model.len()))?;
        }
        let Some(words) = answers else { return Ok(None) };
        let mut says = [0_u64];
        self.wire.recv(self.id, &mut says)?;
        match says[0] {
            COMES => {}
            // Only before it has announced keys.
            DECLINES if head.step == Step::Ask => return Ok(None),
            _ => {
                let what = "an answer that is none";
                return Err(SessionError::Invalid { step: self.wire.step(), peer: self.id, what });
            }
        }
        let mut answer = Zeroizing::new(vec![0_u64; words]);
        let mut at = 0;
        for piece in pieces(words) {
            self.wire.recv(self.id, &mut answer[at..at + piece])?;
            at += piece;
        }
        Ok(Some(answer))
    }
}

/// What is known of a provider.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seat {
    /// Waits for the next step.
    Idle,
    /// Was told this and has not answered.
    Busy,
    /// Its link failed.
    Gone,
}

/// Where providers are served.
pub(super) struct Desk {
    orders: BTreeMap<usize, Sender<Order>>,
    seats: BTreeMap<usize, Seat>,
    events: Receiver<Event>,
    channel: Arc<dyn Channel>,
}

impl Desk {
    /// A thread for each provider.
    pub(super) fn new(channel: &Arc<dyn Channel>, step: u64, course: &Course) -> io::Result<Self> {
        let (event, events) = channel_of();
        let (mut orders, mut seats) = (BTreeMap::new(), BTreeMap::new());
        for (provider, id) in course.guests() {
            let mut wire = Wire::new(Arc::clone(channel), Gate::listing(&[]));
            wire.enter(step);
            let (order, queue) = std::sync::mpsc::channel();
            let (clerk, event) = (Clerk { provider, id, wire }, event.clone());
            // Not joined: a provider that is far behind must not keep the training from ending.
            let thread = thread::Builder::new().name(format!("adds up with {id}"));
            thread.spawn(move || clerk.serve(&queue, &event))?;
            orders.insert(provider, order);
            seats.insert(provider, Seat::Idle);
        }
        Ok(Self { orders, seats, events, channel: Arc::clone(channel) })
    }

    /// Who can be told something: waits until so many are, all who are behind have answered, or the time is over.
    pub(super) fn idle(
        &mut self,
        wire: &mut Wire,
        least: usize,
        until: Instant,
    ) -> BTreeSet<usize> {
        while self.count(Seat::Idle) < least && self.count(Seat::Busy) > 0 {
            if self.event(wire, until).is_none() {
                break;
            }
        }
        self.of(Seat::Idle).collect()
    }

    /// Tells each of these a body of its own, and gives every answer that comes in time to `take`.
    pub(super) fn step<E>(
        &mut self,
        wire: &mut Wire,
        to: &BTreeSet<usize>,
        (head, model, until): (Head, Option<&Arc<[u8]>>, Instant),
        (answers, body): (Option<usize>, impl Fn(usize) -> Zeroizing<Vec<u64>>),
        mut take: impl FnMut(usize, Zeroizing<Vec<u64>>) -> Result<(), E>,
    ) -> Result<(), E> {
        let depth = wire.depth();
        for provider in to {
            let body = body(*provider);
            let (said, model) = (8 * body.len(), model.cloned());
            let modelled = model.as_ref().map_or(0, |model| model.len());
            let order = Order { head, body, model, answers, depth };
            let told = self.orders[provider].send(order).is_ok();
            self.seats.insert(*provider, if told { Seat::Busy } else { Seat::Gone });
            [8, said, modelled].into_iter().filter(|n| *n > 0).for_each(|n| wire.counts(n));
        }
        let mut open = to.clone();
        loop {
            open.retain(|provider| self.seats[provider] == Seat::Busy);
            if open.is_empty() {
                return Ok(());
            }
            let Some(event) = self.event(wire, until) else { return Ok(()) };
            // What is late is of a step that is over.
            if let (true, Ok(Some(answer))) = (event.head == head, event.answer) {
                take(event.provider, answer)?;
            }
        }
    }

    /// The next thing that a provider does; nothing if the time is over.
    fn event(&mut self, wire: &mut Wire, until: Instant) -> Option<Event> {
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.events.recv_timeout(left.min(TICK)) {
                Ok(event) => {
                    wire.follows(event.depth);
                    let seat = if event.answer.is_ok() { Seat::Idle } else { Seat::Gone };
                    self.seats.insert(event.provider, seat);
                    return Some(event);
                }
                Err(RecvTimeoutError::Timeout) if left > TICK => self.channel.working(),
                Err(_) => return None,
            }
        }
    }

    fn of(&self, what: Seat) -> impl Iterator<Item = usize> {
        let those = self.seats.iter().filter(move |(_, seat)| **seat == what);
        those.map(|(provider, _)| *provider)
    }

    fn count(&self, what: Seat) -> usize {
        self.of(what).count()
    }
}

fn channel_of() -> (Sender<Event>, Receiver<Event>) {
    channel()
}
