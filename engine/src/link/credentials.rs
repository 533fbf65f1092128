//! What a daemon needs to be somebody on the network: its name, key and certificate, the authority, the pins.

use std::{sync::Arc, time::Duration};

use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, pem::PemObject},
};

use super::{
    authority::private_key,
    error::LinkError,
    verify::{PinnedClient, PinnedServer},
};
use crate::identity::{IdentityKey, PartyName, Pins};

/// ALPN of gRPC.
pub(super) const CONTROL: &[u8] = b"h2";
/// ALPN of the data plane.
pub(super) const DATA: &[u8] = b"unseen/1";

/// How long the steps of a connection may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// TCP connect, TLS handshake and hello, each.
    pub handshake: Duration,
    /// From the first link of a run until all of them stand.
    pub rendezvous: Duration,
}

/// A party's credentials on the network.
#[derive(Clone, Debug)]
pub struct Credentials {
    name: PartyName,
    key: Arc<IdentityKey>,
    chain: Vec<CertificateDer<'static>>,
    roots: Arc<RootCertStore>,
    pins: Arc<Pins>,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { handshake: Duration::from_secs(10), rendezvous: Duration::from_secs(30) }
    }
}

impl Credentials {
    /// Credentials from PEM texts: this party's certificate (chain) and the authority's.
    ///
    /// # Errors
    /// [`LinkError::Credentials`] if a text holds no certificate.
    pub fn from_pem(
        name: PartyName,
        key: Arc<IdentityKey>,
        chain: &str,
        authority: &str,
        pins: Arc<Pins>,
    ) -> Result<Self, LinkError> {
        let mut roots = RootCertStore::empty();
        for root in certificates("authority", authority)? {
            roots.add(root).map_err(|error| bad("authority", &error))?;
        }
        let chain = certificates("certificate", chain)?;
        Ok(Self { name, key, chain, roots: Arc::new(roots), pins })
    }

    /// This party.
    #[must_use]
    pub fn name(&self) -> &PartyName {
        &self.name
    }

    /// Its identity key.
    #[must_use]
    pub fn key(&self) -> &Arc<IdentityKey> {
        &self.key
    }

    /// What it pins.
    #[must_use]
    pub fn pins(&self) -> &Arc<Pins> {
        &self.pins
    }

    /// TLS as a server: both protocols, certificates on both sides.
    pub(super) fn server(&self) -> Result<ServerConfig, LinkError> {
        let verifier = PinnedClient::new(self.roots.clone(), provider(), self.pins.clone())
            .map_err(|why| LinkError::Credentials { what: "authority".into(), why })?;
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|error| bad("TLS", &error))?
            .with_client_cert_verifier(Arc::new(verifier))
            .with_single_cert(self.chain.clone(), private_key(&self.key))
            .map_err(|error| bad("certificate", &error))?;
        config.alpn_protocols = vec![CONTROL.to_vec(), DATA.to_vec()];
        // A resumed session would skip the check of the peer's certificate against the pins.
        config.send_tls13_tickets = 0;
        Ok(config)
    }

    /// TLS as a client of `peer`, for one protocol.
    pub(super) fn client(
        &self,
        peer: &PartyName,
        protocol: &[u8],
    ) -> Result<ClientConfig, LinkError> {
        let verifier =
            PinnedServer::new(self.roots.clone(), provider(), self.pins.clone(), peer.clone())
                .map_err(|why| LinkError::Credentials { what: "authority".into(), why })?;
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|error| bad("TLS", &error))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_client_auth_cert(self.chain.clone(), private_key(&self.key))
            .map_err(|error| bad("certificate", &error))?;
        config.alpn_protocols = vec![protocol.to_vec()];
        config.resumption = rustls::client::Resumption::disabled();
        Ok(config)
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(protocols::net::tls::provider())
}

fn certificates(what: &str, pem: &str) -> Result<Vec<CertificateDer<'static>>, LinkError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let found = found.map_err(|error| bad(what, &error))?;
    if found.is_empty() {
        return Err(LinkError::Credentials {
            what: what.into(),
            why: "holds no certificate".into(),
        });
    }
    Ok(found)
}

fn bad(what: &str, error: &dyn std::fmt::Display) -> LinkError {
    LinkError::Credentials { what: what.into(), why: error.to_string() }
}
