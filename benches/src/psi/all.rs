//! Every protocol there is.

use super::{ecdh, files, lookup, multi, seat::Protocol, vole};

pub(super) fn all() -> impl Iterator<Item = &'static Protocol> {
    let single = [&ecdh::PROTOCOL, &lookup::PROTOCOL];
    vole::PROTOCOLS.iter().chain(single).chain(&multi::PROTOCOLS)
}

/// Those that go from file to file, between processes.
pub(super) fn with_files() -> impl Iterator<Item = &'static Protocol> {
    files::PROTOCOLS.iter()
}
