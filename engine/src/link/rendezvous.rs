//! Where incoming data-plane connections meet the runs that wait for them.

use std::{
    collections::BTreeMap,
    net::TcpStream,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{Notify, mpsc};
use tokio_rustls::server::TlsStream;

use super::{
    credentials::Timeouts,
    error::LinkError,
    hello::{self, Answer, Flow, Hello, PROTOCOL_VERSION, RunKey},
};
use crate::identity::{Hash32, PartyName};

/// One established connection of a run, blocking from here on: what `protocols::net` builds a channel of.
#[derive(Debug)]
pub struct DataLink {
    /// Who is at the other end.
    pub peer: PartyName,
    /// Whether this party's frames go out on it (else the peer's come in).
    pub outgoing: bool,
    /// How often the link was made anew by now.
    pub time: u32,
    /// The socket, in blocking mode.
    pub tcp: TcpStream,
    /// The TLS state, which may already hold received bytes.
    pub tls: rustls::Connection,
}

/// Where a run hears of its connections.
type Deliver = mpsc::Sender<Result<DataLink, LinkError>>;

/// What waits for connections: the links that a run starts with, or one of them that is made anew, with this peer. Several may be, at
/// the same time and for the same time.
type Place = (RunKey, Option<PartyName>);

/// The runs that wait for connections, by job and attempt.
#[derive(Debug, Default)]
pub struct Rendezvous {
    runs: Mutex<BTreeMap<Place, Expected>>,
    changed: Notify,
}

/// What one run waits for.
#[derive(Debug)]
struct Expected {
    run: Hash32,
    plan: Hash32,
    /// All that are waited for, whether they stand by now or not.
    due: Vec<(PartyName, Flow)>,
    missing: Vec<(PartyName, Flow)>,
    deliver: Deliver,
}

/// A run's place at the rendezvous; leaving it drops what still comes.
#[derive(Debug)]
pub(super) struct Waiting {
    at: Arc<Rendezvous>,
    place: Place,
    pub(super) links: mpsc::Receiver<Result<DataLink, LinkError>>,
}

impl Rendezvous {
    /// Announces a run and the connections it waits for.
    pub(super) fn expect(
        self: &Arc<Self>,
        key: RunKey,
        run: Hash32,
        plan: Hash32,
        missing: Vec<(PartyName, Flow)>,
    ) -> Waiting {
        // One place more than links, for an error.
        let (deliver, links) = mpsc::channel(missing.len() + 1);
        let place = place(key, missing.first().map(|(peer, _)| peer));
        let expected = Expected { run, plan, due: missing.clone(), missing, deliver };
        self.runs.lock().unwrap_or_else(PoisonError::into_inner).insert(place.clone(), expected);
        self.changed.notify_waiters();
        Waiting { at: self.clone(), place, links }
    }

    /// Whether a run is waited for, and all links stand that come from others.
    #[cfg(test)]
    pub(super) fn is_complete(&self) -> bool {
        let runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        runs.values().next().is_some_and(|of| of.missing.is_empty())
    }

    /// Takes one accepted connection: reads its hello, waits for its run, answers, hands it over.
    pub(super) async fn admit(
        &self,
        mut stream: TlsStream<tokio::net::TcpStream>,
        peer: PartyName,
        me: &PartyName,
        timeouts: Timeouts,
    ) {
        let hello = tokio::time::timeout(timeouts.handshake, hello::read(&mut stream)).await;
        let Ok(Ok(Some(hello))) = hello else {
            tracing::warn!(%peer, "a data-plane connection brought no hello");
            return;
        };
        let hello: Hello = hello;
        let waited = tokio::time::timeout(timeouts.rendezvous, self.judge(&hello, &peer, me)).await;
        let (answer, deliver) =
            waited.unwrap_or_else(|_| (Answer::Refused("no such run here".into()), None));
        if let Err(error) = hello::write(&mut stream, &answer).await {
            tracing::warn!(%peer, %error, "a data-plane connection closed during the hello");
            return;
        }
        if let Some(deliver) = deliver {
            let link = match answer.as_error(&hello) {
                Some(error) => Err(error),
                None => blocking(stream, hello, answer.time()),
            };
            // The run may have ended meanwhile; then nobody wants the link.
            let _ = deliver.send(link).await;
        }
    }

    /// Decides on a hello, waiting for its run to be announced.
    async fn judge(
        &self,
        hello: &Hello,
        peer: &PartyName,
        me: &PartyName,
    ) -> (Answer, Option<Deliver>) {
        if hello.from != *peer || hello.to != *me {
            return (Answer::Refused("the hello names other parties".into()), None);
        }
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Listen before looking, so that an announcement in between is not missed.
            changed.as_mut().enable();
            if let Some(decided) = self.look(hello) {
                return decided;
            }
            if hello.version != PROTOCOL_VERSION {
                return (Answer::Version(PROTOCOL_VERSION), None);
            }
            changed.await;
        }
    }

    fn look(&self, hello: &Hello) -> Option<(Answer, Option<Deliver>)> {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        let place = match hello.key.time {
            // One link is made anew once at a time, and none before all stand.
            RunKey::AGAIN => {
                let mut places = runs.iter().filter(|(place, of)| of.waits_for(place, hello));
                places.next()?.0.clone()
            }
            _ => place(hello.key, Some(&hello.from)),
        };
        let expected = runs.get_mut(&place)?;
        let deliver = Some(expected.deliver.clone());
        if hello.version != PROTOCOL_VERSION {
            return Some((Answer::Version(PROTOCOL_VERSION), deliver));
        }
        if hello.plan != expected.plan {
            return Some((Answer::Mismatch("plan".into()), deliver));
        }
        if hello.run != expected.run {
            return Some((Answer::Mismatch("run".into()), deliver));
        }
        let wanted = (hello.from.clone(), hello.flow);
        match expected.missing.iter().position(|link| *link == wanted) {
            Some(due) => drop(expected.missing.swap_remove(due)),
            // Who was killed before all links stood makes its own once more: that is then the one.
            None if hello.key.time == RunKey::AGAIN && place.0.time == 0 => {}
            None => {
                let words = "that link stands already or is not due";
                return Some((Answer::Refused(words.into()), None));
            }
        }
        let answer = match hello.key.time {
            RunKey::AGAIN => Answer::Again(place.0.time),
            _ => Answer::Welcome,
        };
        Some((answer, deliver))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.at.runs.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.place);
    }
}

