//! What can go wrong between two parties before any share travels.

use crate::identity::PartyName;

/// A connection that did not come about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// A certificate, key or authority file does not serve.
    #[error("{what}: {why}; make certificates with `unseen keygen`")]
    Credentials {
        /// Which piece.
        what: String,
        /// Why not.
        why: String,
    },
    /// The port cannot be listened on.
    #[error("cannot listen on {address}: {why}")]
    Listen {
        /// The address.
        address: String,
        /// Why not.
        why: String,
    },
    /// Nobody answers there.
    #[error("{peer} does not answer at {address}: {why}; check that its daemon is up")]
    Unreachable {
        /// Who was called.
        peer: PartyName,
        /// Where.
        address: String,
        /// Why not.
        why: String,
    },
    /// TLS failed: another authority, another key than the pinned one, or another protocol.
    #[error("no trusted connection with {peer}: {why}")]
    Untrusted {
        /// Whom.
        peer: String,
        /// Why not.
        why: String,
    },
    /// The other end did not finish in time.
    #[error("{peer} did not finish {stage} within {ms} ms")]
    Timeout {
        /// Who.
        peer: String,
        /// What it was doing.
        stage: &'static str,
        /// The limit.
        ms: u64,
    },
    /// The other end speaks another version of the data plane.
    #[error(
        "{peer} speaks version {theirs} of the data plane, this build {ours}; run equal builds"
    )]
    Version {
        /// Who.
        peer: PartyName,
        /// Its version.
        theirs: u32,
        /// This one's.
        ours: u32,
    },
    /// The other end wants to run another plan, or another run of it.
    #[error("{peer} is about to run another {what} for this job; nothing was started")]
    Mismatch {
        /// Who.
        peer: PartyName,
        /// `plan` or `run`.
        what: String,
    },
    /// The other end refused the link.
    #[error("{peer} refused the link: {why}")]
    Refused {
        /// Who.
        peer: PartyName,
        /// Its words, from a fixed list.
        why: String,
    },
    /// The other end sent something that is no hello.
    #[error("{peer} sent a malformed hello")]
    Malformed {
        /// Who.
        peer: String,
    },
    /// The run was ended here.
    #[error("the run was ended before its links stood")]
    Ended,
}
