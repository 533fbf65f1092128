//! Making a link anew after it was lost.

use super::connected::PeerLink;
use crate::party::PartyId;

/// Whoever made the links of a run, asked to make one again.
pub trait Relink: Send + Sync {
    /// Both connections with a peer, for the `time`-th time after the first; nothing if they do not come about, or the run is
    /// over. Waits for the peer, which has to ask for the same at its end.
    fn relink(&self, peer: PartyId, time: u32) -> Option<PeerLink>;

    /// The run is over: who waits in [`Relink::relink`] waits no longer.
    fn stop(&self);
}
