//! The wire: tagged, counted, length-checked messages between one party and its peers, and the gate for what is opened.

use std::{fmt, ops::Range, sync::Arc};

use super::{
    error::SessionError,
    fork::STEP_BITS,
    gate::{Gate, GateError, Opening, OpeningKind, Recipient},
    pair::Pair,
    stats::{Counters, Stats},
    units::Span,
};
use crate::{
    net::{Abort, Body, CHUNK_BYTES, Channel, ChannelError, Frame, Tag, wire_bytes},
    party::PartyId,
    ring::{Buf, Word},
};

/// A message that is sent while it is made is made so many bytes at a time.
const MAKE_BYTES: usize = 16 << 10;

/// One party's end of its links in one run: what is common to a [`super::Session`] of three and a [`Pair`] of two.
///
/// Several wires may stand on one channel if no two of them talk to the same peer.
pub struct Wire {
    pub(super) channel: Arc<dyn Channel>,
    gate: Gate,
    stats: Stats,
    pub(super) path: u64,
    /// Which part of a fork this is, where it stands in tags; 0 outside.
    pub(super) branch: u64,
    /// Parts of forks in this step so far.
    pub(super) branches: u64,
    /// Attempts of units there can be in some steps, of which this is one, or which were before.
    pub(super) span: Option<Span>,
    /// Whether both others were told from within a fork that the next attempt has begun.
    pub(super) told: bool,
    /// Frames that were read before they were due: in a fork, from peers that had left it.
    pub(super) early: Vec<(PartyId, Frame)>,
    /// Length of the longest chain of messages that led here.
    pub(super) depth: u32,
    /// Messages so far, to and from each party of the run.
    pub(super) sent: Vec<u32>,
    pub(super) received: Vec<u32>,
    /// How often the link with each party was made anew.
    renewed: Vec<u32>,
}

impl Wire {
    /// A wire over a channel, with the list of what may be opened.
    #[must_use]
    pub fn new(channel: Arc<dyn Channel>, gate: Gate) -> Self {
        let stats = Stats::default();
        let (early, sent, received) = (Vec::new(), Vec::new(), Vec::new());
        let (path, branch, branches, depth) = (0, 0, 0, 0);
        let (span, told, renewed) = (None, false, Vec::new());
        Self {
            channel,
            gate,
            stats,
            path,
            branch,
            branches,
            span,
            told,
            early,
            depth,
            sent,
            received,
            renewed,
        }
    }

    /// The same behind so many messages that went to each compute party by another way than this wire, in the same run.
    #[must_use]
    pub fn behind(self, sent: [u32; 3]) -> Self {
        Self { sent: sent.to_vec(), ..self }
    }

    /// This party.
    #[must_use]
    pub fn me(&self) -> PartyId {
        self.channel.me()
    }

    /// The links, for conversations with parties that this wire does not talk to.
    #[must_use]
    pub fn channel(&self) -> Arc<dyn Channel> {
        Arc::clone(&self.channel)
    }

