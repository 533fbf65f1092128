//! The channel over established TLS connections.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, OnceLock, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Instant,
};

use super::{
    super::{
        channel::{Abort, Channel, ChannelError},
        frame::{Frame, MAX_NOTE_BYTES},
        notes::Notes,
    },
    config::LinkConfig,
    connected::{LinkError, PeerLink},
    digest::{LinkDigests, Lost},
    outbox::Item,
    peer::Peer,
    reader::{Reader, Sink},
    relink::Relink,
    writer::{Source, Writer},
};
use crate::party::PartyId;

/// One party's end of its links in one run.
///
/// Two threads a peer, and two more for each time that its link was made anew. Dropping it sends what is queued, says goodbye, and ends its threads within [`LinkConfig::linger`].
pub struct TlsChannel {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// What the threads of a channel and its user have in common.
struct Shared {
    me: PartyId,
    config: LinkConfig,
    /// Why the run is over: from here or from a peer, whichever came first.
    abort: OnceLock<Abort>,
    /// The peers have been told.
    announced: AtomicBool,
    /// The link to each, over its last connections.
    peers: BTreeMap<PartyId, RwLock<Arc<Peer>>>,
    /// Who makes links anew.
    relink: Option<Arc<dyn Relink>>,
}

impl TlsChannel {
    /// A channel over one link to each peer.
    ///
    /// # Errors
    /// If a connection is not TLS 1.3 for [`super::ALPN`] or still in its handshake, if two lead to one peer, if a thread
    /// cannot start.
    pub fn new(me: PartyId, links: Vec<PeerLink>, config: LinkConfig) -> Result<Self, LinkError> {
        Self::made(me, links, config, None)
    }

    /// The same, where this one makes a link [anew](Channel::renew) that was lost.
    ///
    /// # Errors
    /// As [`TlsChannel::new`].
    pub fn relinked_by(
        relink: Arc<dyn Relink>,
        me: PartyId,
        links: Vec<PeerLink>,
        config: LinkConfig,
    ) -> Result<Self, LinkError> {
        Self::made(me, links, config, Some(relink))
    }

    fn made(
        me: PartyId,
        links: Vec<PeerLink>,
        config: LinkConfig,
        relink: Option<Arc<dyn Relink>>,
    ) -> Result<Self, LinkError> {
        let mut peers = BTreeMap::new();
        for link in &links {
            let peer = link.peer;
            let state = Arc::new(Peer::of(link, &config, Lost { times: link.times, bytes: 0 })?);
            if peer == me || peers.insert(peer, RwLock::new(state)).is_some() {
                return Err(LinkError::Unfit { peer, what: "that party needs no other one" });
            }
        }
        let (abort, announced) = (OnceLock::new(), AtomicBool::new(false));
        let shared = Arc::new(Shared { me, config, abort, announced, peers, relink });
        let channel = Self { shared, threads: Mutex::default() };
        for link in links {
            channel.start(link)?;
        }
        Ok(channel)
    }

    /// Starts the threads of a link whose place is taken.
    fn start(
        &self,
        PeerLink { peer: id, outgoing, incoming, .. }: PeerLink,
    ) -> Result<(), LinkError> {
        let writer = Writer::new(outgoing.stream, outgoing.conn);
        let reader = Reader::new(id, incoming.stream, incoming.conn);
        let me = self.shared.me;
        let named = |what: &str| thread::Builder::new().name(format!("{me} {what} {id}"));
        let system = |source| LinkError::System { peer: id, source };
        let unfit = |_| LinkError::Unfit { peer: id, what: "it has no place here" };
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        let (shared, peer) = (Arc::clone(&self.shared), self.shared.peer(id).map_err(unfit)?);
        threads.push(named("to").spawn(move || shared.write(&peer, writer)).map_err(system)?);
        let (shared, peer) = (Arc::clone(&self.shared), self.shared.peer(id).map_err(unfit)?);
        threads.push(named("from").spawn(move || shared.read(id, &peer, reader)).map_err(system)?);
        Ok(())
    }

    /// What passed over each link so far: waits until everything sent is on the wire.
    ///
    /// Both ends agree once every frame has been received; take it after the last one.
    ///
    /// # Errors
    /// If a link broke before everything was sent, or takes longer than the stall timeout.
    pub fn digests(&self) -> Result<Vec<(PartyId, LinkDigests)>, ChannelError> {
        let deadline = Instant::now() + self.shared.config.stall;
        let each = self.shared.peers.keys().map(|&id| {
            let peer = self.shared.peer(id)?;
            // Of a peer that left there is what passed before it did: it reads no more signs of life. A guest need not say goodbye.
            let guest = self.shared.is_guest(id) && peer.inbox.ended().is_some();
            let left = guest || peer.inbox.has_left();
            if !left && !peer.outbox.wait_sent(deadline) {
                return Err(ChannelError::Closed(id));
            }
            let (sent, received) = (peer.sent.digest(), peer.received.digest());
            Ok((id, LinkDigests { sent, received, lost: peer.lost }))
        });
        each.collect()
    }
}

impl Shared {
    fn write(&self, peer: &Peer, writer: Writer) {
        let (abort, config) = (&self.abort, &self.config);
        writer.run(&Source { outbox: &peer.outbox, sent: &peer.sent, abort, config });
    }

    fn read(&self, id: PartyId, peer: &Peer, reader: Reader) {
        let (abort, wake_all) = (&self.abort, &|| self.wake_all());
        let guest = self.is_guest(id);
        let (inbox, received) = (&peer.inbox, &peer.received);
        reader.run(&Sink { inbox, received, abort, guest, wake_all });
    }

