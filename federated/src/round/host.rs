//! One compute party as a provider sees it that does not compute: what it asked, what has come of its model, and what it was given,
//! over as many connections as that takes.

use std::sync::{Arc, OnceLock};

use protocols::{
    net::at_work,
    party::{PartyId, Role},
    session::{Gate, SessionError, Wire},
};

use super::{
    course::Course,
    error::RoundError,
    message::{ASK_WORDS, Ask, OVER, model_bytes, model_pieces},
    parcel::Parcel,
    pledge::Pledge,
    resume::{Mends, NONE, Place, exchange},
};
use crate::average::Share;

/// What a provider has given all three in a round.
pub(super) type Given = Arc<Option<[Share; 3]>>;

/// Why a provider cannot go on: the first of its links that does not come about again.
pub(super) type Failed = Arc<OnceLock<RoundError>>;

/// One compute party's link.
pub(super) struct Host {
    wire: Wire,
    id: PartyId,
    /// The shares of an update that it gets.
    parts: &'static [Role],
    /// What it asked last.
    heard: Option<Ask>,
    /// What has come of the model, where this one hands it out; and whole pieces of it, also when it is used.
    model: Vec<f32>,
    pieces: usize,
    /// What it is given in the round that it asked for last.
    given: Option<Given>,
    /// How often its link was made anew.
    times: u32,
    /// Common to all three.
    failed: Failed,
}

impl Host {
    /// At the step of this provider's wire.
    pub(super) fn new(before: &Wire, course: &Course, role: Role, failed: &Failed) -> Self {
        let mut wire = Wire::new(before.channel(), Gate::listing(&[]));
        wire.enter(before.step());
        let (id, parts, failed) = (role.id(), course.parts(role), Arc::clone(failed));
        let (heard, given) = (None, None);
        Self { wire, id, parts, heard, model: Vec::new(), pieces: 0, given, times: 0, failed }
    }

    /// The same at a provider that was killed and is back, with what it had said, if it had: over a link that was made anew, or, where it had
    /// said nothing, one that the party began with, and knows of no other.
    pub(super) fn back(self, pledge: Option<&(Pledge, Given)>) -> Result<Self, RoundError> {
        let mut host = self;
        if pledge.is_none() && host.wire.channel().times(host.id) == 0 {
            return Ok(host);
        }
        if let Some((Pledge { ask, .. }, given)) = pledge {
            (host.heard, host.given) = (Some(*ask), Some(Arc::clone(given)));
            // All of the model was there, or nothing would have been said.
            host.pieces = usize::MAX;
        }
        let place = host.place();
        let met = exchange(&mut host.wire, host.id, place);
        let done = met.and_then(|theirs| host.catch_up(theirs));
        host.sent(done)?;
        Ok(host)
    }

    /// What this party asks next.
    pub(super) fn asked(&mut self) -> Result<Ask, RoundError> {
        self.through(|host| {
            let mut ask = [0_u64; ASK_WORDS];
            host.wire.recv(host.id, &mut ask)?;
            let ask = Ask::from_words(&ask);
            host.heard = Some(ask);
            (host.model, host.pieces, host.given) = (Vec::new(), 0, None);
            Ok(ask)
        })
    }

    /// The model that it hands out, which has the hash that was said.
    pub(super) fn model(&mut self, numbers: usize) -> Result<Vec<f32>, RoundError> {
        self.through(|host| {
            for piece in model_pieces(numbers).skip(host.pieces) {
                let words = host.wire.recv_words::<u32>(host.id, piece)?;
                host.model.extend(words.iter().map(|bits| f32::from_bits(*bits)));
                host.pieces += 1;
            }
            Ok(())
        })?;
        let model = std::mem::take(&mut self.model);
        let hash = blake3::hash(&model_bytes(&model));
        if self.heard.is_none_or(|ask| ask.hash != *hash.as_bytes()) {
            return Err(self.invalid("a model of another hash than all parties said").into());
        }
        Ok(model)
    }

    /// Gives it its part of an update, or says that there is none.
    pub(super) fn give(&mut self, given: &Given, depth: u32) -> Result<(), RoundError> {
        self.wire.follows(depth);
        self.given = Some(Arc::clone(given));
        self.check()?;
        let done = self.give_from(0);
        self.sent(done)
    }

    /// Makes the link anew if it was lost and nobody has noticed.
    pub(super) fn look(&mut self) {
        let over = self.heard.is_some_and(|ask| ask.round == OVER);
        if over || self.failed.get().is_some() || !self.wire.channel().lost(self.id) {
            return;
        }
        // Whoever waits for another party has to hear of it.
        if let Err(RoundError::Session(error)) = self.mend() {
            self.wire.abort(&error);
        }
    }

    fn give_from(&mut self, from: usize) -> Result<(), SessionError> {
        let Some(given) = self.given.clone() else { return Ok(()) };
        let parcel = Parcel::of(self.parts, (*given).as_ref());
        parcel.send(from, |words| self.wire.send(self.id, words))
    }

    fn invalid(&self, what: &'static str) -> SessionError {
        SessionError::Invalid { step: self.wire.step(), peer: self.id, what }
    }
}

impl Mends for Host {
    fn wire(&mut self) -> &mut Wire {
        &mut self.wire
    }

    fn peer(&self) -> PartyId {
        self.id
    }

    fn times(&mut self) -> &mut u32 {
        &mut self.times
    }

    fn catch_up(&mut self, theirs: Place) -> Result<(), SessionError> {
        let heard = self.heard.map(|ask| ask.round);
        if theirs.round == NONE || heard.is_none_or(|heard| theirs.round > heard) {
            // It has all that it asked for, or what it asks now is to be heard yet.
            return Ok(());
        }
        if heard != Some(theirs.round) {
            return Err(self.invalid("that an earlier round is due"));
        }
        let begun = theirs.name != [0; 32];
        let ours =
            self.given.as_ref().map(|given| Parcel::of(self.parts, (**given).as_ref()).name());
        if begun && ours != Some(theirs.name) {
            return Err(self.invalid("that another update is due than the one that it gets"));
        }
        self.give_from(theirs.there())
    }

    fn place(&self) -> Place {
        match &self.heard {
            Some(ask) => Place { round: ask.round, name: ask.hash, pieces: self.pieces as u64 },
            None => Place::NOWHERE,
        }
    }

    fn check(&self) -> Result<(), RoundError> {
        self.failed.get().cloned().map_or(Ok(()), Err)
    }

    /// Other parties wait for this provider meanwhile.
    fn renew(wire: &mut Wire, party: PartyId) -> Result<(), SessionError> {
        let channel = wire.channel();
        at_work(|| channel.working(), || wire.renew(party))
    }

    /// Said by all three from then on.
    fn failed(&mut self, error: SessionError) -> RoundError {
        self.failed.get_or_init(|| error.into()).clone()
    }
}
