//! One provider as the party serves it: on a thread of its own, so that none waits for another, and over as many connections as
//! that takes.

use std::{
    io,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, Sender},
    },
    thread,
};

use protocols::{
    net::Channel,
    party::PartyId,
    session::{Gate, SessionError, Wire},
};
use zeroize::Zeroizing;

use super::{
    coming::{Answer, Coming},
    step::Head,
};
use crate::round::{
    landing::Lost,
    message::model_pieces,
    resume::{LOOK, Place, again},
};

/// A model that is handed out, and its hash.
pub(super) type Model = (Arc<[u8]>, [u8; 32]);

/// What a provider is to be told.
pub(super) struct Order {
    pub(super) head: Head,
    pub(super) body: Zeroizing<Vec<u64>>,
    pub(super) model: Option<Model>,
    /// Words of its answer; nothing where none is due.
    pub(super) answers: Option<usize>,
    pub(super) depth: u32,
}

/// What happens to a provider.
pub(super) enum News {
    /// Its link was lost, and is being made anew.
    Away,
    /// It stands again.
    Back,
    /// It has answered.
    Answer(Head, Answer),
    /// It was told that there is no more.
    Over,
    /// It is lost for good: its link, or what came over it.
    Gone,
    /// This party's disk failed.
    Disk(io::Error),
}

/// What happened, to whom, and how deep its link is.
pub(super) struct Event {
    pub(super) provider: usize,
    pub(super) news: News,
    pub(super) depth: u32,
}

/// How the party keeps what comes.
#[derive(Clone, Copy)]
pub(super) struct Store {
    /// Whether masked updates are kept on disk until they are added up.
    pub(super) on_disk: bool,
    /// A provider may be so many bytes ahead.
    pub(super) ahead: usize,
}

/// One provider's end.
pub(super) struct Clerk {
    provider: usize,
    id: PartyId,
    wire: Wire,
    store: Store,
    /// How often its link was made anew.
    times: u32,
    events: Sender<Event>,
}

impl Clerk {
    /// A provider's end of the run's channel, at this step.
    pub(super) fn new(
        channel: Arc<dyn Channel>,
        step: u64,
        (provider, id): (usize, PartyId),
        store: Store,
        events: Sender<Event>,
    ) -> Self {
        let mut wire = Wire::new(channel, Gate::listing(&[]));
        wire.enter(step);
        let clerk = Self { provider, id, wire, store, times: 0, events };
        clerk.throttle();
        clerk
    }

    /// Starts serving.
    pub(super) fn start(self, orders: Receiver<Order>) -> io::Result<()> {
        let name = format!("adds up with {}", self.id);
        // Not joined: a provider that is far behind must not keep the training from ending.
        thread::Builder::new().name(name).spawn(move || self.serve(&orders)).map(drop)
    }

    fn serve(mut self, orders: &Receiver<Order>) {
        while let Some(order) = self.next(orders) {
            let (head, last) = (order.head, order.answers.is_none());
            let news = match self.carry_out(&order) {
                Ok(Some(answer)) => News::Answer(head, answer),
                Ok(None) => News::Over,
                Err(Lost::Disk(error)) => News::Disk(error),
                Err(Lost::Link(_)) => News::Gone,
            };
            let ends = last || !matches!(news, News::Answer(..));
            if !self.tell(news) || ends {
                return;
            }
        }
    }

    /// The next thing to say; the link is looked after meanwhile. Nothing if there is none any more.
    fn next(&mut self, orders: &Receiver<Order>) -> Option<Order> {
        loop {
            match orders.recv_timeout(LOOK) {
                Ok(order) => return Some(order),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) if self.wire.channel().lost(self.id) => {
                    if self.mend(Place::NOWHERE).is_err() {
                        self.tell(News::Gone);
                        return None;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// Says it, and receives what the provider answers, over one link after the other.
    fn carry_out(&mut self, order: &Order) -> Result<Option<Answer>, Lost> {
        self.wire.follows(order.depth);
        let words = order.answers.unwrap_or(0);
        let mut coming = Coming::new(order.head, words, self.store.on_disk);
        let mut theirs = Place::NOWHERE;
        loop {
            match self.attempt(order, theirs, &mut coming) {
                Err(Lost::Link(error)) if error.is_lost(self.id) => {
                    theirs = self.mend(coming.place())?;
                }
                done => return done,
            }
        }
    }

    fn attempt(
        &mut self,
        order: &Order,
        theirs: Place,
        coming: &mut Coming,
    ) -> Result<Option<Answer>, Lost> {
        let heard = theirs.round == order.head.word();
        if !heard {
            self.wire.send(self.id, &[order.head.word()])?;
            self.wire.send(self.id, &order.body)?;
        }
        if let Some((model, hash)) = &order.model {
            if heard && theirs.name != *hash {
                let what = "that it was told of another model";
                let step = self.wire.step();
                return Err(SessionError::Invalid { step, peer: self.id, what }.into());
            }
            let (there, mut from) = (if heard { theirs.there() } else { 0 }, 0);
            for (at, numbers) in model_pieces(model.len() / 4).enumerate() {
                let piece = from..from + 4 * numbers;
                from = piece.end;
                if at >= there {
                    self.wire.send_common(self.id, (model, piece))?;
                }
            }
        }
        order.answers.map(|_| coming.receive(&mut self.wire, self.id)).transpose()
    }

    /// Makes the link anew; gives where the provider is.
    fn mend(&mut self, mine: Place) -> Result<Place, SessionError> {
        self.tell(News::Away);
        let id = self.id;
        let renew = |wire: &mut Wire| wire.renew(id);
        let theirs = again(&mut self.wire, id, (mine, &mut self.times), renew)?;
        self.throttle();
        self.tell(News::Back);
        Ok(theirs)
    }

    fn throttle(&self) {
        self.wire.channel().throttle(self.id, Some(self.store.ahead));
    }

    /// Tells the party's own thread; whether that listens.
    fn tell(&self, news: News) -> bool {
        let (provider, depth) = (self.provider, self.wire.depth());
        self.events.send(Event { provider, news, depth }).is_ok()
    }
}
