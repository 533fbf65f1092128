//! Who is at the other end: a certificate of the configured authority whose Ed25519 key is pinned here.

use std::sync::Arc;

use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::CryptoProvider,
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::{
        ParsedCertificate, WebPkiClientVerifier,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
};

use crate::identity::{PartyName, Pins, PublicKey};

/// Checks a server: authority, name, and that the name's pinned key is the certificate's.
#[derive(Debug)]
pub(super) struct PinnedServer {
    chain: Arc<WebPkiServerVerifier>,
    pins: Arc<Pins>,
    peer: PartyName,
}

/// Checks a client: authority, and that its certificate's key is pinned for somebody.
#[derive(Debug)]
pub(super) struct PinnedClient {
    chain: Arc<dyn ClientCertVerifier>,
    pins: Arc<Pins>,
}

impl PinnedServer {
    pub(super) fn new(
        roots: Arc<RootCertStore>,
        provider: Arc<CryptoProvider>,
        pins: Arc<Pins>,
        peer: PartyName,
    ) -> Result<Self, String> {
        let builder = WebPkiServerVerifier::builder_with_provider(roots, provider);
        let chain = builder.build().map_err(|error| error.to_string())?;
        Ok(Self { chain, pins, peer })
    }
}

impl PinnedClient {
    pub(super) fn new(
        roots: Arc<RootCertStore>,
        provider: Arc<CryptoProvider>,
        pins: Arc<Pins>,
    ) -> Result<Self, String> {
        let builder = WebPkiClientVerifier::builder_with_provider(roots, provider);
        let chain = builder.build().map_err(|error| error.to_string())?;
        Ok(Self { chain, pins })
    }
}

/// The party whose pinned key this certificate holds.
pub(super) fn party_of(certificate: &CertificateDer<'_>, pins: &Pins) -> Result<PartyName, Error> {
    let key = key_of(certificate)?;
    pins.name_of(&key).cloned().map_err(|_| not_pinned())
}

/// The Ed25519 key in a certificate (RFC 8410); anything else is refused.
fn key_of(certificate: &CertificateDer<'_>) -> Result<PublicKey, Error> {
    const FRAME: [u8; 12] = [0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0];
    let info = ParsedCertificate::try_from(certificate)?.subject_public_key_info();
    let key = info.as_ref().strip_prefix(&FRAME[..]).and_then(|key| key.try_into().ok());
    key.map(PublicKey::from_bytes).ok_or_else(not_pinned)
}

fn not_pinned() -> Error {
    Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure)
}

impl ServerCertVerifier for PinnedServer {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self.chain.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        )?;
        if party_of(end_entity, &self.pins)? == self.peer {
            Ok(verified)
        } else {
            Err(not_pinned())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }
}

impl ClientCertVerifier for PinnedClient {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.chain.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.chain.verify_client_cert(end_entity, intermediates, now)?;
        party_of(end_entity, &self.pins).map(|_| verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }
}