    /// The same wire, as seen by a protocol of two.
    pub fn pair(&mut self, peer: PartyId) -> Pair<'_> {
        Pair::new(self, peer)
    }

    /// Counters so far.
    #[must_use]
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Length of the longest chain of messages so far: the rounds this party has seen.
    #[must_use]
    pub fn depth(&self) -> u32 {
        self.depth
    }

    /// The step of the plan this party is at.
    #[must_use]
    pub fn step(&self) -> u64 {
        self.path
    }

    /// What was opened so far.
    #[must_use]
    pub fn opened(&self) -> &[Opening] {
        self.gate.opened()
    }

    /// Moves to the next step of the plan. Steps only go up.
    ///
    /// # Panics
    /// If `path` is not above the current step.
    pub fn enter(&mut self, path: u64) {
        assert!(path > self.path, "steps only go up");
        (self.path, self.branches) = (path, 0);
    }

    /// Takes an opening off the plan's list. Every opening passes here, before its first byte is sent.
    ///
    /// # Errors
    /// [`super::GateError::NotListed`].
    pub fn pass_gate(
        &mut self,
        kind: OpeningKind,
        count: usize,
        to: Recipient,
    ) -> Result<(), SessionError> {
        let opening = Opening { step: self.path, kind, count: count as u64, to };
        if self.branch != 0 && !(self.is_unit() && kind == OpeningKind::Permutation) {
            // What goes on beside something else opens nothing, and what may be repeated nothing but random permutations.
            return Err(GateError::NotListed(opening).into());
        }
        Ok(self.gate.pass(opening)?)
    }

    /// Whether this is an attempt at a unit, and not a part of a fork.
    pub(super) fn is_unit(&self) -> bool {
        let own = |span: Span| Some(span.number(span.attempt(self.place())?));
        self.branch != 0 && self.span.and_then(own) == Some(self.branch >> STEP_BITS)
    }

    /// Puts what was opened from this place on back on the list: see [`Gate::put_back`].
    pub(super) fn put_back(&mut self, from: usize) {
        self.gate.put_back(from);
    }

    /// Lets nothing more be opened.
    pub fn close_gate(&mut self) {
        self.gate.close();
    }

    /// Ends the run: all that was listed must have been opened.
    ///
    /// # Errors
    /// [`super::GateError::LeftOver`].
    pub fn finish(&self) -> Result<(), SessionError> {
        Ok(self.gate.finish()?)
    }

    /// Sends one message. Nothing is sent for an empty one.
    ///
    /// # Errors
    /// If the link is down.
    pub fn send<W: Word>(&mut self, to: PartyId, words: &[W]) -> Result<(), SessionError> {
        self.send_at(to, words, self.depth)
    }

    /// Receives one message of as many words as `out` has. Waits for nothing if it has none.
    ///
    /// # Errors
    /// If the link is down, or the frame is not the one due.
    pub fn recv<W: Word>(&mut self, from: PartyId, out: &mut [W]) -> Result<(), SessionError> {
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(out);
        if bytes.is_empty() {
            return Ok(());
        }
        let seq = bump(&mut self.received, from);
        let before = self.depth;
        for (chunk, part) in (0_u32..).zip(bytes.chunks_mut(CHUNK_BYTES)) {
            let frame = self.next(from).map_err(|source| self.channel_error(source))?;
            if frame.tag != (Tag { path: self.place(), seq, chunk }) {
                return Err(self.not_due(from, (seq, chunk), frame));
            }
            if frame.body.len() != part.len() {
                let (want, got) = (part.len(), frame.body.len());
                return Err(SessionError::Length { step: self.path, peer: from, want, got });
            }
            self.depth = self.depth.max(frame.depth.saturating_add(1));
            part.copy_from_slice(&frame.body);
        }
        self.passed(before);
        Ok(())
    }

    /// Receives one message of `len` words.
    ///
    /// # Errors
    /// As [`Wire::recv`].
    pub fn recv_words<W: Word>(
        &mut self,
        from: PartyId,
        len: usize,
    ) -> Result<Buf<W>, SessionError> {
        let mut out = Buf::scratch(len);
        self.recv(from, &mut out)?;
        Ok(out)
    }

    /// Sends a message while it is being made: `make` fills one block of `words` after the other, each of a whole number of
    /// keystream blocks except the last, and the block is copied into its frame while it is in the first-level cache.
    ///
    /// # Errors
    /// As [`Wire::send`].
    pub(crate) fn send_made<W: Word>(
        &mut self,
        to: PartyId,
        words: &mut [W],
        mut make: impl FnMut(usize, &mut [W]),
    ) -> Result<(), SessionError> {
        if words.is_empty() {
            return Ok(());
        }
        let (seq, depth) = (bump(&mut self.sent, to), self.depth);
        let per_chunk = CHUNK_BYTES / size_of::<W>();
        self.count(size_of_val(words));
        for (chunk, part) in (0_u32..).zip(words.chunks_mut(per_chunk)) {
            let mut body = Body::scratch(size_of_val(part));
            let mut at = chunk as usize * per_chunk;
            let blocks = part.chunks_mut(MAKE_BYTES / size_of::<W>());
            for (block, bytes) in blocks.zip(body.chunks_mut(MAKE_BYTES)) {
                make(at, block);
                bytes.copy_from_slice(bytemuck::cast_slice(block));
                at += block.len();
            }
            let tag = Tag { path: self.place(), seq, chunk };
            let sent = self.channel.send(to, Frame { tag, depth, body });
            sent.map_err(|source| self.channel_error(source))?;
        }
        Ok(())
    }

    /// Sends words that exist already, as of an earlier depth (for a message that does not depend on what came since).
    pub(crate) fn send_at<W: Word>(
        &mut self,
        to: PartyId,
        words: &[W],
        depth: u32,
    ) -> Result<(), SessionError> {
        let bytes: &[u8] = bytemuck::cast_slice(words);
        if bytes.is_empty() {
            return Ok(());
        }
        let seq = bump(&mut self.sent, to);
        self.count(bytes.len());
        for (chunk, part) in (0_u32..).zip(bytes.chunks(CHUNK_BYTES)) {
            let tag = Tag { path: self.place(), seq, chunk };
            let sent = self.channel.send(to, Frame { tag, depth, body: Body::copy_of(part) });
            sent.map_err(|source| self.channel_error(source))?;
        }
        Ok(())
    }

    /// Sends a part of some bytes that others get too as one message, without a copy for each.
    ///
    /// # Errors
    /// If the link is down.
    ///
    /// # Panics
    /// If there are not so many bytes.
    pub fn send_common(
        &mut self,
        to: PartyId,
        (bytes, part): (&Arc<[u8]>, Range<usize>),
    ) -> Result<(), SessionError> {
        if part.is_empty() {
            return Ok(());
        }
        let (seq, depth) = (bump(&mut self.sent, to), self.depth);
        self.count(part.len());
        for (chunk, from) in (0_u32..).zip(part.clone().step_by(CHUNK_BYTES)) {
            let tag = Tag { path: self.place(), seq, chunk };
            let body = Body::of_common(bytes, from, CHUNK_BYTES.min(part.end - from));
            let sent = self.channel.send(to, Frame { tag, depth, body });
            sent.map_err(|source| self.channel_error(source))?;
        }
        Ok(())
    }

    /// Tells the peers that this party gets on with work of its own: who waits for it has patience anew.
    pub fn working(&self) {
        self.channel.working();
    }

    /// Counts a message of so many bytes that another wire of this party sends for it.
    pub fn counts(&mut self, bytes: usize) {
        self.count(bytes);
    }

    /// What follows depends on what another wire of this party has seen, which was so deep.
    pub fn follows(&mut self, depth: u32) {
        let before = self.depth;
        self.depth = self.depth.max(depth);
        self.passed(before);
    }

    /// Makes the link with a peer anew after it was lost; the peer has to do the same. Messages of the two are numbered from the
    /// start again, and none of those that were under way will come. Not within a fork.
    ///
    /// # Errors
    /// If the link was not [lost](SessionError::is_lost), if it does not come about again, or if the run is over.
    pub fn renew(&mut self, peer: PartyId) -> Result<(), SessionError> {
        self.channel.renew(peer).map_err(|source| self.channel_error(source))?;
        bump(&mut self.renewed, peer);
        self.restart(peer);
        self.early.retain(|(from, _)| *from != peer);
        Ok(())
    }

    /// How often the link with a peer was made anew in this run.
    #[must_use]
    pub fn renewed(&self, peer: PartyId) -> u32 {
        self.renewed.get(usize::from(peer.0)).copied().unwrap_or(0)
    }

    /// The link with a peer was made anew so often by now.
    pub(super) fn was_renewed(&mut self, peer: PartyId, times: u32) {
        let at = usize::from(peer.0);
        self.renewed.resize(self.renewed.len().max(at + 1), 0);
        self.renewed[at] = times;
    }

    /// Numbers messages to and from a peer from the start again.
    pub(super) fn restart(&mut self, peer: PartyId) {
        for numbers in [&mut self.sent, &mut self.received] {
            if let Some(number) = numbers.get_mut(usize::from(peer.0)) {
                *number = 0;
            }
        }
    }

    /// Tells the peers that this party ends the run because of `error`; an abort that came from a peer is not sent again.
    pub fn abort(&self, error: &SessionError) {
        let Some((party, code)) = error.blame(self.me()) else { return };
        self.channel.abort(Abort { party, path: self.path, code });
    }

    /// The step as tags have it.
    pub(super) fn place(&self) -> u64 {
        self.branch | self.path
    }

    /// The next frame on a link.
    pub(super) fn next(&mut self, from: PartyId) -> Result<Frame, ChannelError> {
        match self.early.iter().position(|(peer, _)| *peer == from) {
            Some(at) => Ok(self.early.remove(at).1),
            None => self.channel.recv(from),
        }
    }

    /// Another frame came than the one due: of a later attempt, for which it is kept, of units that this party is done with, or of
    /// another point of the protocol.
    pub(super) fn not_due(
        &mut self,
        peer: PartyId,
        (seq, chunk): (u32, u32),
        frame: Frame,
    ) -> SessionError {
        let (step, there) = (self.path, frame.tag);
        let attempt = self
            .span
            .and_then(|span| Some((span.attempt(there.path)?, span.attempt(self.place()))));
        match attempt {
            Some((attempt, here)) if here.is_none_or(|here| attempt > here) => {
                // Before what came behind it.
                self.early.insert(0, (peer, frame));
                SessionError::BrokenOff { step, peer }
            }
            _ => self.desync(peer, seq, chunk, there),
        }
    }

    /// Another frame came than the one due.
    pub(super) fn desync(&self, peer: PartyId, seq: u32, chunk: u32, there: Tag) -> SessionError {
        let here = Tag { path: self.place(), seq, chunk };
        SessionError::Desync { peer, here, there }
    }

    /// Counts the rounds since this party was `before` deep.
    pub(super) fn passed(&mut self, before: u32) {
        self.stats.step(self.path).rounds += self.depth - before;
    }

    /// Takes over what another wire of this party counted, but its rounds: both are used at the same time.
    pub fn absorb(&mut self, part: &Self) {
        let Counters { bytes, messages, .. } = part.stats.total();
        let counters = self.stats.step(self.path);
        counters.bytes += bytes;
        counters.messages += messages;
        self.depth = self.depth.max(part.depth);
    }

    /// Counts a message of so many bytes.
    pub(super) fn count(&mut self, bytes: usize) {
        let counters = self.stats.step(self.path);
        counters.bytes += wire_bytes(bytes);
        counters.messages += 1;
    }

    pub(super) fn channel_error(&self, source: ChannelError) -> SessionError {
        SessionError::Channel { step: self.path, source }
    }
}

/// The running number of the next message to or from a party.
pub(super) fn bump(counters: &mut Vec<u32>, party: PartyId) -> u32 {
    let at = usize::from(party.0);
    if counters.len() <= at {
        counters.resize(at + 1, 0);
    }
    let seq = counters[at];
    counters[at] += 1;
    seq
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wire({}, step {}, depth {})", self.me(), self.path, self.depth)
    }
}
