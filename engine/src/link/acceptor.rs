//! The daemon's one port.

use std::{net::SocketAddr, sync::Arc};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc},
};
use tokio_rustls::TlsAcceptor;
use tokio_stream::wrappers::ReceiverStream;

use super::{
    credentials::{CONTROL, Credentials, DATA, Timeouts},
    error::LinkError,
    rendezvous::Rendezvous,
    stream::ControlStream,
    verify::party_of,
};

/// Connections in their handshake at one time; more wait in the kernel's queue.
const HANDSHAKES: usize = 128;

/// A listening port whose connections are told apart by ALPN.
#[derive(Debug)]
pub struct Acceptor {
    listener: TcpListener,
    shared: Arc<Shared>,
}

struct Shared {
    tls: TlsAcceptor,
    credentials: Credentials,
    timeouts: Timeouts,
    rendezvous: Arc<Rendezvous>,
}

impl Acceptor {
    /// Listens on `address`.
    ///
    /// # Errors
    /// [`LinkError::Listen`] or [`LinkError::Credentials`].
    pub async fn bind(
        address: SocketAddr,
        credentials: Credentials,
        rendezvous: Arc<Rendezvous>,
        timeouts: Timeouts,
    ) -> Result<Self, LinkError> {
        let tls = TlsAcceptor::from(Arc::new(credentials.server()?));
        let refused = |why: std::io::Error| LinkError::Listen {
            address: address.to_string(),
            why: why.to_string(),
        };
        let listener = TcpListener::bind(address).await.map_err(refused)?;
        Ok(Self { listener, shared: Arc::new(Shared { tls, credentials, timeouts, rendezvous }) })
    }

    /// The address it listens on, with the port the system chose.
    ///
    /// # Errors
    /// [`LinkError::Listen`] if the socket is gone.
    pub fn local_addr(&self) -> Result<SocketAddr, LinkError> {
        self.listener.local_addr().map_err(|error| LinkError::Listen {
            address: "the port".into(),
            why: error.to_string(),
        })
    }

    /// Accepts until the returned stream of gRPC connections is dropped; data-plane connections go to the rendezvous.
    #[must_use]
    pub fn serve(self) -> ReceiverStream<Result<ControlStream, std::io::Error>> {
        let (found, incoming) = mpsc::channel(16);
        tokio::spawn(async move {
            let places = Arc::new(Semaphore::new(HANDSHAKES));
            loop {
                let Ok(place) = places.clone().acquire_owned().await else { return };
                let accepted = tokio::select! {
                    () = found.closed() => return,
                    accepted = self.listener.accept() => accepted,
                };
                let Ok((tcp, from)) = accepted else {
                    // Out of descriptors, or the peer left in the queue: let others run, then go on.
                    tokio::time::sleep(std::time::Duration::from_millis(10)).await;
                    continue;
                };
                let (shared, found) = (self.shared.clone(), found.clone());
                tokio::spawn(async move {
                    shared.handshake(tcp, from, place, found).await;
                });
            }
        });
        ReceiverStream::new(incoming)
    }
}

impl Shared {
    async fn handshake(
        &self,
        tcp: TcpStream,
        from: SocketAddr,
        place: tokio::sync::OwnedSemaphorePermit,
        control: mpsc::Sender<Result<ControlStream, std::io::Error>>,
    ) {
        let _ = tcp.set_nodelay(true);
        let stream = match tokio::time::timeout(self.timeouts.handshake, self.tls.accept(tcp)).await
        {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                tracing::warn!(%from, %error, "a connection was refused");
                return;
            }
            Err(_) => {
                tracing::warn!(%from, "a connection did not finish its TLS handshake");
                return;
            }
        };
        drop(place);
        let connection = stream.get_ref().1;
        let certificate = connection.peer_certificates().and_then(|chain| chain.first());
        let Some(Ok(peer)) = certificate.map(|leaf| party_of(leaf, self.credentials.pins())) else {
            return;
        };
        match connection.alpn_protocol() {
            Some(protocol) if protocol == CONTROL => {
                // The server may be shutting down; then the connection just closes.
                let _ = control.send(Ok(ControlStream::new(stream, peer))).await;
            }
            Some(protocol) if protocol == DATA => {
                let me = self.credentials.name();
                self.rendezvous.admit(stream, peer, me, self.timeouts).await;
            }
            _ => tracing::warn!(%from, %peer, "a connection chose no protocol"),
        }
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("name", self.credentials.name()).finish_non_exhaustive()
    }
}
