//! What went over one direction of a link: counted and hashed as it passes.

use std::sync::{Mutex, PoisonError};

use super::super::frame::{Frame, HEADER_BYTES};

/// All data frames of one direction so far. Both ends of a link must agree on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest {
    /// How many frames.
    pub frames: u64,
    /// Their bytes with headers, without what TLS adds.
    pub bytes: u64,
    /// BLAKE3 of their headers and bodies in order.
    pub hash: [u8; 32],
}

/// Both directions of one link, as seen from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkDigests {
    /// From this party to the peer.
    pub sent: Digest,
    /// From the peer to this party.
    pub received: Digest,
}

/// A digest in progress. One thread adds to it, any may look.
#[derive(Default)]
pub(super) struct Running(Mutex<State>);

#[derive(Default)]
struct State {
    frames: u64,
    bytes: u64,
    hasher: blake3::Hasher,
}

impl Running {
    /// Counts a frame whose header is `header`.
    pub(super) fn add(&self, header: &[u8; HEADER_BYTES], frame: &Frame) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.frames += 1;
        state.bytes += (HEADER_BYTES + frame.body.len()) as u64;
        state.hasher.update(header);
        state.hasher.update(&frame.body);
    }

    /// What passed so far.
    pub(super) fn digest(&self) -> Digest {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Digest {
            frames: state.frames,
            bytes: state.bytes,
            hash: *state.hasher.finalize().as_bytes(),
        }
    }
}
