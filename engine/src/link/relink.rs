//! One link of a run, made anew after it was lost.

use std::{fmt, sync::Arc, time::Duration};

use futures::stream::FuturesUnordered;
use tokio::{runtime::Handle, sync::watch, time::sleep};

use super::{
    dial::Dialler,
    error::LinkError,
    hello::{Flow, Hello, RunKey},
    rendezvous::{DataLink, Rendezvous},
    roster::{Roster, collect, late},
};
use crate::identity::PartyName;

/// Between two calls of a peer that does not answer: what cut the link may take a while to pass.
pub(super) const PAUSE: Duration = Duration::from_millis(250);

/// What makes links of one run anew. The run stays the same, and so do its parties, its plan and who dials; connections are told
/// apart from earlier ones by their key.
#[derive(Clone)]
pub struct Relinker {
    pub(super) dialler: Dialler,
    pub(super) rendezvous: Arc<Rendezvous>,
    pub(super) roster: Arc<Roster>,
    runtime: Handle,
    /// Whether the run is over.
    over: Arc<watch::Sender<bool>>,
}

impl Relinker {
    /// For a run whose links were made from this roster.
    ///
    /// # Panics
    /// Outside of a runtime for asynchronous work.
    #[must_use]
    pub fn new(dialler: Dialler, rendezvous: Arc<Rendezvous>, roster: Roster) -> Self {
        let (roster, over) = (Arc::new(roster), Arc::new(watch::Sender::new(false)));
        Self { dialler, rendezvous, roster, runtime: Handle::current(), over }
    }

    /// Both connections with a peer, for the `time`-th time after the first. Blocks until they stand, the limit has passed or the
    /// run is over; the peer has to ask for the same at its end. A call that is not answered is repeated within the limit.
    ///
    /// # Errors
    /// [`LinkError`].
    ///
    /// # Panics
    /// On a thread that drives asynchronous work.
    pub fn connect(
        &self,
        peer: &PartyName,
        time: u32,
        limit: Duration,
    ) -> Result<Vec<DataLink>, LinkError> {
        let mut over = self.over.subscribe();
        self.runtime.block_on(async {
            tokio::select! {
                links = tokio::time::timeout(limit, self.links(peer, time)) => {
                    links.unwrap_or_else(|_| Err(late(peer.as_str(), limit)))
                }
                _ = over.wait_for(|over| *over) => Err(LinkError::Ended),
            }
        })
    }

    /// The run is over: nobody waits for a link any more.
    pub fn stop(&self) {
        self.over.send_replace(true);
    }

    async fn links(&self, peer: &PartyName, time: u32) -> Result<Vec<DataLink>, LinkError> {
        let (name, roster) = (self.dialler.credentials().name(), &*self.roster);
        let key = RunKey { time, ..roster.key };
        let seats = roster.seat(name).zip(roster.seat(peer));
        let (me, other) = seats.ok_or(LinkError::Ended)?;
        let (dialled, mut missing) = (FuturesUnordered::new(), Vec::new());
        for flow in Flow::BOTH {
            if roster.dials(me, other) {
                let hello = Hello { key, ..roster.hello(name, peer, flow) };
                dialled.push(self.insist(&roster.parties[other].1, hello));
            } else if roster.dials(other, me) {
                missing.push((peer.clone(), flow));
            }
        }
        if dialled.is_empty() && missing.is_empty() {
            return Err(LinkError::Ended);
        }
        let waiting = self.rendezvous.expect(key, roster.run, roster.plan, missing);
        let mut links = Vec::new();
        collect(Flow::BOTH.len(), dialled, waiting, &mut links).await?;
        Ok(links)
    }

    /// Calls until somebody answers.
    async fn insist(&self, address: &str, hello: Hello) -> Result<DataLink, LinkError> {
        loop {
            match self.dialler.data(address, &hello).await {
                // One that is late may be cut off still.
                Err(
                    LinkError::Unreachable { .. }
                    | LinkError::Untrusted { .. }
                    | LinkError::Timeout { .. },
                ) => sleep(PAUSE).await,
                answered => return answered,
            }
        }
    }
}

impl fmt::Debug for Relinker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Relinker").field("run", &self.roster.run).finish_non_exhaustive()
    }
}
