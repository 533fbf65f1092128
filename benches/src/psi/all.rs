//! Every protocol there is.

use super::{circuit, ecdh, files, lookup, multi, seat::Protocol, vole};

pub(super) fn all() -> impl Iterator<Item = &'static Protocol> {
    let two = vole::PROTOCOLS.iter().chain(&ecdh::PROTOCOLS).chain(&lookup::PROTOCOLS);
    two.chain(&multi::PROTOCOLS).chain(&circuit::PROTOCOLS)
}

/// Those that go from file to file, between processes.
pub(super) fn with_files() -> impl Iterator<Item = &'static Protocol> {
    let two = files::rows::PROTOCOLS.iter().chain(&files::lookup::PROTOCOLS);
    two.chain(&files::multi::PROTOCOLS).chain(&files::circuit::PROTOCOLS)
}
