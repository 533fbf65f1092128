//! The data plane: frames between parties over TLS 1.3, on plain threads.
//!
//! Between two parties run two connections, one for each direction, because a rustls connection is one lock. A writer thread sends
//! what is queued and flushes when nothing is left, so that `send` never waits; a reader thread takes frames apart, checks their
//! shape and queues them. Heartbeats, aborts and notes ride along and are outside every count and hash.
//!
//! One connection a direction is enough where parties share a processor: 10^6 products take 31 to 35 ms of processor time in
//! all over one, 31 to 32 ms over two (three parties on two cores), so that a second one had nothing to bring. What they take is
//! sealing and opening, hashing, and the kernel's copies, in about equal parts; how much is flushed and read at a time (64 to
//! 512 KiB) makes no difference that can be measured.
//!
//! Connections arrive here established: whoever dials has checked the peer's certificate and agreed on [`ALPN`]. A link that is
//! lost may be made anew by whoever made it, where a protocol can go on from what both ends hold.

mod channel;
mod config;
mod connected;
mod control;
mod digest;
mod inbox;
mod outbox;
mod parse;
mod peer;
mod reader;
mod relink;
#[cfg(test)]
mod tests;
mod writer;

pub use channel::TlsChannel;
pub use config::{ALPN, LinkConfig, provider};
pub use connected::{Connected, LinkError, PeerLink};
pub use digest::{Digest, LinkDigests, Lost};
pub use relink::Relink;
