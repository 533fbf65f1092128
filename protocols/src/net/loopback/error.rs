//! Why a mesh could not be made.

use std::io;

use super::super::tls::LinkError;
use crate::party::PartyId;

/// A mesh that could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoopbackError {
    /// A certificate could not be made.
    #[error("certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// Text that holds no credentials.
    #[error("these are no credentials: two certificates and a private key in PEM are")]
    Credentials,
    /// TLS refused.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// The system refused.
    #[error("connection: {0}")]
    Io(#[from] io::Error),
    /// A connection from a party that is not expected.
    #[error("a connection came from a party that is not who it says or has one already: {0}")]
    Stranger(PartyId),
    /// The connections make no links.
    #[error(transparent)]
    Link(#[from] LinkError),
}
