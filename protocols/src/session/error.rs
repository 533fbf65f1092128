//! Why a run cannot go on, and who is to blame as far as a party can tell.

use super::gate::GateError;
use crate::{
    net::{AbortCode, ChannelError, Tag},
    party::PartyId,
};

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
    /// A peer lost a link with another one, and begins again what was under way.
    #[error(
        "step {step}: {peer} lost its link with another party, and what was under way is not repeated here; run the job again"
    )]
    BrokenOff {
        /// Where this party was.
        step: u64,
        /// Who says so.
        peer: PartyId,
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
    /// What a peer sent is not what the protocol allows there, whatever its length.
    #[error(
        "step {step}: {peer} sent {what}; does it run the same build, and does it follow the protocol?"
    )]
    Invalid {
        /// Where.
        step: u64,
        /// Which peer.
        peer: PartyId,
        /// What came.
        what: &'static str,
    },
    /// A random choice that fails with negligible probability failed: nothing was revealed, another attempt draws anew.
    #[error("step {step}: {what}; run the job again, it will draw fresh randomness")]
    Unlucky {
        /// Where.
        step: u64,
        /// What failed.
        what: &'static str,
    },
    /// The caller gave what the protocol does not take: a fault of the program, not of a peer.
    #[error("step {step}: {what}; the program must not call the protocol with it")]
    Misuse {
        /// Where.
        step: u64,
        /// What was given.
        what: &'static str,
    },
    /// What was opened as a permutation is none.
    #[error("step {step}: the opened positions are no permutation; some party deviated")]
    NotAPermutation {
        /// Where.
        step: u64,
    },
    /// A value that is not within the range declared for it: what was opened says so to all three parties, and no more.
    #[error(
        "step {step}: some value lies outside the range declared for it; let the providers check their data against the ranges"
    )]
    OutOfRange {
        /// Where.
        step: u64,
    },
    /// An opening the plan does not list.
    #[error(transparent)]
    Gate(#[from] GateError),
}

impl SessionError {
    /// Whether the link with this peer was lost: its connections ended, and nobody said why. Silence that lasts, a frame that is
    /// none and a run that was ended are no lost links.
    #[must_use]
    pub fn is_lost(&self, peer: PartyId) -> bool {
        matches!(self, Self::Channel { source: ChannelError::Closed(lost), .. } if *lost == peer)
    }

    /// Who is at fault as far as this party can tell, and the code for the peers; `None` if they know, because one of them said it
    /// first or because the same opened value says it to all.
    #[must_use]
    pub fn blame(&self, me: PartyId) -> Option<(PartyId, AbortCode)> {
        Some(match self {
            Self::Channel { source: ChannelError::Aborted(_), .. } | Self::OutOfRange { .. } => {
                return None;
            }
            Self::Channel { source: ChannelError::Closed(peer), .. }
            | Self::BrokenOff { peer, .. } => (*peer, AbortCode::PeerLost),
            Self::Channel { source: ChannelError::Stalled { peer, .. }, .. } => {
                (*peer, AbortCode::Stalled)
            }
            Self::Channel { source: ChannelError::Malformed { peer, .. }, .. }
            | Self::Desync { peer, .. }
            | Self::Length { peer, .. }
            | Self::Invalid { peer, .. } => (*peer, AbortCode::Protocol),
            Self::Inconsistent { peer, .. } => (*peer, AbortCode::Inconsistent),
            Self::NotAPermutation { .. } => (me, AbortCode::Inconsistent),
            Self::Gate(_) => (me, AbortCode::Gate),
            Self::Channel { .. }
            | Self::Shape { .. }
            | Self::Misuse { .. }
            | Self::Unlucky { .. } => (me, AbortCode::Internal),
        })
    }
}