    fn is_guest(&self, id: PartyId) -> bool {
        self.config.guests && id.role().is_none()
    }

    fn wake_all(&self) {
        for peer in self.all() {
            peer.inbox.wake();
        }
        if let Some(relink) = &self.relink {
            relink.stop();
        }
    }

    /// The last connections of each link.
    fn all(&self) -> impl Iterator<Item = Arc<Peer>> {
        self.peers.values().map(last)
    }

    fn peer(&self, id: PartyId) -> Result<Arc<Peer>, ChannelError> {
        self.peers.get(&id).map(last).ok_or(ChannelError::NoLink(id))
    }

    fn aborted(&self) -> Result<(), ChannelError> {
        self.abort.get().map_or(Ok(()), |abort| Err(ChannelError::Aborted(abort.clone())))
    }

    fn push(&self, to: PartyId, item: Item) -> Result<(), ChannelError> {
        let peer = self.peer(to)?;
        self.aborted()?;
        // A peer that sends nothing any more will not take anything either.
        if let Some(end) = peer.inbox.ended() {
            return Err(end);
        }
        if peer.outbox.push(item) { Ok(()) } else { Err(ChannelError::Closed(to)) }
    }
}

impl Channel for TlsChannel {
    fn me(&self) -> PartyId {
        self.shared.me
    }

    fn send(&self, to: PartyId, frame: Frame) -> Result<(), ChannelError> {
        frame.sendable()?;
        self.shared.push(to, Item::Data(frame))
    }

    fn recv(&self, from: PartyId) -> Result<Frame, ChannelError> {
        let Shared { abort, config, .. } = &*self.shared;
        self.shared.peer(from)?.inbox.take(abort, config.stall, |state| state.frame())
    }

    fn settle(&self, to: PartyId) -> Result<(), ChannelError> {
        let peer = self.shared.peer(to)?;
        if peer.outbox.wait_sent(Instant::now() + self.shared.config.stall) {
            return Ok(());
        }
        self.shared.aborted()?;
        Err(peer.inbox.ended().unwrap_or(ChannelError::Closed(to)))
    }

    fn throttle(&self, from: PartyId, bytes: Option<usize>) {
        if let Ok(peer) = self.shared.peer(from) {
            peer.inbox.throttle(bytes);
        }
    }

    fn working(&self) {
        for peer in self.shared.all() {
            // A link that is down shows where something is due on it.
            peer.outbox.push(Item::Working);
        }
    }

    fn abort(&self, abort: Abort) {
        // A reason that came from a peer is passed on: this party may reach others than that one.
        let first = self.shared.abort.get_or_init(|| abort);
        self.shared.wake_all();
        if !self.shared.announced.swap(true, Ordering::AcqRel) {
            for peer in self.shared.all() {
                peer.outbox.abort(first.clone());
            }
        }
    }

    fn lost(&self, peer: PartyId) -> bool {
        let Shared { abort, relink, .. } = &*self.shared;
        let lost = || self.shared.peer(peer).is_ok_and(|peer| peer.inbox.lost());
        relink.is_some() && abort.get().is_none() && lost()
    }

    fn times(&self, peer: PartyId) -> u32 {
        self.shared.peer(peer).map_or(0, |peer| peer.lost.times)
    }

    fn renew(&self, peer: PartyId) -> Result<(), ChannelError> {
        let shared = &*self.shared;
        let lost = shared.peer(peer)?;
        let closed = || ChannelError::Closed(peer);
        let relink = shared.relink.as_ref().ok_or_else(closed)?;
        let before = lost.abandon(&shared.abort, shared.config.linger)?;
        let link = relink.relink(peer, before.times);
        // A run that ended meanwhile says more than a link that did not come about.
        shared.aborted()?;
        let link = link.filter(|link| link.peer == peer).ok_or_else(closed)?;
        let made = Peer::of(&link, &shared.config, before).map_err(|_| closed())?;
        let place = shared.peers.get(&peer).ok_or(ChannelError::NoLink(peer))?;
        *place.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(made);
        self.start(link).map_err(|_| closed())?;
        // Whoever ended the run just now has told the connections of before.
        if let Some(abort) = shared.abort.get() {
            shared.peer(peer)?.outbox.abort(abort.clone());
        }
        shared.aborted()
    }
}

/// A link's last connections.
fn last(place: &RwLock<Arc<Peer>>) -> Arc<Peer> {
    Arc::clone(&place.read().unwrap_or_else(PoisonError::into_inner))
}

impl Notes for TlsChannel {
    fn send_note(&self, to: PartyId, note: Vec<u8>) -> Result<(), ChannelError> {
        if note.len() > MAX_NOTE_BYTES {
            return Err(ChannelError::NoteTooLong(note.len()));
        }
        self.shared.push(to, Item::Note(note))
    }

    fn recv_note(&self, from: PartyId) -> Result<Vec<u8>, ChannelError> {
        let Shared { abort, config, .. } = &*self.shared;
        self.shared.peer(from)?.inbox.take(abort, config.stall, |state| state.note())
    }
}

impl Drop for TlsChannel {
    fn drop(&mut self) {
        let deadline = Instant::now() + self.shared.config.linger;
        let peers = || self.shared.all();
        peers().for_each(|peer| peer.outbox.close());
        peers().for_each(|peer| peer.outbox.wait_done(deadline));
        peers().for_each(|peer| peer.end());
        let threads = self.threads.get_mut().unwrap_or_else(PoisonError::into_inner);
        for thread in threads.drain(..) {
            // A link thread that panicked has told its user by silence; panicking again here would end the process.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for TlsChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TlsChannel({} with {:?})", self.shared.me, self.shared.peers.keys())
    }
}
