//! The party that adds up as a provider sees it: what it said last, what has come of its model, and what it was answered, over as many
//! connections as that takes.

use std::cell::RefCell;

use protocols::{
    net::at_work,
    party::{PartyId, Role},
    session::{SessionError, Wire},
};
use zeroize::Zeroizing;

use super::step::{Head, Step};
use crate::{
    average::WordsDigest,
    round::{
        course::Course,
        error::RoundError,
        message::{COMES, DECLINES, PIECE_WORDS, hash_of, hash_words, model_bytes, model_pieces},
        parcel::name,
        resume::{Mends, NONE, Place, again, exchange},
    },
    secagg::{SecAggError, Threshold},
};

/// The one that adds up.
const PARTY: PartyId = PartyId(Role::P0 as u16);

/// Its link, and where the two are.
pub(super) struct Adder<'w> {
    wire: &'w mut Wire,
    course: &'w Course,
    threshold: Threshold,
    /// What it said last, all of whose body has come.
    heard: Option<Head>,
    /// The hash of the model that it said, and what has come of it.
    hash: [u8; 32],
    model: Vec<f32>,
    pieces: usize,
    /// What it was answered to that.
    given: Option<Given>,
    /// Where it is, until it is answered for the first time by a provider that was killed and is back.
    theirs: Option<Place>,
    /// How often its link was made anew.
    times: u32,
    /// Why it is not made anew any more.
    failed: Option<RoundError>,
}

/// An answer, which is sent again as it is where it was lost.
struct Given {
    begins: Vec<u64>,
    name: [u8; 32],
    words: Zeroizing<Vec<u64>>,
}

impl<'w> Adder<'w> {
    pub(super) fn new(wire: &'w mut Wire, course: &'w Course, threshold: Threshold) -> Self {
        let (heard, given, theirs, failed) = (None, None, None, None);
        let (hash, model, pieces, times) = ([0; 32], Vec::new(), 0, 0);
        Self { wire, course, threshold, heard, hash, model, pieces, given, theirs, times, failed }
    }

    /// The same at a provider that was killed and is back, over a link that was made anew: this is what it heard last, of a model with this
    /// hash, if it had said something to it. Where it had not, the party may have begun with this link, and know of no other.
    pub(super) fn back(&mut self, heard: Option<(Head, [u8; 32])>) -> Result<(), RoundError> {
        if heard.is_none() && self.wire.channel().times(PARTY) == 0 {
            return Ok(());
        }
        let place = heard.map_or(Place::NOWHERE, |(head, hash)| {
            self.hears_again(head, hash);
            self.place()
        });
        let (wire, mut times) = (&mut *self.wire, self.times);
        let theirs = match exchange(wire, PARTY, place) {
            Err(error) if error.is_lost(PARTY) => {
                again(wire, PARTY, (place, &mut times), |wire| wire.renew(PARTY))
            }
            met => met,
        };
        self.times = times;
        let theirs = theirs?;
        self.theirs = heard.is_some().then_some(theirs);
        Ok(())
    }

    /// It has heard this before it was killed.
    pub(super) fn hears_again(&mut self, head: Head, hash: [u8; 32]) {
        (self.heard, self.given, self.model) = (Some(head), None, Vec::new());
        // All of the model was there, or nothing would have been said.
        (self.hash, self.pieces) = match head.step {
            Step::Ask => (hash, usize::MAX),
            _ => ([0; 32], 0),
        };
    }

    /// What it says next, where this is due; else it has gone on to a later round, or there are no more.
    pub(super) fn says(&mut self, due: Head) -> Result<(Head, Vec<u64>), RoundError> {
        let (course, threshold) = (self.course, self.threshold);
        self.through(|adder| {
            let mut word = [0];
            adder.wire.recv(PARTY, &mut word)?;
            let later = |head: Head| match head.step {
                Step::Over => true,
                Step::Ask => head.round > due.round && head.round < course.rounds,
                _ => false,
            };
            let head = Head::of(word[0]).filter(|head| *head == due || later(*head));
            let Some(head) = head else { return Ok(Err(refused(due.round, SecAggError::Turn))) };
            let body = adder.wire.recv_words::<u64>(PARTY, head.step.says(course, threshold))?;
            let body = body.to_vec();
            (adder.heard, adder.given) = (Some(head), None);
            (adder.model, adder.pieces) = (Vec::new(), 0);
            adder.hash = match *body.as_slice() {
                [a, b, c, d] if head.step == Step::Ask => hash_of([a, b, c, d]),
                _ => [0; 32],
            };
            Ok(Ok((head, body)))
        })?
    }

