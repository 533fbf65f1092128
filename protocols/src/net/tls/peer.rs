//! The link to one peer over two connections, as the threads of a channel and its user share it.

use std::{
    net::{Shutdown, TcpStream},
    sync::OnceLock,
    time::{Duration, Instant},
};

use super::{
    super::channel::{Abort, ChannelError},
    config::LinkConfig,
    connected::{LinkError, PeerLink},
    digest::{Lost, Running},
    inbox::Inbox,
    outbox::Outbox,
};

/// A guest that is further ahead than so many bytes is read no faster than its frames are received: there may be hundreds of them.
const GUEST_BACKLOG: usize = 4 << 20;

/// Two connections: what waits on them, what passed, and how they are ended.
pub(super) struct Peer {
    pub(super) outbox: Outbox,
    pub(super) inbox: Inbox,
    pub(super) sent: Running,
    pub(super) received: Running,
    /// What there was before these connections.
    pub(super) lost: Lost,
    /// Second handles to the sockets, to shut them down with.
    outgoing: TcpStream,
    incoming: TcpStream,
}

impl Peer {
    /// The state of a link that nothing passed over yet.
    pub(super) fn of(link: &PeerLink, config: &LinkConfig, lost: Lost) -> Result<Self, LinkError> {
        let peer = link.peer;
        let (outgoing, incoming) =
            (link.outgoing.prepare(peer, config)?, link.incoming.prepare(peer, config)?);
        let guest = config.guests && peer.role().is_none();
        let backlog = if guest { config.backlog.min(GUEST_BACKLOG) } else { config.backlog };
        let (outbox, inbox) = (Outbox::default(), Inbox::new(peer, backlog));
        let (sent, received) = (Running::default(), Running::default());
        Ok(Self { outbox, inbox, sent, received, lost, outgoing, incoming })
    }

    /// Ends both connections at once.
    pub(super) fn end(&self) {
        self.inbox.leave();
        for socket in [&self.outgoing, &self.incoming] {
            shut(socket);
        }
    }

    /// Gives up connections that were lost, without a goodbye; gives what there was before the next ones.
    ///
    /// The end of this party's direction tells the peer. The other one is listened to for a while: a peer that has ended the run
    /// says so, and then there is nothing to go on with.
    pub(super) fn abandon(
        &self,
        abort: &OnceLock<Abort>,
        linger: Duration,
    ) -> Result<Lost, ChannelError> {
        shut(&self.outgoing);
        self.outbox.close();
        let lost = self.inbox.outlive(abort, Instant::now() + linger);
        self.end();
        self.outbox.wait_done(Instant::now() + linger);
        lost?;
        let Lost { times, bytes } = self.lost;
        Ok(Lost { times: times.saturating_add(1), bytes: bytes + self.sent.digest().bytes })
    }
}

/// Ends a read or write that still waits; a connection that the peer has closed already says so, and that is fine.
fn shut(socket: &TcpStream) {
    let _ = socket.shutdown(Shutdown::Both);
}
