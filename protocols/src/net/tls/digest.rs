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
    /// BLAKE3 of their headers and bodies in order, where a body of 16 KiB or more is represented by its own
    /// BLAKE3 hash. (The header says how long the body is, so that no two sequences of frames are taken for one another.)
    pub hash: [u8; 32],
}

/// Both directions of one link, as seen from here: of its last connections, if it was lost and made anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkDigests {
    /// From this party to the peer.
    pub sent: Digest,
    /// From the peer to this party.
    pub received: Digest,
    /// What there was before.
    pub lost: Lost,
}

/// Connections of a link that were lost, so that others took their place. The two ends of those cannot agree on what
/// passed: part of it was under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// How many times the link was made anew. Both ends agree on that.
    pub times: u32,
    /// What this party handed to connections that were lost, in bytes.
    pub bytes: u64,
}

/// Bodies from this length on are hashed by themselves: in a stream of frames their place, and with it BLAKE3's tree, would be
/// askew, which halves its speed.
const HASHED_ALONE: usize = 16 << 10;

/// Bytes that are hashed together: BLAKE3 is several times faster on many chunks at once than on a few.
const HASH_AT: usize = 64 << 10;

/// A digest in progress. One thread adds to it, any may look.
#[derive(Default)]
pub(super) struct Running(Mutex<State>);

#[derive(Default)]
struct State {
    frames: u64,
    bytes: u64,
    hasher: blake3::Hasher,
    /// What is counted and not hashed yet.
    pending: Vec<u8>,
}

impl State {
    fn hash(&mut self) {
        self.hasher.update(&self.pending);
        self.pending.clear();
    }
}

impl Running {
    /// Counts a frame whose header is `header`.
    pub(super) fn add(&self, header: &[u8; HEADER_BYTES], frame: &Frame) {
        let body: &[u8] = &frame.body;
        let alone = (body.len() >= HASHED_ALONE).then(|| blake3::hash(body));
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.frames += 1;
        state.bytes += (HEADER_BYTES + body.len()) as u64;
        state.pending.extend_from_slice(header);
        state.pending.extend_from_slice(alone.as_ref().map_or(body, |hash| hash.as_bytes()));
        if state.pending.len() >= HASH_AT {
            state.hash();
        }
    }

    /// What passed so far.
    pub(super) fn digest(&self) -> Digest {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.hash();
        let hash = *state.hasher.finalize().as_bytes();
        Digest { frames: state.frames, bytes: state.bytes, hash }
    }
}