    /// The model that is asked for an update of, which has the hash that was said; and that.
    pub(super) fn model(&mut self) -> Result<(Vec<f32>, [u8; 32]), RoundError> {
        let numbers = self.course.handed();
        self.through(|adder| {
            for piece in model_pieces(numbers).skip(adder.pieces) {
                let words = adder.wire.recv_words::<u32>(PARTY, piece)?;
                adder.model.extend(words.iter().map(|bits| f32::from_bits(*bits)));
                adder.pieces += 1;
            }
            Ok(())
        })?;
        let model = std::mem::take(&mut self.model);
        if *blake3::hash(&model_bytes(&model)).as_bytes() != self.hash {
            return Err(self.invalid("a model of another hash than it said").into());
        }
        Ok((model, self.hash))
    }

    /// Does long work, and looks after the link meanwhile.
    pub(super) fn at_work<T: Send>(&mut self, work: impl FnOnce() -> T + Send) -> T {
        let adder = RefCell::new(self);
        at_work(|| adder.borrow_mut().tend(), work)
    }

    /// Tells the party that this provider gets on, and makes the link anew if it was lost.
    fn tend(&mut self) {
        self.wire.working();
        if self.failed.is_none()
            && self.wire.channel().lost(PARTY)
            && let Err(error) = self.mend()
        {
            // Said where the link is needed next.
            self.failed = Some(error);
        }
    }

    /// Answers what it said last.
    pub(super) fn answer(&mut self, words: Zeroizing<Vec<u64>>) -> Result<(), RoundError> {
        let (mut begins, mut name_of) = (vec![COMES], [0; 32]);
        if let Some(head) = self.heard.filter(|head| head.step.is_large()) {
            let mut digest = WordsDigest::new();
            digest.update(&words);
            name_of = name(&[head.word()], &digest);
            begins.extend(hash_words(&name_of));
        }
        self.give(Given { begins, name: name_of, words })
    }

    /// Says that there is no update this time.
    pub(super) fn decline(&mut self) -> Result<(), RoundError> {
        let words = Zeroizing::new(Vec::new());
        self.give(Given { begins: vec![DECLINES], name: [0; 32], words })
    }

    fn give(&mut self, given: Given) -> Result<(), RoundError> {
        self.given = Some(given);
        self.check()?;
        let done = match self.theirs.take() {
            Some(theirs) => self.catch_up(theirs),
            None => self.give_from(0),
        };
        self.sent(done)
    }

    fn give_from(&mut self, from: usize) -> Result<(), SessionError> {
        let Self { wire, given: Some(given), .. } = self else { return Ok(()) };
        wire.send(PARTY, &given.begins)?;
        given.words.chunks(PIECE_WORDS).skip(from).try_for_each(|piece| wire.send(PARTY, piece))
    }

    fn invalid(&self, what: &'static str) -> SessionError {
        SessionError::Invalid { step: self.wire.step(), peer: PARTY, what }
    }
}

impl Mends for Adder<'_> {
    fn wire(&mut self) -> &mut Wire {
        self.wire
    }

    fn peer(&self) -> PartyId {
        PARTY
    }

    fn times(&mut self) -> &mut u32 {
        &mut self.times
    }

    /// Sends what the party lacks of the answer that is there: to the bit what was sent before, and nothing of another step.
    fn catch_up(&mut self, theirs: Place) -> Result<(), SessionError> {
        if theirs.round == NONE {
            return Ok(());
        }
        let due = Head::of(theirs.round).ok_or_else(|| self.invalid("a step that is none"))?;
        match self.heard {
            Some(heard) if heard == due => {}
            // What it says now is to be heard yet.
            Some(heard) if !due.is_after(heard) => {
                return Err(self.invalid("that an earlier step is due"));
            }
            _ => return Ok(()),
        }
        let named = self.given.as_ref().map(|given| given.name);
        if theirs.name != [0; 32] && named != Some(theirs.name) {
            return Err(self.invalid("that another update is due than the one that it gets"));
        }
        self.give_from(theirs.there())
    }

    fn place(&self) -> Place {
        let pieces = self.pieces as u64;
        self.heard.map_or(Place::NOWHERE, |head| Place {
            round: head.word(),
            name: self.hash,
            pieces,
        })
    }

    fn check(&self) -> Result<(), RoundError> {
        self.failed.clone().map_or(Ok(()), Err)
    }
}

pub(super) fn refused(round: u32, source: SecAggError) -> RoundError {
    RoundError::Masks { round: round.saturating_add(1), source }
}
