//! Every protocol there is.

use super::{multi, seat::Protocol, vole};

pub(super) fn all() -> impl Iterator<Item = &'static Protocol> {
    vole::PROTOCOLS.iter().chain(&multi::PROTOCOLS)
}
