//! The one TLS 1.3 port of a daemon and the connections it makes: gRPC and the data plane, told apart by ALPN.
//!
//! A connection stands only if both certificates come from the configured authority **and** hold the Ed25519 keys that
//! are pinned here, so that every connection has a party's name. Whoever runs the authority can admit, but pose as nobody.
//!
//! ```text
//!   TcpListener ─ TLS ─┬─ ALPN h2       ─▶ tonic, with the peer's name in every request
//!                      └─ ALPN unseen/1 ─▶ hello ─▶ rendezvous ─▶ (TcpStream, rustls connection) for `protocols::net`
//! ```

mod acceptor;
mod authority;
mod credentials;
mod dial;
mod error;
mod hello;
mod rejoin;
mod relink;
mod rendezvous;
mod roster;
mod stream;
mod verify;
mod words;

pub use acceptor::Acceptor;
pub use authority::{Authority, key_pem};
pub use credentials::{Credentials, Timeouts};
pub use dial::{Dialler, PeerChannel};
pub use error::LinkError;
pub use hello::{Flow, Hello, PROTOCOL_VERSION, RunKey};
pub use relink::Relinker;
pub use rendezvous::{DataLink, Rendezvous};
pub use roster::{Roster, connect_run};
pub use stream::{ControlStream, Peer};
pub use words::in_words;

#[cfg(test)]
mod tests;
