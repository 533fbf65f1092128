//! One provider that does not compute, as a compute party serves it: on a thread of its own, so that no provider waits for
//! another.

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

use super::{
    arriving::Arriving,
    landing::{Due, Landed, Lost},
    message::{Ask, model_pieces},
    resume::{LOOK, Place, again},
};

/// What a guest is to be asked.
pub(super) struct Order {
    pub(super) ask: Ask,
    /// The model, where this party hands it out.
    pub(super) model: Option<Arc<[u8]>>,
    /// How deep the session is.
    pub(super) depth: u32,
    /// Whether an answer is due.
    pub(super) last: bool,
}

/// What came of it.
pub(super) struct Event {
    /// The provider's number.
    pub(super) provider: usize,
    /// The round that it was asked for last.
    pub(super) round: u64,
    /// What happened.
    pub(super) news: News,
    /// How deep its link is.
    pub(super) depth: u32,
}

/// What happens to a guest.
pub(super) enum News {
    /// Its link was lost, and is being made anew.
    Away,
    /// It stands again.
    Back,
    /// Its share.
    Landed(Landed),
    /// It is lost for good.
    Lost(Lost),
}

/// Serves one guest until its link is lost for good or there are no more orders.
pub(super) struct Guest {
    wire: Wire,
    id: PartyId,
    due: Due,
    /// The round that it was asked for last.
    round: u64,
    /// How often its link was made anew.
    times: u32,
    events: Sender<Event>,
}

impl Guest {
    /// A guest's end of the run's channel, at the session's step.
    pub(super) fn new(
        channel: Arc<dyn Channel>,
        step: u64,
        (id, due): (PartyId, Due),
        events: Sender<Event>,
    ) -> Self {
        let mut wire = Wire::new(channel, Gate::listing(&[]));
        wire.enter(step);
        Self { wire, id, due, round: Place::NOWHERE.round, times: 0, events }
    }

    /// Starts serving.
    pub(super) fn start(self, orders: Receiver<Order>) -> io::Result<()> {
        let name = format!("trains with {}", self.id);
        // Not joined: a guest that is far behind must not keep the training from ending.
        thread::Builder::new().name(name).spawn(move || self.serve(&orders)).map(drop)
    }

    fn serve(mut self, orders: &Receiver<Order>) {
        while let Some(order) = self.next(orders) {
            self.round = order.ask.round;
            let landed = self.carry_out(&order);
            let over = landed.is_err() || order.last;
            let heard = self.tell(match landed {
                Ok(landed) => News::Landed(landed),
                Err(lost) => News::Lost(lost),
            });
            if over || !heard {
                return;
            }
        }
    }

    /// The next thing to ask; the link is looked after meanwhile. Nothing if there is none any more.
    fn next(&mut self, orders: &Receiver<Order>) -> Option<Order> {
        loop {
            match orders.recv_timeout(LOOK) {
                Ok(order) => return Some(order),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) if self.wire.channel().lost(self.id) => {
                    if let Err(error) = self.mend(Place::NOWHERE) {
                        self.tell(News::Lost(error.into()));
                        return None;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// Asks, and receives what the guest answers, over one link after the other.
    fn carry_out(&mut self, order: &Order) -> Result<Landed, Lost> {
        self.wire.follows(order.depth);
        let (mut arriving, mut theirs) = (Arriving::new(self.due), Place::NOWHERE);
        loop {
            match self.attempt(order, theirs, &mut arriving) {
                Err(Lost::Link(error)) if error.is_lost(self.id) => {
                    theirs = self.mend(arriving.place(order.ask.round))?;
                }
                done => return done,
            }
        }
    }

    fn attempt(
        &mut self,
        Order { ask, model, last, .. }: &Order,
        theirs: Place,
        arriving: &mut Arriving,
    ) -> Result<Landed, Lost> {
        let heard = theirs.round == ask.round;
        if heard && theirs.name != ask.hash {
            let what = "that it was told of another model";
            let step = self.wire.step();
            return Err(SessionError::Invalid { step, peer: self.id, what }.into());
        }
        if !heard {
            self.wire.send(self.id, &ask.words())?;
        }
        if let Some(model) = model {
            let there = if heard { theirs.there() } else { 0 };
            let mut from = 0;
            for (at, numbers) in model_pieces(model.len() / 4).enumerate() {
                let piece = from..from + 4 * numbers;
                from = piece.end;
                if at >= there {
                    self.wire.send_common(self.id, (model, piece))?;
                }
            }
        }
        if *last { Ok(Landed::Declined) } else { arriving.receive(&mut self.wire, self.id) }
    }

    /// Makes the link anew; gives where the guest is.
    fn mend(&mut self, mine: Place) -> Result<Place, SessionError> {
        self.tell(News::Away);
        let id = self.id;
        let renew = |wire: &mut Wire| wire.renew(id);
        let theirs = again(&mut self.wire, id, (mine, &mut self.times), renew)?;
        self.tell(News::Back);
        Ok(theirs)
    }

    /// Tells the party's own thread; whether that listens.
    fn tell(&self, news: News) -> bool {
        let (provider, round, depth) = (self.due.provider, self.round, self.wire.depth());
        self.events.send(Event { provider, round, news, depth }).is_ok()
    }
}
