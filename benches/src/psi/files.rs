//! From files to files, each party a process of its own.
//!
//! Timed from opening the file to the result's last byte: reading, canonical keys, ids, the protocol over TLS, writing.

pub(super) mod circuit;
mod ids;
pub(super) mod lookup;
pub(super) mod multi;
pub(super) mod rows;
