//! All connections of one run: who dials whom, and waiting for the rest.

use std::{sync::Arc, time::Duration};

use futures::{StreamExt, stream::FuturesUnordered};

use super::{
    dial::Dialler,
    error::LinkError,
    hello::{Flow, Hello, PROTOCOL_VERSION, RunKey},
    rendezvous::{DataLink, Rendezvous, Waiting},
};
use crate::identity::{Hash32, PartyName};

/// Who takes part in a run. The first are the compute parties in order; the rest share inputs only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roster {
    /// The job and attempt.
    pub key: RunKey,
    /// The run's id.
    pub run: Hash32,
    /// The plan everybody consented to.
    pub plan: Hash32,
    /// How many compute: three, or one.
    pub computing: usize,
    /// Names and addresses (host:port).
    pub parties: Vec<(PartyName, String)>,
    /// Those who do not compute and have a link with each other all the same.
    pub pairs: Vec<(PartyName, PartyName)>,
}

impl Roster {
    /// Where a party stands.
    pub(super) fn seat(&self, name: &PartyName) -> Option<usize> {
        self.parties.iter().position(|(party, _)| party == name)
    }

    /// Whether `from` dials `to`: the lower of two compute parties the higher, an outside provider each compute party, the lower of
    /// two outside providers that have a link the higher.
    pub(super) fn dials(&self, from: usize, to: usize) -> bool {
        if to < self.computing {
            return from < to || from >= self.computing;
        }
        let named = |at: usize| self.parties.get(at).map(|(party, _)| party);
        let is = |(a, b): &(PartyName, PartyName)| {
            [(named(from), named(to)), (named(to), named(from))].contains(&(Some(a), Some(b)))
        };
        self.computing <= from && from < to && self.pairs.iter().any(is)
    }

    /// The hello of a connection of this party.
    pub(super) fn hello(&self, from: &PartyName, to: &PartyName, flow: Flow) -> Hello {
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
    let me = roster.seat(name).ok_or(LinkError::Ended)?;
    let mut missing = Vec::new();
    let dialled = FuturesUnordered::new();
    for (peer, (party, address)) in roster.parties.iter().enumerate() {
        for flow in Flow::BOTH {
            if roster.dials(me, peer) {
                let hello = roster.hello(name, party, flow);
                dialled.push(async move { dialler.data(address, &hello).await });
            } else if roster.dials(peer, me) {
                missing.push((party.clone(), flow));
            }
        }
    }
    let due = missing.len() + dialled.len();
    let waiting = rendezvous.expect(roster.key, roster.run, roster.plan, missing);
    let (limit, mut links) = (dialler.timeouts().rendezvous, Vec::with_capacity(due));
    let collected = tokio::time::timeout(limit, collect(due, dialled, waiting, &mut links)).await;
    let missing = || {
        let stands = |peer: &PartyName| links.iter().filter(|link| link.peer == *peer).count();
        let others = roster.parties.iter().enumerate();
        let mut linked =
            others.filter(|(peer, _)| roster.dials(me, *peer) || roster.dials(*peer, me));
        let first = linked.find(|(_, (party, _))| stands(party) < Flow::BOTH.len());
        late(first.map_or("a peer", |(_, (party, _))| party.as_str()), limit)
    };
    collected.unwrap_or_else(|_| Err(missing()))?;
    Ok(links)
}

/// So many connections, dialled or waited for. One that comes once more takes the place of the one before.
pub(super) async fn collect(
    due: usize,
    mut dialled: FuturesUnordered<impl Future<Output = Result<DataLink, LinkError>>>,
    mut waiting: Waiting,
    links: &mut Vec<DataLink>,
) -> Result<(), LinkError> {
    while links.len() < due {
        let link = tokio::select! {
            Some(link) = dialled.next() => link,
            Some(link) = waiting.links.recv() => link,
            else => Err(LinkError::Ended),
        };
        let link = link?;
        links.retain(|one: &DataLink| (&one.peer, one.outgoing) != (&link.peer, link.outgoing));
        links.push(link);
    }
    Ok(())
}

/// Links that did not come about in time.
pub(super) fn late(peer: &str, limit: Duration) -> LinkError {
    let ms = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
    LinkError::Timeout { peer: peer.to_owned(), stage: "the links of the run", ms }
}
