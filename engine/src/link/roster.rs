//! All connections of one run: who dials whom, and waiting for the rest.

use std::sync::Arc;

use futures::{StreamExt, stream::FuturesUnordered};

use super::{
    dial::Dialler,
    error::LinkError,
    hello::{Flow, Hello, PROTOCOL_VERSION, RunKey},
    rendezvous::{DataLink, Rendezvous},
};
use crate::identity::{Hash32, PartyName};

/// Who takes part in a run. The first three are the compute parties in order; the rest share inputs only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roster {
    /// The job and attempt.
    pub key: RunKey,
    /// The run's id.
    pub run: Hash32,
    /// The plan everybody consented to.
    pub plan: Hash32,
    /// Names and addresses (host:port).
    pub parties: Vec<(PartyName, String)>,
    /// Those who do not compute and have a link with each other all the same.
    pub pairs: Vec<(PartyName, PartyName)>,
}

/// Compute parties; outside providers come behind them and have links with these, and where the roster says so with each other.
const COMPUTE: usize = 3;

impl Roster {
    /// Whether `from` dials `to`: the lower of two compute parties the higher, an outside provider each compute party, the lower of
    /// two outside providers that have a link the higher.
    fn dials(&self, from: usize, to: usize) -> bool {
        if to < COMPUTE {
            return from < to || from >= COMPUTE;
        }
        let named = |at: usize| self.parties.get(at).map(|(party, _)| party);
        let is = |(a, b): &(PartyName, PartyName)| {
            [(named(from), named(to)), (named(to), named(from))].contains(&(Some(a), Some(b)))
        };
        COMPUTE <= from && from < to && self.pairs.iter().any(is)
    }

    fn hello(&self, from: &PartyName, to: &PartyName, flow: Flow) -> Hello {
        Hello {
            version: PROTOCOL_VERSION,
            build: env!("CARGO_PKG_VERSION").into(),
            key: self.key,
            run: self.run,
            plan: self.plan,
            from: from.clone(),
            to: to.clone(),
            flow,
        }
    }
}

/// Makes and awaits all links of this party in a run: two for each peer, one a direction.
///
/// # Errors
/// The first [`LinkError`] on any of them; the others are closed.
pub async fn connect_run(
    dialler: &Dialler,
    rendezvous: &Arc<Rendezvous>,
    roster: &Roster,
) -> Result<Vec<DataLink>, LinkError> {
    let name = dialler.credentials().name();
    let me = roster.parties.iter().position(|(party, _)| party == name).ok_or(LinkError::Ended)?;
    let flows = [Flow::FromDialler, Flow::ToDialler];
    let mut missing = Vec::new();
    let mut dialled = FuturesUnordered::new();
    for (peer, (party, address)) in roster.parties.iter().enumerate() {
        for flow in flows {
            if roster.dials(me, peer) {
                let hello = roster.hello(name, party, flow);
                dialled.push(async move { dialler.data(address, &hello).await });
            } else if roster.dials(peer, me) {
                missing.push((party.clone(), flow));
            }
        }
    }
    let due = missing.len() + dialled.len();
    let mut waiting = rendezvous.expect(roster.key, roster.run, roster.plan, missing);
    let limit = dialler.timeouts().rendezvous;
    let collect = async {
        let mut links = Vec::with_capacity(due);
        while links.len() < due {
            let link = tokio::select! {
                Some(link) = dialled.next() => link,
                Some(link) = waiting.links.recv() => link,
                else => Err(LinkError::Ended),
            };
            links.push(link?);
        }
        Ok(links)
    };
    tokio::time::timeout(limit, collect).await.unwrap_or_else(|_| {
        Err(LinkError::Timeout {
            peer: "a peer".into(),
            stage: "the links of the run",
            ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
        })
    })
}
