//! The session: tagged, counted, length-checked messages between the compute parties.

use std::{fmt, sync::Arc};

use super::{
    gate::{Gate, GateError, Opening, OpeningKind, Recipient},
    profile::Profile,
    stats::Stats,
};
use crate::{
    net::{Abort, AbortCode, Body, CHUNK_BYTES, Channel, ChannelError, Frame, Tag, wire_bytes},
    party::{PartyId, Role},
    prss::Prss,
    ring::{Buf, Ring, Word},
};

/// A message that is sent while it is made is made so many bytes at a time.
const MAKE_BYTES: usize = 16 << 10;

/// One compute party's end of one run.
pub struct Session {
    role: Role,
    channel: Arc<dyn Channel>,
    prss: Prss,
    gate: Gate,
    profile: Profile,
    stats: Stats,
    path: u64,
    /// Length of the longest chain of messages that led here.
    depth: u32,
    /// Messages so far, to and from each party of the run.
    sent: Vec<u32>,
    received: Vec<u32>,
}

/// Why a run cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// A link failed.
    #[error("step {step}: {source}")]
    Channel {
        /// Where this party was.
        step: u64,
        /// What the link said.
        source: ChannelError,
    },
    /// A peer is at another point of the protocol.
    #[error(
        "out of step with {peer}: here {here}, there {there}; do both run the same build and plan?"
    )]
    Desync {
        /// Which peer.
        peer: PartyId,
        /// What was due.
        here: Tag,
        /// What came.
        there: Tag,
    },
    /// A message of another length than the public sizes say.
    #[error("step {step}: {peer} sent a chunk of {got} bytes where {want} were due")]
    Length {
        /// Where.
        step: u64,
        /// Which peer.
        peer: PartyId,
        /// Bytes due.
        want: usize,
        /// Bytes that came.
        got: usize,
    },
    /// Vectors that must be equally long are not: a fault of the caller.
    #[error("step {step}: vectors of {left} and {right} elements cannot be combined")]
    Shape {
        /// Where.
        step: u64,
        /// One length.
        left: usize,
        /// The other.
        right: usize,
    },
    /// Copies that must agree do not.
    #[error(
        "step {step}: {what} differ between {peer} and this party: one of the inputs is inconsistent"
    )]
    Inconsistent {
        /// Where.
        step: u64,
        /// Which peer.
        peer: PartyId,
        /// What was compared.
        what: &'static str,
    },
    /// What was opened as a permutation is none.
    #[error("step {step}: the opened positions are no permutation; some party deviated")]
    NotAPermutation {
        /// Where.
        step: u64,
    },
    /// An opening the plan does not list.
    #[error(transparent)]
    Gate(#[from] GateError),
}

impl Session {
    /// A session over a channel, with keys of this run and the list of what may be opened.
    #[must_use]
    pub fn new(role: Role, channel: Arc<dyn Channel>, prss: Prss, gate: Gate) -> Self {
        let stats = Stats::default();
        let (sent, received) = (Vec::new(), Vec::new());
        let profile = Profile::default();
        Self { role, channel, prss, gate, profile, stats, path: 0, depth: 0, sent, received }
    }

    /// The same session, choosing its protocols for links like these. All three parties must name the same.
    #[must_use]
    pub fn on(self, profile: Profile) -> Self {
        Self { profile, ..self }
    }

