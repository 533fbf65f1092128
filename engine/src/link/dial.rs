//! Connections this daemon makes.

use std::{sync::Arc, time::Duration};

use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tonic::transport::{Channel, Endpoint, Uri};

use super::{
    credentials::{CONTROL, Credentials, DATA, Timeouts},
    error::LinkError,
    hello::{self, Answer, Flow, Hello},
    rendezvous::{DataLink, into_link},
    words::in_words,
};
use crate::identity::PartyName;

/// A gRPC channel to one pinned party.
pub type PeerChannel = Channel;

/// Makes connections to pinned parties.
#[derive(Clone, Debug)]
pub struct Dialler {
    credentials: Credentials,
    timeouts: Timeouts,
}

impl Dialler {
    /// A dialler with these credentials.
    #[must_use]
    pub fn new(credentials: Credentials, timeouts: Timeouts) -> Self {
        Self { credentials, timeouts }
    }

    /// Whose connections these are.
    #[must_use]
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// The limits in force.
    #[must_use]
    pub fn timeouts(&self) -> Timeouts {
        self.timeouts
    }

    /// A gRPC channel to `peer` at `address` (host:port); connects when first used and again when lost.
    ///
    /// # Errors
    /// [`LinkError::Credentials`] if TLS cannot be set up.
    pub fn control(&self, peer: &PartyName, address: &str) -> Result<PeerChannel, LinkError> {
        let tls = TlsConnector::from(Arc::new(self.credentials.client(peer, CONTROL)?));
        let (dialler, peer, address) = (self.clone(), peer.clone(), address.to_owned());
        let endpoint = Endpoint::from_shared(format!("http://{peer}"))
            .map_err(|error| LinkError::Untrusted {
                peer: peer.to_string(),
                why: error.to_string(),
            })?
            .http2_keep_alive_interval(Duration::from_secs(5))
            .keep_alive_timeout(Duration::from_secs(10))
            .keep_alive_while_idle(true)
            .connect_timeout(self.timeouts.handshake * 2);
        Ok(endpoint.connect_with_connector_lazy(tower::service_fn(move |_: Uri| {
            let (dialler, tls, peer, address) =
                (dialler.clone(), tls.clone(), peer.clone(), address.clone());
            async move { dialler.open(tls, &peer, &address).await.map(TokioIo::new) }
        })))
    }

    /// Opens one connection of a run to `hello.to`, and waits until the other end wants it.
    ///
    /// # Errors
    /// [`LinkError`] of every kind.
    pub async fn data(&self, address: &str, hello: &Hello) -> Result<DataLink, LinkError> {
        let peer = &hello.to;
        let tls = TlsConnector::from(Arc::new(self.credentials.client(peer, DATA)?));
        let mut stream = self.open(tls, peer, address).await?;
        let lost = |error: std::io::Error| LinkError::Unreachable {
            peer: peer.clone(),
            address: address.to_owned(),
            why: error.to_string(),
        };
        hello::write(&mut stream, hello).await.map_err(lost)?;
        let limit = self.timeouts.rendezvous + self.timeouts.handshake;
        let answer: Option<Answer> = timeout(limit, hello::read(&mut stream))
            .await
            .map_err(|_| late(peer, "the hello", limit))?
            .map_err(lost)?;
        let answer = answer.ok_or_else(|| LinkError::Malformed { peer: peer.to_string() })?;
        let time = answer.into_result(peer, hello.key.time)?;
        let (tcp, tls) = stream.into_inner();
        let link = into_link(tcp, tls.into(), peer.clone(), hello.flow == Flow::FromDialler)?;
        Ok(DataLink { time, ..link })
    }

    async fn open(
        &self,
        tls: TlsConnector,
        peer: &PartyName,
        address: &str,
    ) -> Result<TlsStream<TcpStream>, LinkError> {
        let limit = self.timeouts.handshake;
        let tcp = timeout(limit, TcpStream::connect(address))
            .await
            .map_err(|_| late(peer, "the TCP connection", limit))?
            .map_err(|error| LinkError::Unreachable {
                peer: peer.clone(),
                address: address.to_owned(),
                why: in_words(&error.to_string()),
            })?;
        let _ = tcp.set_nodelay(true);
        let untrusted = |why: String| LinkError::Untrusted { peer: peer.to_string(), why };
        let name =
            ServerName::try_from(peer.to_string()).map_err(|error| untrusted(error.to_string()))?;
        timeout(limit, tls.connect(name, tcp))
            .await
            .map_err(|_| late(peer, "the TLS handshake", limit))?
            .map_err(|error| untrusted(in_words(&error.to_string())))
    }
}

fn late(peer: &PartyName, stage: &'static str, limit: Duration) -> LinkError {
    let ms = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
    LinkError::Timeout { peer: peer.to_string(), stage, ms }
}
