//! A wrapper that writes down what passes: for tests that compare transcripts.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{
    channel::{Abort, Channel, ChannelError},
    frame::{Frame, Tag, encode_header},
};
use crate::party::PartyId;

/// One direction of one link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// To this peer.
    To(PartyId),
    /// From this peer.
    From(PartyId),
}

/// A frame without its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it belonged.
    pub tag: Tag,
    /// The sender's depth.
    pub depth: u32,
    /// The length of its body.
    pub len: usize,
}

/// The shape of a transcript: each direction's frames in order. How the directions interleave is left to chance and left out.
pub type Shape = BTreeMap<Direction, Vec<Entry>>;

/// A channel that writes down what one party sends and receives.
pub struct Recorder<C> {
    inner: C,
    with_bytes: bool,
    log: Mutex<Log>,
}

#[derive(Default)]
struct Log {
    shape: Shape,
    bytes: BTreeMap<Direction, Vec<u8>>,
}

impl<C: Channel> Recorder<C> {
    /// Records shapes.
    pub fn new(inner: C) -> Self {
        Self { inner, with_bytes: false, log: Mutex::default() }
    }

    /// Records shapes and every byte: the party's complete view.
    pub fn with_bytes(inner: C) -> Self {
        Self { inner, with_bytes: true, log: Mutex::default() }
    }

    /// The frames so far.
    #[must_use]
    pub fn shape(&self) -> Shape {
        self.log().shape.clone()
    }

    /// Headers and bodies so far, in order; empty unless recorded [with bytes](Self::with_bytes).
    #[must_use]
    pub fn bytes(&self) -> BTreeMap<Direction, Vec<u8>> {
        self.log().bytes.clone()
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn record(&self, direction: Direction, frame: &Frame) {
        let len = frame.body.len();
        let mut log = self.log();
        let entry = Entry { tag: frame.tag, depth: frame.depth, len };
        log.shape.entry(direction).or_default().push(entry);
        if self.with_bytes {
            let wire_len = u32::try_from(len).unwrap_or(u32::MAX);
            let bytes = log.bytes.entry(direction).or_default();
            bytes.extend(encode_header(frame.tag, frame.depth, wire_len));
            bytes.extend_from_slice(&frame.body);
        }
    }
}

impl<C: Channel> Channel for Recorder<C> {
    fn me(&self) -> PartyId {
        self.inner.me()
    }

    fn send(&self, to: PartyId, frame: Frame) -> Result<(), ChannelError> {
        self.record(Direction::To(to), &frame);
        self.inner.send(to, frame)
    }

    fn recv(&self, from: PartyId) -> Result<Frame, ChannelError> {
        let frame = self.inner.recv(from)?;
        self.record(Direction::From(from), &frame);
        Ok(frame)
    }

    fn working(&self) {
        self.inner.working();
    }

    fn abort(&self, abort: Abort) {
        self.inner.abort(abort);
    }
}

impl<C: Channel> fmt::Debug for Recorder<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recorder({}, {} directions)", self.inner.me(), self.log().shape.len())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{super::memory, *};

    #[test]
    fn both_ends_record_the_same_frames() {
        let ends: Vec<_> = memory::mesh(2, Duration::from_secs(60))
            .into_iter()
            .map(Recorder::with_bytes)
            .collect();
        let (a, b) = (PartyId(0), PartyId(1));
        for seq in 0..3 {
            let tag = Tag { path: 1, seq, chunk: 0 };
            ends[0].send(b, Frame { tag, depth: 2, body: vec![9; 5].into() }).unwrap();
            ends[1].recv(a).unwrap();
        }
        let (sent, received) = (ends[0].shape(), ends[1].shape());
        assert_eq!(sent[&Direction::To(b)], received[&Direction::From(a)]);
        assert_eq!(sent[&Direction::To(b)].len(), 3);
        assert_eq!(ends[0].bytes()[&Direction::To(b)], ends[1].bytes()[&Direction::From(a)]);
        assert_eq!(ends[0].bytes()[&Direction::To(b)].len(), 3 * (24 + 5));
    }

    #[test]
    fn bytes_are_kept_only_when_asked_for() {
        let ends = memory::mesh(2, Duration::from_secs(60));
        let mut ends = ends.into_iter().map(Recorder::new);
        let a = ends.next().unwrap();
        let tag = Tag { path: 1, seq: 0, chunk: 0 };
        let _b = ends.next().unwrap();
        a.send(PartyId(1), Frame { tag, depth: 2, body: vec![9; 5].into() }).unwrap();
        assert_eq!(a.bytes(), BTreeMap::new());
        assert_eq!(a.shape()[&Direction::To(PartyId(1))], [Entry { tag, depth: 2, len: 5 }]);
    }
}
