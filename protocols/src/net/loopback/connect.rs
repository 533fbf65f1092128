//! Dialling and accepting the connections of a mesh.

use std::{
    collections::BTreeMap,
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    thread,
    time::Duration,
};

use rustls::{
    ClientConfig, ClientConnection, Connection, ServerConfig, ServerConnection,
    client::verify_server_name, pki_types::ServerName, server::ParsedCertificate,
};

use super::{
    super::tls::{Connected, LinkConfig, PeerLink, TlsChannel},
    credentials::{Authority, Credentials, host},
    error::LoopbackError,
};
use crate::party::PartyId;

/// A peer that does not answer in the handshake for this long is not there.
const HANDSHAKE: Duration = Duration::from_secs(30);

/// A listener on a free port of this machine.
///
/// # Errors
/// If the system has none.
pub fn bind() -> io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
}

/// A mesh between `parties` threads of this process, in the order of their ids. Guests have links with those who compute alone.
///
/// # Errors
/// If a certificate, port or connection cannot be had.
pub fn mesh(parties: u16, config: LinkConfig) -> Result<Vec<TlsChannel>, LoopbackError> {
    let all = (0..).map(PartyId).zip(mesh_links_of(parties, config)?);
    all.map(|(me, links)| Ok(TlsChannel::new(me, links, config)?)).collect()
}

/// The connections that [`mesh`] makes channels of, without guests.
#[cfg(test)]
pub(in super::super) fn mesh_links(parties: u16) -> Result<Vec<Vec<PeerLink>>, LoopbackError> {
    mesh_links_of(parties, LinkConfig::default())
}

fn mesh_links_of(parties: u16, config: LinkConfig) -> Result<Vec<Vec<PeerLink>>, LoopbackError> {
    let authority = Authority::new()?;
    let listeners = (0..parties).map(|_| bind()).collect::<io::Result<Vec<_>>>()?;
    let addresses =
        listeners.iter().map(TcpListener::local_addr).collect::<io::Result<Vec<_>>>()?;
    let credentials =
        (0..parties).map(|id| authority.issue(PartyId(id))).collect::<Result<Vec<_>, _>>()?;
    thread::scope(|scope| {
        let join = |(id, listener, credentials)| {
            let addresses = &addresses;
            scope.spawn(move || links(PartyId(id), listener, addresses, (credentials, config)))
        };
        let members = (0..parties).zip(&listeners).zip(&credentials);
        let joining: Vec<_> = members.map(|((id, at), with)| join((id, at, with))).collect();
        joining
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}

/// This party's end of a mesh whose party `i` listens at `addresses[i]`; call it in each of them. Lower parties dial higher ones.
///
/// # Errors
/// If a connection cannot be had. Waits without limit for lower parties to dial.
pub fn connect(
    me: PartyId,
    listener: &TcpListener,
    addresses: &[SocketAddr],
    credentials: &Credentials,
    config: LinkConfig,
) -> Result<TlsChannel, LoopbackError> {
    Ok(TlsChannel::new(me, links(me, listener, addresses, (credentials, config))?, config)?)
}

/// The connections that [`connect`] makes a channel of.
fn links(
    me: PartyId,
    listener: &TcpListener,
    addresses: &[SocketAddr],
    (credentials, config): (&Credentials, LinkConfig),
) -> Result<Vec<PeerLink>, LoopbackError> {
    // Guests have nothing to say to each other.
    let meets =
        |peer: PartyId| !config.guests || [me, peer].iter().any(|party| party.role().is_some());
    let lower = (0..me.0).map(PartyId).filter(|peer| meets(*peer));
    let mut links = accept_lower(lower, listener, &credentials.server()?)?;
    let client = credentials.client()?;
    for (peer, &address) in (0..=u16::MAX).map(PartyId).zip(addresses) {
        if peer > me && meets(peer) {
            let outgoing = dial(&client, address, Hello { from: me, dialler_sends: true }, peer)?;
            let incoming = dial(&client, address, Hello { from: me, dialler_sends: false }, peer)?;
            links.push(PeerLink { peer, outgoing, incoming, times: 0 });
        }
    }
    Ok(links)
}

/// The first bytes on a connection.
#[derive(Clone, Copy)]
struct Hello {
    from: PartyId,
    dialler_sends: bool,
}

impl Hello {
    fn encode(self) -> [u8; 3] {
        let [low, high] = self.from.0.to_le_bytes();
        [low, high, u8::from(self.dialler_sends)]
    }

    fn decode([low, high, sends]: [u8; 3]) -> Self {
        Self { from: PartyId(u16::from_le_bytes([low, high])), dialler_sends: sends != 0 }
    }
}

fn dial(
    config: &Arc<ClientConfig>,
    address: SocketAddr,
    hello: Hello,
    peer: PartyId,
) -> Result<Connected, LoopbackError> {
    let stream = open(TcpStream::connect(address)?)?;
    let mut tls = ClientConnection::new(Arc::clone(config), name(peer)?)?;
    tls.writer().write_all(&hello.encode())?;
    // Both the handshake and the hello: `complete_io` ends with either.
    while tls.is_handshaking() || tls.wants_write() {
        tls.complete_io(&mut &stream)?;
    }
    Ok(Connected { stream, conn: Connection::Client(tls) })
}

/// Both connections from each of these parties, in whatever order they come.
fn accept_lower(
    lower: impl Iterator<Item = PartyId>,
    listener: &TcpListener,
    config: &Arc<ServerConfig>,
) -> Result<Vec<PeerLink>, LoopbackError> {
    let mut found: BTreeMap<PartyId, [Option<Connected>; 2]> =
        lower.map(|lower| (lower, [None, None])).collect();
    for _ in 0..2 * found.len() {
        let (hello, connected) = accept(listener, config)?;
        let slot = found
            .get_mut(&hello.from)
            .map(|both| &mut both[usize::from(hello.dialler_sends)])
            .filter(|slot| slot.is_none())
            .ok_or(LoopbackError::Stranger(hello.from))?;
        *slot = Some(connected);
    }
    let link = |(peer, both): (PartyId, [_; 2])| match both {
        [Some(outgoing), Some(incoming)] => Ok(PeerLink { peer, outgoing, incoming, times: 0 }),
        _ => Err(LoopbackError::Stranger(peer)),
    };
    found.into_iter().map(link).collect()
}

fn accept(
    listener: &TcpListener,
    config: &Arc<ServerConfig>,
) -> Result<(Hello, Connected), LoopbackError> {
    let stream = open(listener.accept()?.0)?;
    let mut tls = ServerConnection::new(Arc::clone(config))?;
    while tls.is_handshaking() {
        tls.complete_io(&mut &stream)?;
    }
    let mut hello = [0; 3];
    rustls::Stream::new(&mut tls, &mut &stream).read_exact(&mut hello)?;
    let hello = Hello::decode(hello);
    let certificate = tls.peer_certificates().and_then(<[_]>::first);
    let certificate = certificate.ok_or(LoopbackError::Stranger(hello.from))?;
    verify_server_name(&ParsedCertificate::try_from(certificate)?, &name(hello.from)?)?;
    Ok((hello, Connected { stream, conn: Connection::Server(tls) }))
}

fn open(stream: TcpStream) -> io::Result<TcpStream> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(HANDSHAKE))?;
    Ok(stream)
}

fn name(party: PartyId) -> Result<ServerName<'static>, LoopbackError> {
    ServerName::try_from(host(party)).map_err(|_| LoopbackError::Credentials)
}
