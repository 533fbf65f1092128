//! The channel: ordered, reliable, authenticated frames between this party and each peer.

use std::{sync::Arc, time::Duration};

use super::frame::{Frame, MAX_NOTE_BYTES, Unsendable};
use crate::party::PartyId;

/// One party's end of all its links in one run.
pub trait Channel: Send + Sync {
    /// This party.
    fn me(&self) -> PartyId;

    /// Queues a frame; never waits for the peer's matching `recv`, so send-send-recv-recv cannot deadlock.
    ///
    /// # Errors
    /// If the link is down.
    fn send(&self, to: PartyId, frame: Frame) -> Result<(), ChannelError>;

    /// Blocks until the next frame from `from`, the stall timeout, or the end of the link.
    ///
    /// # Errors
    /// If the link is down or nothing came in time.
    fn recv(&self, from: PartyId) -> Result<Frame, ChannelError>;

    /// Waits until what was queued for a peer is on its way: for whoever has more to send than should wait in memory. Links that
    /// keep what is sent in memory anyhow need not wait.
    ///
    /// # Errors
    /// If the link is down, or takes nothing within the stall timeout.
    fn settle(&self, _to: PartyId) -> Result<(), ChannelError> {
        Ok(())
    }

    /// Takes no more than about so many bytes from a peer before somebody receives them; none: as many as this channel takes
    /// usually. For whoever receives more than should wait in memory. Links that keep what is sent in memory anyhow take all.
    fn throttle(&self, _from: PartyId, _bytes: Option<usize>) {}

    /// Tells every peer that this party gets on with work of its own that keeps it from sending: who waits for it has patience
    /// anew. Best effort; outside every count and hash. Links without a stall timeout of their own need not say it.
    fn working(&self) {}

    /// Tells every peer that this party ends the run, and why. Best effort; later calls fail with [`ChannelError::Aborted`].
    fn abort(&self, abort: Abort);

    /// Whether the link with a peer was [lost](ChannelError::Closed), as far as this party knows, so that it may be made
    /// [anew](Channel::renew): for whoever is not waiting for a frame of that peer. Never of a channel that makes no link anew.
    fn lost(&self, _peer: PartyId) -> bool {
        false
    }

    /// How often the link with a peer was made anew before this channel was made of it, and since: 0 of one that the run began with.
    fn times(&self, _peer: PartyId) -> u32 {
        0
    }

    /// Makes the link with a peer anew after it was [lost](ChannelError::Closed); the peer has to do the same. What was under way
    /// is gone. A channel that cannot says that the link is closed.
    ///
    /// # Errors
    /// If the link was not lost but left or ended with an error, if it does not come about again, or if the run is over.
    fn renew(&self, peer: PartyId) -> Result<(), ChannelError> {
        Err(ChannelError::Closed(peer))
    }
}

impl<C: Channel + ?Sized> Channel for Arc<C> {
    fn me(&self) -> PartyId {
        (**self).me()
    }

    fn send(&self, to: PartyId, frame: Frame) -> Result<(), ChannelError> {
        (**self).send(to, frame)
    }

    fn recv(&self, from: PartyId) -> Result<Frame, ChannelError> {
        (**self).recv(from)
    }

    fn settle(&self, to: PartyId) -> Result<(), ChannelError> {
        (**self).settle(to)
    }

    fn throttle(&self, from: PartyId, bytes: Option<usize>) {
        (**self).throttle(from, bytes);
    }

    fn working(&self) {
        (**self).working();
    }

    fn abort(&self, abort: Abort) {
        (**self).abort(abort);
    }

    fn lost(&self, peer: PartyId) -> bool {
        (**self).lost(peer)
    }

    fn times(&self, peer: PartyId) -> u32 {
        (**self).times(peer)
    }

    fn renew(&self, peer: PartyId) -> Result<(), ChannelError> {
        (**self).renew(peer)
    }
}

/// Why a party ended a run. Travels to the peers, who adopt it; carries no value of any table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Abort {
    /// The party at fault, or the one that noticed where nobody can be named.
    pub party: PartyId,
    /// The step of the plan it happened in.
    pub path: u64,
    /// What happened.
    pub code: AbortCode,
}

/// The reasons a run ends early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[repr(u8)]
pub enum AbortCode {
    /// A peer's link closed.
    PeerLost = 1,
    /// A peer made no progress within the stall timeout.
    Stalled = 2,
    /// A frame was not the one due: wrong tag, length or content.
    Protocol = 3,
    /// Copies that must agree did not.
    Inconsistent = 4,
    /// Something was about to be opened that the plan does not list.
    Gate = 5,
    /// A provider could not produce its input.
    Input = 6,
    /// The job was cancelled.
    Cancelled = 7,
    /// The job's deadline passed.
    Deadline = 8,
    /// A fault of this program.
    Internal = 9,
    /// Fewer elements are common than a policy allows anything to be shown of.
    TooFew = 10,
    /// Fewer providers sent an update in time than an average may be opened of.
    TooFewProviders = 11,
    /// What was opened has no single solution.
    NoSolution = 12,
    /// A party's disk is full.
    DiskFull = 13,
}

impl AbortCode {
    /// The code of a byte from the wire.
    #[must_use]
    pub fn from_byte(byte: u8) -> Option<Self> {
        [
            Self::PeerLost,
            Self::Stalled,
            Self::Protocol,
            Self::Inconsistent,
            Self::Gate,
            Self::Input,
            Self::Cancelled,
            Self::Deadline,
            Self::Internal,
            Self::TooFew,
            Self::TooFewProviders,
            Self::NoSolution,
            Self::DiskFull,
        ]
        .into_iter()
        .find(|code| *code as u8 == byte)
    }
}

/// A link that did not deliver.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChannelError {
    /// The link closed.
    #[error("the link to {0} closed; see that party's log and run the job again")]
    Closed(PartyId),
    /// Nothing came within the stall timeout.
    #[error(
        "{peer} sent nothing for {ms} ms; check that its daemon and the network between are up"
    )]
    Stalled {
        /// Who was silent.
        peer: PartyId,
        /// For how long.
        ms: u64,
    },
    /// A peer ended the run.
    #[error("the run was ended by a peer: party {}, step {}, {:?}", .0.party, .0.path, .0.code)]
    Aborted(Abort),
    /// There is no link to that party in this run.
    #[error("no link to {0} in this run")]
    NoLink(PartyId),
    /// A frame could not be read.
    #[error("{peer} sent a malformed frame: {what}")]
    Malformed {
        /// Who sent it.
        peer: PartyId,
        /// What was wrong.
        what: String,
    },
    /// A frame that this party may not send.
    #[error(transparent)]
    Unsendable(#[from] Unsendable),
    /// A note that this party may not send.
    #[error("a note of {0} bytes is over the limit of {MAX_NOTE_BYTES} bytes")]
    NoteTooLong(usize),
}

impl ChannelError {
    /// `peer` sent nothing for as long as this party waits.
    #[must_use]
    pub fn stalled(peer: PartyId, waited: Duration) -> Self {
        Self::Stalled { peer, ms: u64::try_from(waited.as_millis()).unwrap_or(u64::MAX) }
    }
}
