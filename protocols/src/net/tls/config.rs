//! What a link waits for, and for how long.

use std::time::Duration;

use rustls::{
    CipherSuite,
    crypto::{CryptoProvider, ring},
};

/// The application protocol of the data plane.
pub const ALPN: &[u8] = b"unseen/1";

/// The cryptography of the data plane: `ring`, with AES-128-GCM before AES-256-GCM, which takes four rounds more a block.
///
/// Security: TLS 1.3 obliges everyone to have this suite (RFC 8446 §9.1); the shared randomness of a run is under AES-128 too.
#[must_use]
pub fn provider() -> CryptoProvider {
    let mut provider = ring::default_provider();
    provider
        .cipher_suites
        .sort_by_key(|suite| suite.suite() != CipherSuite::TLS13_AES_128_GCM_SHA256);
    provider
}

/// The patience of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LinkConfig {
    /// A direction that has been silent for this long carries a heartbeat.
    pub heartbeat: Duration,
    /// A peer from which no byte came for this long is gone.
    pub dead: Duration,
    /// A `recv` fails after this long without a frame, whatever the heart does.
    pub stall: Duration,
    /// What is still queued when a channel is dropped has this long to leave.
    pub linger: Duration,
    /// Parties beyond the three that compute are guests: one that ends the run, or is lost, ends its own link alone.
    pub guests: bool,
    /// A peer that is further ahead than this many bytes is read no faster than its frames are received.
    pub backlog: usize,
}

impl LinkConfig {
    /// The default's proportions around another stall timeout: a peer that is gone is noticed before one that is slow.
    #[must_use]
    pub fn with_stall(stall: Duration) -> Self {
        Self { heartbeat: stall / 12, dead: stall / 4, stall, ..Self::default() }
    }

    /// The same where parties that do not compute may leave.
    #[must_use]
    pub fn with_guests(self) -> Self {
        Self { guests: true, ..self }
    }
}

impl Default for LinkConfig {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_secs(5),
            dead: Duration::from_secs(15),
            stall: Duration::from_secs(60),
            linger: Duration::from_secs(2),
            guests: false,
            backlog: 1 << 30,
        }
    }
}
