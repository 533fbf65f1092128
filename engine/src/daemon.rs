//! A daemon: one port, with the services of a coordinator, a participant, or both, and an orderly end.

mod start;

pub use start::{Coordinating, Daemon, DaemonError, Participating, Setup};

#[cfg(test)]
mod tests;
