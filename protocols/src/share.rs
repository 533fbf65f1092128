//! The local algebra of shares. Nothing here talks to a peer.

mod bits;
mod replicated;

pub use bits::Bits;
pub use replicated::{Inconsistent, Shared, deal, reconstruct};
