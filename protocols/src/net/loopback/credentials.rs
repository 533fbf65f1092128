//! A certificate authority that lives as long as the test.

use std::{fmt, sync::Arc};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, PKCS_ED25519,
};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    client::Resumption,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
    version::TLS13,
};

use super::{
    super::tls::{ALPN, provider},
    error::LoopbackError,
};
use crate::party::PartyId;

/// Signs the certificates of one mesh.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// What one party needs to join a mesh: the authority's certificate, its own and its key.
#[derive(Clone)]
pub struct Credentials {
    pem: String,
    authority: CertificateDer<'static>,
    certificate: CertificateDer<'static>,
    key: Arc<PrivateKeyDer<'static>>,
}

/// The name in a party's certificate.
pub(super) fn host(party: PartyId) -> String {
    format!("party-{}", party.0)
}

impl Authority {
    /// A new one, with an Ed25519 key.
    ///
    /// # Errors
    /// If the system has no randomness.
    pub fn new() -> Result<Self, LoopbackError> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "loopback");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate_for(&PKCS_ED25519)?;
        Ok(Self(CertifiedIssuer::self_signed(params, key)?))
    }

    /// A certificate for one party.
    ///
    /// # Errors
    /// If the system has no randomness.
    pub fn issue(&self, party: PartyId) -> Result<Credentials, LoopbackError> {
        let mut params = CertificateParams::new(vec![host(party)])?;
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate_for(&PKCS_ED25519)?;
        let certificate = params.signed_by(&key, &self.0)?;
        Credentials::from_pem(&[self.0.pem(), certificate.pem(), key.serialize_pem()].concat())
    }
}

impl Credentials {
    /// As text, to hand to another process: the authority's certificate, the party's, its private key.
    #[must_use]
    pub fn to_pem(&self) -> &str {
        &self.pem
    }

    /// Reads what [`Credentials::to_pem`] gave.
    ///
    /// # Errors
    /// If it is something else.
    pub fn from_pem(text: &str) -> Result<Self, LoopbackError> {
        let unreadable = |_| LoopbackError::Credentials;
        let mut certificates = CertificateDer::pem_slice_iter(text.as_bytes());
        let mut next =
            || certificates.next().ok_or(LoopbackError::Credentials)?.map_err(unreadable);
        let (authority, certificate) = (next()?, next()?);
        let key = PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(unreadable)?;
        Ok(Self { pem: text.to_owned(), authority, certificate, key: Arc::new(key) })
    }

    fn roots(&self) -> Result<RootCertStore, rustls::Error> {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.clone())?;
        Ok(roots)
    }

    /// For the side that dials.
    pub(super) fn client(&self) -> Result<Arc<ClientConfig>, LoopbackError> {
        let mut config = ClientConfig::builder_with_provider(Arc::new(provider()))
            .with_protocol_versions(&[&TLS13])?
            .with_root_certificates(self.roots()?)
            .with_client_auth_cert(vec![self.certificate.clone()], self.key.clone_key())?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.resumption = Resumption::disabled();
        Ok(Arc::new(config))
    }

    /// For the side that is dialled.
    pub(super) fn server(&self) -> Result<Arc<ServerConfig>, LoopbackError> {
        let provider = Arc::new(provider());
        let roots = Arc::new(self.roots()?);
        let verifier = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&provider))
            .build()
            .map_err(|error| rustls::Error::General(error.to_string()))?;
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])?
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![self.certificate.clone()], self.key.clone_key())?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.send_tls13_tickets = 0;
        Ok(Arc::new(config))
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authority(…)")
    }
}
