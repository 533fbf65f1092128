//! Making a link of the run anew, as the channel of the protocols asks for it.

use std::time::Duration;

use protocols::{
    net::tls::{PeerLink, Relink},
    party::PartyId,
};

use super::links::Seats;
use crate::{link::Relinker, plan::Plan};

/// How long a lost link may take to come about again: as long as the other end may take to notice, if what cut the link did not tell it,
/// and then as long once more; where only the two of it go on meanwhile, as long as a round of the training.
pub(super) fn patience(plan: &Plan, dead: Duration) -> Duration {
    let rounds = plan.training().filter(|_| plan.goes_on_without());
    rounds.map_or(2 * dead, |(_, of)| dead.max(Duration::from_secs(of.round_seconds.into())))
}

/// What makes links anew between those who sit in a run.
pub(super) struct Again {
    seats: Seats,
    relinker: Relinker,
    /// How long a link may take to come about.
    limit: Duration,
}

impl Again {
    pub(super) fn new(seats: Seats, relinker: Relinker, limit: Duration) -> Self {
        Self { seats, relinker, limit }
    }
}

impl Relink for Again {
    fn relink(&self, peer: PartyId, time: u32) -> Option<PeerLink> {
        let name = self.seats.name(peer)?;
        tracing::warn!(peer = %name, time, "the link was lost; it is made anew");
        let links = self.relinker.connect(name, time, self.limit);
        let links = links.map_err(|error| {
            tracing::warn!(peer = %name, time, %error, "the link does not come about again");
        });
        let links = self.seats.links(links.ok()?).ok()?;
        tracing::info!(peer = %name, time, "the link stands again");
        links.into_iter().next()
    }

    fn stop(&self) {
        self.relinker.stop();
    }
}
