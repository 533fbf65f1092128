//! The local algebra of shares. Nothing here talks to a peer.

mod bits;
mod replicated;

pub use bits::Bits;
#[cfg(any(test, feature = "testkit"))]
pub(crate) use bits::slice_bits;
pub use replicated::{Inconsistent, Shared, deal, reconstruct};
