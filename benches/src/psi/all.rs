//! Every protocol there is.

use super::{circuit, ecdh, files, lookup, multi, seat::Protocol, vole};

pub(super) fn all() -> impl Iterator<Item = &'static Protocol> {
    let single = [&ecdh::PROTOCOL, &lookup::PROTOCOL];
    let several = multi::PROTOCOLS.iter().chain(&circuit::PROTOCOLS);
    vole::PROTOCOLS.iter().chain(single).chain(several)
}

/// Those that go from file to file, between processes.
pub(super) fn with_files() -> impl Iterator<Item = &'static Protocol> {
    files::PROTOCOLS.iter()
}