    /// What the links are declared to be like.
    #[must_use]
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// This party's role.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// Correlated randomness.
    pub fn prss(&mut self) -> &mut Prss {
        &mut self.prss
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

    /// Moves to the next step of the plan. Steps only go up, so no keystream position comes twice.
    ///
    /// # Panics
    /// If `path` is not above the current step.
    pub fn enter(&mut self, path: u64) {
        assert!(path > self.path, "steps only go up");
        self.path = path;
        self.prss.enter(path);
    }

    /// Takes an opening off the plan's list. Every opening passes here, before its first byte is sent.
    ///
    /// # Errors
    /// [`GateError::NotListed`].
    pub fn pass_gate(
        &mut self,
        kind: OpeningKind,
        count: usize,
        to: Recipient,
    ) -> Result<(), SessionError> {
        let opening = Opening { step: self.path, kind, count: count as u64, to };
        Ok(self.gate.pass(opening)?)
    }

    /// Ends the run: all that was listed must have been opened.
    ///
    /// # Errors
    /// [`GateError::LeftOver`].
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
            let frame = self.channel.recv(from).map_err(|source| self.channel_error(source))?;
            let here = Tag { path: self.path, seq, chunk };
            if frame.tag != here {
                return Err(SessionError::Desync { peer: from, here, there: frame.tag });
            }
            if frame.body.len() != part.len() {
                let (want, got) = (part.len(), frame.body.len());
                return Err(SessionError::Length { step: self.path, peer: from, want, got });
            }
            self.depth = self.depth.max(frame.depth.saturating_add(1));
            part.copy_from_slice(&frame.body);
        }
        self.stats.step(self.path).rounds += self.depth - before;
        Ok(())
    }

    /// One round on the ring of three: `words` to the previous party, as many from the next one.
    ///
    /// # Errors
    /// As [`Session::send`] and [`Session::recv`].
    pub fn exchange<R: Ring>(&mut self, words: &[R::Word]) -> Result<Buf<R::Word>, SessionError> {
        self.send(self.role.prev().id(), words)?;
        let mut from_next = Buf::scratch(words.len());
        self.recv(self.role.next().id(), &mut from_next)?;
        Ok(from_next)
    }

    /// Sends a message while it is being made: `make` fills one block of `words` after the other, each of a whole number of
    /// keystream blocks except the last, and the block is copied into its frame while it is in the first-level cache.
    ///
    /// # Errors
    /// As [`Session::send`].
    pub(crate) fn send_made<W: Word>(
        &mut self,
        to: PartyId,
        words: &mut [W],
        mut make: impl FnMut(&mut Prss, usize, &mut [W]),
    ) -> Result<(), SessionError> {
        if words.is_empty() {
            return Ok(());
        }
        let (seq, depth) = (bump(&mut self.sent, to), self.depth);
        let per_chunk = CHUNK_BYTES / size_of::<W>();
        let counters = self.stats.step(self.path);
        counters.bytes += wire_bytes(size_of_val(words));
        counters.messages += 1;
        for (chunk, part) in (0_u32..).zip(words.chunks_mut(per_chunk)) {
            let mut body = Body::scratch(size_of_val(part));
            let mut at = chunk as usize * per_chunk;
            let blocks = part.chunks_mut(MAKE_BYTES / size_of::<W>());
            for (block, bytes) in blocks.zip(body.chunks_mut(MAKE_BYTES)) {
                make(&mut self.prss, at, block);
                bytes.copy_from_slice(bytemuck::cast_slice(block));
                at += block.len();
            }
            let tag = Tag { path: self.path, seq, chunk };
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
        let counters = self.stats.step(self.path);
        counters.bytes += wire_bytes(bytes.len());
        counters.messages += 1;
        for (chunk, part) in (0_u32..).zip(bytes.chunks(CHUNK_BYTES)) {
            let tag = Tag { path: self.path, seq, chunk };
            let sent = self.channel.send(to, Frame { tag, depth, body: Body::copy_of(part) });
            sent.map_err(|source| self.channel_error(source))?;
        }
        Ok(())
    }

    /// Tells the peers that this party ends the run because of `error`; an abort that came from a peer is not sent again.
    pub fn abort(&self, error: &SessionError) {
        let Some((party, code)) = error.blame(self.role) else { return };
        self.channel.abort(Abort { party, path: self.path, code });
    }

    /// Checks that two vectors are equally long.
    ///
    /// # Errors
    /// [`SessionError::Shape`].
    pub(crate) fn same_len(&self, left: usize, right: usize) -> Result<usize, SessionError> {
        if left == right {
            Ok(left)
        } else {
            Err(SessionError::Shape { step: self.path, left, right })
        }
    }

    fn channel_error(&self, source: ChannelError) -> SessionError {
        SessionError::Channel { step: self.path, source }
    }
}

impl SessionError {
    /// Who is at fault as far as this party can tell, and the code for the peers; `None` if a peer said it first.
    #[must_use]
    pub fn blame(&self, me: Role) -> Option<(PartyId, AbortCode)> {
        Some(match self {
            Self::Channel { source: ChannelError::Aborted(_), .. } => return None,
            Self::Channel { source: ChannelError::Closed(peer), .. } => {
                (*peer, AbortCode::PeerLost)
            }
            Self::Channel { source: ChannelError::Stalled { peer, .. }, .. } => {
                (*peer, AbortCode::Stalled)
            }
            Self::Channel { source: ChannelError::Malformed { peer, .. }, .. }
            | Self::Desync { peer, .. }
            | Self::Length { peer, .. } => (*peer, AbortCode::Protocol),
            Self::Inconsistent { peer, .. } => (*peer, AbortCode::Inconsistent),
            Self::NotAPermutation { .. } => (me.id(), AbortCode::Inconsistent),
            Self::Gate(_) => (me.id(), AbortCode::Gate),
            Self::Channel { .. } | Self::Shape { .. } => (me.id(), AbortCode::Internal),
        })
    }
}

/// The running number of the next message to or from a party.
fn bump(counters: &mut Vec<u32>, party: PartyId) -> u32 {
    let at = usize::from(party.0);
    if counters.len() <= at {
        counters.resize(at + 1, 0);
    }
    let seq = counters[at];
    counters[at] += 1;
    seq
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session({}, step {}, depth {})", self.role, self.path, self.depth)
    }
}
