//! Real TLS links between threads or processes of one machine, with certificates made on the spot: for tests and benchmarks.

mod connect;
mod credentials;
mod error;

#[cfg(test)]
pub(super) use connect::mesh_links;
pub use connect::{bind, connect, mesh};
pub use credentials::{Authority, Credentials};
pub use error::LoopbackError;
