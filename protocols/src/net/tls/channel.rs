//! The channel over established TLS connections.

use std::{
    collections::BTreeMap,
    fmt, io,
    net::{Shutdown, TcpStream},
    sync::{
        Arc, OnceLock,
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
    digest::{LinkDigests, Running},
    inbox::Inbox,
    outbox::{Item, Outbox},
    reader::{Reader, Sink},
    writer::{Source, Writer},
};
use crate::party::PartyId;

/// One party's end of its links in one run.
///
/// Two threads a peer. Dropping it sends what is queued, says goodbye, and ends its threads within [`LinkConfig::linger`].
pub struct TlsChannel {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

/// What the threads of a channel and its user have in common.
struct Shared {
    me: PartyId,
    config: LinkConfig,
    /// Why the run is over: from here or from a peer, whichever came first.
    abort: OnceLock<Abort>,
    /// The peers have been told.
    announced: AtomicBool,
    peers: BTreeMap<PartyId, Peer>,
}

struct Peer {
    outbox: Outbox,
    inbox: Inbox,
    sent: Running,
    received: Running,
    /// Second handles to the sockets, to shut them down with.
    sockets: [TcpStream; 2],
}

impl TlsChannel {
    /// A channel over one link to each peer.
    ///
    /// # Errors
    /// If a connection is not TLS 1.3 for [`super::ALPN`] or still in its handshake, if two lead to one peer, if a thread
    /// cannot start.
    pub fn new(me: PartyId, links: Vec<PeerLink>, config: LinkConfig) -> Result<Self, LinkError> {
        let mut peers = BTreeMap::new();
        for link in &links {
            let peer = link.peer;
            let sockets =
                [link.outgoing.prepare(peer, &config)?, link.incoming.prepare(peer, &config)?];
            let state = Peer {
                outbox: Outbox::default(),
                inbox: Inbox::new(peer, config.backlog),
                sent: Running::default(),
                received: Running::default(),
                sockets,
            };
            if peer == me || peers.insert(peer, state).is_some() {
                return Err(LinkError::Unfit { peer, what: "that party needs no other one" });
            }
        }
        let announced = AtomicBool::new(false);
        let shared = Arc::new(Shared { me, config, abort: OnceLock::new(), announced, peers });
        let mut channel = Self { shared, threads: Vec::new() };
        for link in links {
            let peer = link.peer;
            channel.start(link).map_err(|source| LinkError::System { peer, source })?;
        }
        Ok(channel)
    }

    fn start(&mut self, PeerLink { peer, outgoing, incoming }: PeerLink) -> io::Result<()> {
        let writer = Writer::new(outgoing.stream, outgoing.conn);
        let reader = Reader::new(peer, incoming.stream, incoming.conn);
        let me = self.shared.me;
        let named = |what: &str| thread::Builder::new().name(format!("{me} {what} {peer}"));
        let shared = Arc::clone(&self.shared);
        self.threads.push(named("to").spawn(move || shared.write(peer, writer))?);
        let shared = Arc::clone(&self.shared);
        self.threads.push(named("from").spawn(move || shared.read(peer, reader))?);
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
        let each = self.shared.peers.iter().map(|(&id, peer)| {
            if !peer.outbox.wait_sent(deadline) {
                return Err(ChannelError::Closed(id));
            }
            Ok((id, LinkDigests { sent: peer.sent.digest(), received: peer.received.digest() }))
        });
        each.collect()
    }
}

impl Shared {
    fn write(&self, id: PartyId, writer: Writer) {
        let Some(peer) = self.peers.get(&id) else { return };
        let (abort, config) = (&self.abort, &self.config);
        writer.run(&Source { outbox: &peer.outbox, sent: &peer.sent, abort, config });
    }

    fn read(&self, id: PartyId, reader: Reader) {
        let Some(peer) = self.peers.get(&id) else { return };
        let (abort, wake_all) = (&self.abort, &|| self.wake_all());
        let guest = self.config.guests && id.role().is_none();
        let (inbox, received) = (&peer.inbox, &peer.received);
        reader.run(&Sink { inbox, received, abort, guest, wake_all });
    }

    fn wake_all(&self) {
        for peer in self.peers.values() {
            peer.inbox.wake();
        }
    }

    fn peer(&self, id: PartyId) -> Result<&Peer, ChannelError> {
        self.peers.get(&id).ok_or(ChannelError::NoLink(id))
    }

    fn push(&self, to: PartyId, item: Item) -> Result<(), ChannelError> {
        let peer = self.peer(to)?;
        if let Some(abort) = self.abort.get() {
            return Err(ChannelError::Aborted(abort.clone()));
        }
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

    fn working(&self) {
        for peer in self.shared.peers.values() {
            // A link that is down shows where something is due on it.
            peer.outbox.push(Item::Working);
        }
    }

    fn abort(&self, abort: Abort) {
        // A reason that came from a peer is passed on: this party may reach others than that one.
        let first = self.shared.abort.get_or_init(|| abort);
        self.shared.wake_all();
        if !self.shared.announced.swap(true, Ordering::AcqRel) {
            for peer in self.shared.peers.values() {
                peer.outbox.abort(first.clone());
            }
        }
    }
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
        let peers = || self.shared.peers.values();
        peers().for_each(|peer| peer.outbox.close());
        peers().for_each(|peer| peer.outbox.wait_done(deadline));
        for peer in peers() {
            peer.inbox.leave();
            for socket in &peer.sockets {
                // Ends a read or write that still waits; one that the peer has closed already says so, and that is fine.
                let _ = socket.shutdown(Shutdown::Both);
            }
        }
        for thread in self.threads.drain(..) {
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
