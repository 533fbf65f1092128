//! Established connections, and what a link asks of them.

use std::{io, net::TcpStream, time::Duration};

use rustls::{Connection, ProtocolVersion};

use super::config::{ALPN, LinkConfig};
use crate::party::PartyId;

/// An established TLS connection: the handshake is done and the peer's certificate checked.
#[derive(Debug)]
pub struct Connected {
    /// The socket; blocking or not.
    pub stream: TcpStream,
    /// Its TLS state; bytes that arrived with the handshake may wait in it.
    pub conn: Connection,
}

/// The two connections to one peer.
#[derive(Debug)]
pub struct PeerLink {
    /// Whom they lead to.
    pub peer: PartyId,
    /// Carries what this party sends.
    pub outgoing: Connected,
    /// Carries what the peer sends.
    pub incoming: Connected,
    /// How often the link was made anew before, in this run: not 0 at a party that was killed in it and is back, and at its peers.
    pub times: u32,
}

/// Connections that make no link.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// A connection that is not what a link needs.
    #[error("the connection with {peer} is no data link: {what}")]
    Unfit {
        /// Who is at the other end.
        peer: PartyId,
        /// What is missing.
        what: &'static str,
    },
    /// The operating system refused a socket option or a thread.
    #[error("no link with {peer}: {source}")]
    System {
        /// Who is at the other end.
        peer: PartyId,
        /// What it said.
        source: io::Error,
    },
}

impl Connected {
    /// Checks and sets up the connection; returns a second handle to its socket.
    pub(super) fn prepare(
        &self,
        peer: PartyId,
        config: &LinkConfig,
    ) -> Result<TcpStream, LinkError> {
        let unfit = |what| Err(LinkError::Unfit { peer, what });
        if self.conn.is_handshaking() {
            return unfit("its handshake is not done");
        }
        if self.conn.protocol_version() != Some(ProtocolVersion::TLSv1_3) {
            return unfit("it is not TLS 1.3");
        }
        if self.conn.alpn_protocol() != Some(ALPN) {
            return unfit("it was made for another protocol");
        }
        self.options(config).map_err(|source| LinkError::System { peer, source })
    }

    fn options(&self, config: &LinkConfig) -> io::Result<TcpStream> {
        self.stream.set_nonblocking(false)?;
        self.stream.set_nodelay(true)?;
        // The system takes no timeout of zero.
        self.stream.set_read_timeout(Some(config.dead.max(Duration::from_millis(1))))?;
        self.stream.try_clone()
    }
}
