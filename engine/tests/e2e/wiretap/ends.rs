//! Everybody's certificate and key, for posing as them.

use std::{collections::BTreeMap, fs, sync::Arc};

use engine::identity::IdentityKey;
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
    version::TLS13,
};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::world::{BUYER, World};

/// A party's certificate and its key.
struct Papers {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

pub(crate) struct Ends {
    parties: BTreeMap<&'static str, Papers>,
    roots: Arc<RootCertStore>,
}

impl Ends {
    pub(crate) fn of(world: &World) -> Self {
        let papers = |party: &str| {
            let folder = world.of(party);
            let pem = fs::read(folder.join("certificate.pem")).unwrap();
            let key = IdentityKey::load(&folder.join("identity.key")).unwrap();
            Papers {
                certificate: CertificateDer::from_pem_slice(&pem).unwrap(),
                key: private(&key),
            }
        };
        let all = world.daemons().chain([BUYER]);
        let parties = all.map(|party| (party, papers(party))).collect();
        let mut roots = RootCertStore::empty();
        let authority = fs::read(world.of(BUYER).join("ca.pem")).unwrap();
        roots.add(CertificateDer::from_pem_slice(&authority).unwrap()).unwrap();
        Self { parties, roots: Arc::new(roots) }
    }

    /// Whose certificate this is.
    pub(super) fn name_of(&self, certificate: &CertificateDer<'_>) -> Option<&'static str> {
        let mut parties = self.parties.iter();
        parties.find(|(_, papers)| papers.certificate == *certificate).map(|(name, _)| *name)
    }

    /// Answers as this party.
    pub(super) fn acceptor(&self, party: &str) -> TlsAcceptor {
        let Papers { certificate, key } = &self.parties[party];
        let provider = Arc::new(ring::default_provider());
        let callers =
            WebPkiClientVerifier::builder_with_provider(self.roots.clone(), provider.clone());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])
            .unwrap()
            .with_client_cert_verifier(callers.build().unwrap())
            .with_single_cert(vec![certificate.clone()], key.clone_key())
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"unseen/1".to_vec()];
        config.send_tls13_tickets = 0;
        TlsAcceptor::from(Arc::new(config))
    }

    /// Calls as this party.
    pub(crate) fn connector(&self, party: &str, protocol: &[u8]) -> TlsConnector {
        let Papers { certificate, key } = &self.parties[party];
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&TLS13])
            .unwrap()
            .with_root_certificates(self.roots.clone())
            .with_client_auth_cert(vec![certificate.clone()], key.clone_key())
            .unwrap();
        config.alpn_protocols = vec![protocol.to_vec()];
        TlsConnector::from(Arc::new(config))
    }
}

/// RFC 8410: the PKCS #8 frame of an Ed25519 seed.
fn private(key: &IdentityKey) -> PrivateKeyDer<'static> {
    const FRAME: [u8; 16] =
        [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    let der = [&FRAME[..], &*key.seed()].concat();
    PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(der))
}
