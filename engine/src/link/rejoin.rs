//! All links of a party that was killed in a run and is back in it.
//!
//! The party has forgotten how often its links were made anew, and asks for the time that each peer waits for. The peer waits for it only
//! while it makes that very link anew: whoever comes back gets no further than whoever has lost a link.

use std::time::Duration;

use futures::future::{try_join, try_join_all};
use tokio::time::{sleep, timeout};

use super::{
    error::LinkError,
    hello::{Flow, Hello, RunKey},
    relink::{PAUSE, Relinker},
    rendezvous::DataLink,
    roster::late,
};
use crate::identity::PartyName;

impl Relinker {
    /// The links of a party that does not compute with all who do, each for the time that the peer says. Calls until they stand or the limit has passed: a
    /// peer that has not noticed yet that the link was lost will.
    ///
    /// # Errors
    /// [`LinkError`]: another version, another run or plan, or not in time.
    pub async fn rejoin(&self, limit: Duration) -> Result<Vec<DataLink>, LinkError> {
        let (name, roster) = (self.dialler.credentials().name(), &*self.roster);
        let me = roster.seat(name).ok_or(LinkError::Ended)?;
        let peers = roster.parties.iter().enumerate();
        // Who has links with others who do not compute does not come back.
        let dialled = peers.filter(|(at, _)| *at < roster.computing && roster.dials(me, *at));
        let links = dialled.map(|(_, (peer, address))| async move {
            let both = timeout(limit, self.both(name, peer, address)).await;
            both.unwrap_or_else(|_| Err(late(peer.as_str(), limit)))
        });
        let links = try_join_all(links).await?;
        Ok(links.into_iter().flatten().collect())
    }

    /// Both connections with a peer, for the same time: one alone is left, and the peer waits for the next one.
    async fn both(
        &self,
        name: &PartyName,
        peer: &PartyName,
        address: &str,
    ) -> Result<[DataLink; 2], LinkError> {
        let key = RunKey { time: RunKey::AGAIN, ..self.roster.key };
        let [from, to] =
            Flow::BOTH.map(|flow| Hello { key, ..self.roster.hello(name, peer, flow) });
        loop {
            let [from, to] = [&from, &to].map(|hello| self.dialler.data(address, hello));
            match try_join(from, to).await {
                Ok((from, to)) if from.time == to.time => return Ok([from, to]),
                Err(error) if is_final(&error) => return Err(error),
                _ => sleep(PAUSE).await,
            }
        }
    }
}

/// Whether another call would hear the same.
fn is_final(error: &LinkError) -> bool {
    matches!(error, LinkError::Version { .. } | LinkError::Mismatch { .. })
}
