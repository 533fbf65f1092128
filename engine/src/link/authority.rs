//! A development certificate authority, and certificates that carry a party's identity key.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ED25519, PublicKeyData, SignatureAlgorithm, date_time_ymd,
};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use zeroize::Zeroizing;

use super::error::LinkError;
use crate::identity::{IdentityKey, PartyName, PublicKey};

/// An authority that admits: it ties names to keys for connections. Trust comes from pins.
///
/// Its certificate is worked out from its key alone, so the key file is all that has to be kept.
#[derive(Debug)]
pub struct Authority {
    key: IdentityKey,
}

impl Authority {
    /// The authority of this key.
    #[must_use]
    pub fn new(key: IdentityKey) -> Self {
        Self { key }
    }

    /// Its own certificate, which every daemon has in its configuration.
    ///
    /// # Errors
    /// [`LinkError::Credentials`] if the certificate library refuses.
    pub fn certificate_pem(&self) -> Result<String, LinkError> {
        let certificate = params()?.self_signed(&key_pair(&self.key)?).map_err(refused)?;
        Ok(certificate.pem())
    }

    /// A certificate for a party: subject and server name are the party's name, the key is the public half of its identity.
    ///
    /// # Errors
    /// [`LinkError::Credentials`] if the certificate library refuses.
    pub fn certify(&self, name: &PartyName, key: &PublicKey) -> Result<String, LinkError> {
        let mut leaf = CertificateParams::new(vec![name.to_string()]).map_err(refused)?;
        leaf.distinguished_name = rcgen::DistinguishedName::new();
        leaf.distinguished_name.push(DnType::CommonName, name.as_str());
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        leaf.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        leaf.use_authority_key_identifier_extension = true;
        set_validity(&mut leaf);
        let issuer = Issuer::new(params()?, key_pair(&self.key)?);
        let certificate = leaf.signed_by(&Certified(key), &issuer).map_err(refused)?;
        Ok(certificate.pem())
    }
}

/// A public key as the certificate library wants it.
struct Certified<'a>(&'a PublicKey);

impl PublicKeyData for Certified<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ED25519
    }
}

/// An identity key as the TLS library wants it.
pub(super) fn private_key(key: &IdentityKey) -> PrivateKeyDer<'static> {
    PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pkcs8(key).to_vec()))
}

fn params() -> Result<CertificateParams, LinkError> {
    let mut params = CertificateParams::new(Vec::<String>::new()).map_err(refused)?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "Unseen development authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    set_validity(&mut params);
    Ok(params)
}

/// Fixed, so that a certificate depends on keys and names alone.
fn set_validity(params: &mut CertificateParams) {
    params.not_before = date_time_ymd(2025, 1, 1);
    params.not_after = date_time_ymd(2045, 1, 1);
}

fn key_pair(key: &IdentityKey) -> Result<KeyPair, LinkError> {
    let der = PrivatePkcs8KeyDer::from(pkcs8(key).to_vec());
    KeyPair::from_pkcs8_der_and_sign_algo(&der, &PKCS_ED25519).map_err(refused)
}

/// The key as other programs' TLS reads it: PKCS #8 (RFC 8410) in PEM.
#[must_use]
pub fn key_pem(key: &IdentityKey) -> Zeroizing<String> {
    let body = Zeroizing::new(STANDARD.encode(pkcs8(key)));
    Zeroizing::new(format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", *body))
}

/// RFC 8410: the PKCS #8 frame of an Ed25519 seed.
fn pkcs8(key: &IdentityKey) -> Zeroizing<[u8; 48]> {
    const FRAME: [u8; 16] =
        [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    let mut der = Zeroizing::new([0; 48]);
    der[..16].copy_from_slice(&FRAME);
    der[16..].copy_from_slice(&*key.seed());
    der
}

#[expect(clippy::needless_pass_by_value, reason = "the shape `map_err` wants")]
fn refused(error: rcgen::Error) -> LinkError {
    LinkError::Credentials { what: "certificate".into(), why: error.to_string() }
}
