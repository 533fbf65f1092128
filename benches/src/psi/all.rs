//! Every protocol there is.

use super::{seat::Protocol, vole};

pub(super) fn all() -> impl Iterator<Item = &'static Protocol> {
    vole::PROTOCOLS.iter()
}
