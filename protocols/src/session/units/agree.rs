//! How three parties that work unit by unit come to the same attempt after a link was lost.
//!
//! ```text
//! whoever notices that a link is lost:  begins the next attempt, and says so over the other link; makes the lost one anew, and
//!                                       says it there as well
//! whoever hears of a later attempt:     begins it, and says so over both links
//! whoever has heard both others:        goes on with it
//! ```
//!
//! A party says once over each connection that it is at an attempt, with how many units it is done with. It listens to both others at
//! the same time, each on a thread, until both are where it is; either may have to make its link anew. So nobody waits for good: a
//! party makes a link anew only after it has told the third one of an attempt that it was not told of before. The party at the other
//! end of the link comes to do the same: it waits on that link, and sees that it is lost; or it waits for the third one, which is
//! told, or waits for it; or it is at work, and nobody gets to the end of a unit without a word from both others.
//!
//! Both ends of a link notice its loss once, so there are at most two attempts for each. Of the first of them, whoever heard both
//! others may have begun the work; the end that notices later breaks it off.

use std::{
    panic::resume_unwind,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

use super::{
    attempts::{Attempts, RENEWALS},
    span::Span,
};
use crate::{
    net::{Abort, Body, Channel, ChannelError, Frame},
    party::PartyId,
    session::{core::Session, error::SessionError, wire::bump},
};

impl Attempts {
    /// Agrees with both others on another attempt, after this error; gives the unit that all go on with. `own` is how many this
    /// party is done with, `unit` how many all surely are.
    pub(super) fn again(
        &mut self,
        s: &mut Session,
        (unit, own): (u64, u64),
        why: SessionError,
    ) -> Result<u64, SessionError> {
        let Some(span) = s.wire.span else { return Err(why) };
        let told = std::mem::take(&mut s.wire.told);
        let talk = Talk::of(s, (span, self.again), own, why);
        talk.agree(told)?;
        let (attempt, said) = talk.leave(s);
        self.again = attempt;
        self.enter(s);
        let mut fewest = own;
        for (peer, done) in said {
            if done < unit || done > unit + 2 {
                return Err(s.pair(peer).invalid("a number of units that cannot be"));
            }
            fewest = fewest.min(done);
        }
        Ok(fewest)
    }
}

/// A party's conversation with both others.
struct Talk {
    channel: Arc<dyn Channel>,
    span: Span,
    peers: [PartyId; 2],
    /// How many units this party is done with, and how deep it is.
    own: (u64, u32),
    at: Mutex<At>,
    /// Somebody was heard, a later attempt was begun, or no more is said.
    changed: Condvar,
}

/// How far it is.
struct At {
    attempt: u64,
    sides: [Side; 2],
    /// Words that this party has said.
    words: u32,
    why: SessionError,
    failed: Option<SessionError>,
}

/// What there is between this party and another one.
#[derive(Default)]
struct Side {
    /// Whether the link is known to be lost.
    lost: bool,
    /// How often it was made anew in this run.
    renewed: u32,
    /// What came before it was due.
    early: Vec<Frame>,
    heard: Option<Heard>,
}

/// Where another party is.
#[derive(Clone, Copy)]
struct Heard {
    attempt: u64,
    done: u64,
    depth: u32,
}

impl Talk {
    /// After this error, within that attempt.
    fn of(s: &mut Session, (span, attempt): (Span, u64), own: u64, why: SessionError) -> Self {
        let peers = s.others();
        let early = std::mem::take(&mut s.wire.early);
        let mut sides = peers.map(|peer| Side {
            lost: why.is_lost(peer),
            renewed: s.wire.renewed(peer),
            ..Side::default()
        });
        for (peer, frame) in early {
            if let Some(side) = peers.iter().position(|other| *other == peer) {
                sides[side].early.push(frame);
            }
        }
        let at = Mutex::new(At { attempt, sides, words: 0, why, failed: None });
        Self {
            channel: s.wire.channel(),
            span,
            peers,
            own: (own, s.wire.depth),
            at,
            changed: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, At> {
        self.at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Until this party has heard both others at the attempt that it is at. They may have been told of the next one.
    fn agree(&self, told: bool) -> Result<(), SessionError> {
        let next = self.lock().attempt + 1;
        if told {
            let mut at = self.lock();
            (at.attempt, at.words) = (next, 2);
        } else {
            self.rise(&mut self.lock(), next)?;
        }
        thread::scope(|scope| {
            let sides = [0, 1].map(|side| scope.spawn(move || self.attend(side)));
            for side in sides {
                side.join().unwrap_or_else(|panic| resume_unwind(panic));
            }
        });
        self.lock().failed.take().map_or(Ok(()), Err)
    }

    /// Listens to one of the others, and ends the run at once where it cannot go on: the other thread may wait for whoever waits
    /// for this one.
    fn attend(&self, side: usize) {
        let Err(error) = self.listen(side) else { return };
        let blame = error.blame(self.channel.me());
        self.lock().failed.get_or_insert(error);
        self.changed.notify_all();
        if let Some((party, code)) = blame {
            self.channel.abort(Abort { party, path: self.span.step, code });
        }
    }

    /// Until all three are at one attempt. Whoever was heard may have to be heard again: the other thread may begin a later one.
    fn listen(&self, side: usize) -> Result<(), SessionError> {
        loop {
            let idle = |at: &mut At| at.failed.is_none() && at.is_due(1 - side) && !at.is_due(side);
            let waited = self.changed.wait_while(self.lock(), idle);
            let mut at = waited.unwrap_or_else(PoisonError::into_inner);
            if at.failed.is_some() || !at.is_due(side) {
                return Ok(());
            }
            if at.sides[side].lost {
                drop(at);
                self.renew(side)?;
                continue;
            }
            let early = &mut at.sides[side].early;
            let early = (!early.is_empty()).then(|| early.remove(0));
            drop(at);
            match early.map_or_else(|| self.channel.recv(self.peers[side]), Ok) {
                Ok(frame) => self.take(side, &frame)?,
                Err(ChannelError::Closed(peer)) if peer == self.peers[side] => {
                    let mut at = self.lock();
                    at.sides[side].lost = true;
                    let next = at.attempt + 1;
                    self.rise(&mut at, next)?;
                }
                Err(source) => return Err(self.channel_error(source)),
            }
        }
    }

    /// Takes a frame of another party: what is left of an earlier attempt is thrown away.
    fn take(&self, side: usize, Frame { tag, depth, body }: &Frame) -> Result<(), SessionError> {
        let mut at = self.lock();
        let Some(attempt) = self.span.attempt(tag.path) else {
            // It is done with all units.
            return Err(at.why.clone());
        };
        if attempt < at.attempt {
            return Ok(());
        }
        let here = self.span.tag(attempt);
        let Some(word) = body[..].try_into().ok().filter(|_| *tag == here) else {
            return Err(SessionError::Desync { peer: self.peers[side], here, there: *tag });
        };
        at.sides[side].heard =
            Some(Heard { attempt, done: u64::from_le_bytes(word), depth: *depth });
        self.changed.notify_all();
        self.rise(&mut at, attempt)
    }

    /// Begins a later attempt, and says so to whom this party can.
    fn rise(&self, at: &mut At, attempt: u64) -> Result<(), SessionError> {
        if attempt > self.span.last() {
            return Err(at.why.clone());
        }
        if attempt > at.attempt {
            at.attempt = attempt;
            self.changed.notify_all();
            for side in 0..2 {
                if !at.sides[side].lost {
                    self.say(at, side)?;
                }
            }
        }
        Ok(())
    }

    /// Says where this party is. A link that is lost is noticed where the answer is due.
    fn say(&self, at: &mut At, side: usize) -> Result<(), SessionError> {
        at.words += 1;
        let said = say(&*self.channel, self.peers[side], (self.span, at.attempt), self.own);
        said.map_err(|source| self.channel_error(source))
    }

    /// Makes a link anew, and says there where this party is.
    fn renew(&self, side: usize) -> Result<(), SessionError> {
        let peer = self.peers[side];
        if self.lock().sides[side].renewed >= RENEWALS {
            return Err(self.channel_error(ChannelError::Closed(peer)));
        }
        // Who waits for this party waits while it calls.
        self.channel.working();
        self.channel.renew(peer).map_err(|source| self.channel_error(source))?;
        let mut at = self.lock();
        let Side { lost, renewed, early, .. } = &mut at.sides[side];
        (*lost, *renewed) = (false, *renewed + 1);
        early.clear();
        self.say(&mut at, side)
    }

    /// The end of it: the attempt, and how many units the others are done with. The run goes on behind one word in each direction.
    fn leave(self, s: &mut Session) -> (u64, [(PartyId, u64); 2]) {
        let At { attempt, sides, words, .. } =
            self.at.into_inner().unwrap_or_else(PoisonError::into_inner);
        (0..words).for_each(|_| s.wire.count(size_of::<u64>()));
        let mut said = self.peers.map(|peer| (peer, 0));
        for ((peer, done), side) in said.iter_mut().zip(sides) {
            s.wire.restart(*peer);
            s.wire.was_renewed(*peer, side.renewed);
            bump(&mut s.wire.sent, *peer);
            bump(&mut s.wire.received, *peer);
            s.wire.early.extend(side.early.into_iter().map(|frame| (*peer, frame)));
            if let Some(heard) = side.heard {
                *done = heard.done;
                s.wire.follows(heard.depth.saturating_add(1));
            }
        }
        (attempt, said)
    }

    fn channel_error(&self, source: ChannelError) -> SessionError {
        SessionError::Channel { step: self.span.step, source }
    }
}

/// Says to another party that this one is at an attempt, done with so many units, and so deep. That a link is lost is noticed elsewhere.
pub(in crate::session) fn say(
    channel: &dyn Channel,
    to: PartyId,
    (span, attempt): (Span, u64),
    (done, depth): (u64, u32),
) -> Result<(), ChannelError> {
    let body = Body::copy_of(&done.to_le_bytes());
    match channel.send(to, Frame { tag: span.tag(attempt), depth, body }) {
        Err(ChannelError::Closed(peer)) if peer == to => Ok(()),
        said => said,
    }
}

impl At {
    /// Whether a party is still to be heard.
    fn is_due(&self, side: usize) -> bool {
        self.sides[side].heard.is_none_or(|heard| heard.attempt < self.attempt)
    }
}
