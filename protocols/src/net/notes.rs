//! Notes: bytes between the ends of a link that are not part of the run, such as the key agreement before it.

use super::channel::{Channel, ChannelError};
#[cfg(doc)]
use super::frame::MAX_NOTE_BYTES;
use crate::party::PartyId;

/// A channel that also carries notes: in order, beside the frames, outside every count and hash.
pub trait Notes: Channel {
    /// Queues a note; never waits for the peer.
    ///
    /// # Errors
    /// If the link is down or the note longer than [`MAX_NOTE_BYTES`].
    fn send_note(&self, to: PartyId, note: Vec<u8>) -> Result<(), ChannelError>;

    /// Blocks until the next note from `from`, the stall timeout, or the end of the link.
    ///
    /// # Errors
    /// If the link is down or nothing came in time.
    fn recv_note(&self, from: PartyId) -> Result<Vec<u8>, ChannelError>;
}
