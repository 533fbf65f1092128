//! One provider that does not compute, as a compute party serves it: on a thread of its own, so that no provider waits for
//! another.

use std::{
    io,
    sync::{
        Arc,
        mpsc::{Receiver, Sender},
    },
    thread,
};

use protocols::{
    net::Channel,
    party::PartyId,
    session::{Gate, Wire},
};

use super::{
    landing::{Due, Landed, Lost},
    message::Ask,
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
    /// The round it is about.
    pub(super) round: u64,
    /// Its share, or how it was lost.
    pub(super) landed: Result<Landed, Lost>,
    /// How deep its link is.
    pub(super) depth: u32,
}

/// Serves one guest until its link fails or there are no more orders.
pub(super) struct Guest {
    pub(super) wire: Wire,
    pub(super) id: PartyId,
    pub(super) due: Due,
}

impl Guest {
    /// A guest's end of the run's channel, at the session's step.
    pub(super) fn new(channel: Arc<dyn Channel>, step: u64, id: PartyId, due: Due) -> Self {
        let mut wire = Wire::new(channel, Gate::listing(&[]));
        wire.enter(step);
        Self { wire, id, due }
    }

    /// Starts serving.
    pub(super) fn start(self, orders: Receiver<Order>, events: Sender<Event>) -> io::Result<()> {
        let name = format!("trains with {}", self.id);
        // Not joined: a guest that is far behind must not keep the training from ending.
        thread::Builder::new().name(name).spawn(move || self.serve(&orders, &events)).map(drop)
    }

    fn serve(mut self, orders: &Receiver<Order>, events: &Sender<Event>) {
        while let Ok(order) = orders.recv() {
            let (round, last) = (order.ask.round, order.last);
            let landed = self.ask(order);
            let lost = landed.is_err() || last;
            let (provider, depth) = (self.due.provider, self.wire.depth());
            if events.send(Event { provider, round, landed, depth }).is_err() || lost {
                return;
            }
        }
    }

    fn ask(&mut self, Order { ask, model, depth, last }: Order) -> Result<Landed, Lost> {
        self.wire.follows(depth);
        self.wire.send(self.id, &ask.words())?;
        if let Some(model) = model {
            self.wire.send_common(self.id, &model)?;
        }
        if last {
            return Ok(Landed::Declined);
        }
        self.due.receive(&mut self.wire, self.id)
    }
}