/// Where the connections with a peer are waited for.
fn place(key: RunKey, peer: Option<&PartyName>) -> Place {
    (key, peer.filter(|_| key.time > 0).cloned())
}

impl Expected {
    /// Whether a link with whoever says this hello, which was killed in the run, is made anew there, or the run begins with one of it.
    fn waits_for(&self, (key, peer): &Place, hello: &Hello) -> bool {
        let link = (&hello.from, hello.flow);
        let is_due = || self.due.iter().any(|(from, flow)| (from, *flow) == link);
        let made = peer.as_ref() == Some(&hello.from);
        key.same_run(&hello.key) && if key.time > 0 { made } else { is_due() }
    }
}

/// Takes an accepted connection out of the asynchronous world.
fn blocking(
    stream: TlsStream<tokio::net::TcpStream>,
    hello: Hello,
    time: Option<u32>,
) -> Result<DataLink, LinkError> {
    let (tcp, tls) = stream.into_inner();
    let (outgoing, time) = (hello.flow == Flow::ToDialler, time.unwrap_or(hello.key.time));
    Ok(DataLink { time, ..into_link(tcp, tls.into(), hello.from, outgoing)? })
}

/// A connection as a blocking [`DataLink`].
pub(super) fn into_link(
    tcp: tokio::net::TcpStream,
    tls: rustls::Connection,
    peer: PartyName,
    outgoing: bool,
) -> Result<DataLink, LinkError> {
    let tcp = tcp.into_std().and_then(|tcp| {
        tcp.set_nonblocking(false)?;
        tcp.set_nodelay(true)?;
        Ok(tcp)
    });
    match tcp {
        Ok(tcp) => Ok(DataLink { peer, outgoing, time: 0, tcp, tls }),
        Err(error) => Err(LinkError::Unreachable {
            address: "the open connection".into(),
            peer,
            why: error.to_string(),
        }),
    }
}
