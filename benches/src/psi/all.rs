//! Every protocol there is.

use super::{files, multi, seat::Protocol, vole};

pub(super) fn all() -> impl Iterator<Item = &'static Protocol> {
    vole::PROTOCOLS.iter().chain(&multi::PROTOCOLS)
}

/// Those that go from file to file, between processes.
pub(super) fn with_files() -> impl Iterator<Item = &'static Protocol> {
    files::PROTOCOLS.iter()
}
