//! Frames: what travels on a link between two parties, and its fixed header.

use std::fmt;

use super::body::Body;

/// Bytes of a header on the wire; counted in every quoted and measured byte figure.
pub const HEADER_BYTES: usize = 24;

/// Largest body of one frame that a link takes.
pub const MAX_BODY_BYTES: usize = 1 << 20;

/// A longer message travels as several frames of one sequence number, all but the last with bodies of this length: short
/// enough that a chunk is still in the cache when the next one who handles it comes, long enough that headers do not count.
pub const CHUNK_BYTES: usize = 256 << 10;

/// Largest note: bytes that travel on a link and are not part of the run.
pub const MAX_NOTE_BYTES: usize = 64 << 10;

/// Where in the run a frame belongs. Both ends work it out for themselves and compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag {
    /// The step of the plan.
    pub path: u64,
    /// The message within the step, counted per link direction.
    pub seq: u32,
    /// The chunk within the message.
    pub chunk: u32,
}

/// One frame.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    /// Where it belongs.
    pub tag: Tag,
    /// The sender's depth on the run's critical path when it sent this.
    pub depth: u32,
    /// At most [`MAX_BODY_BYTES`] bytes.
    pub body: Body,
}

/// A header that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a frame announces {0} bytes, more than the limit of {MAX_BODY_BYTES}")]
pub struct Oversized(pub u32);

/// The step number no plan uses: on a link it marks frames that steer the link itself.
pub const CONTROL_PATH: u64 = u64::MAX;

/// A frame that no link takes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{tag} of {len} bytes is no frame: over the limit of {MAX_BODY_BYTES} bytes, or its step is reserved"
)]
pub struct Unsendable {
    /// Where it belonged.
    pub tag: Tag,
    /// The length of its body.
    pub len: usize,
}

impl Frame {
    /// Whether a link takes this frame.
    ///
    /// # Errors
    /// [`Unsendable`] if the body is over [`MAX_BODY_BYTES`] or the step is [`CONTROL_PATH`].
    pub fn sendable(&self) -> Result<(), Unsendable> {
        if self.body.len() > MAX_BODY_BYTES || self.tag.path == CONTROL_PATH {
            return Err(Unsendable { tag: self.tag, len: self.body.len() });
        }
        Ok(())
    }
}

/// Bytes that a message of `len` payload bytes takes on the wire: its frames with their headers. Nothing for an empty one.
#[must_use]
pub fn wire_bytes(len: usize) -> u64 {
    (len + len.div_ceil(CHUNK_BYTES) * HEADER_BYTES) as u64
}

/// Writes a header: path, sequence, chunk, depth, length, each little-endian.
#[must_use]
pub fn encode_header(tag: Tag, depth: u32, len: u32) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..8].copy_from_slice(&tag.path.to_le_bytes());
    header[8..12].copy_from_slice(&tag.seq.to_le_bytes());
    header[12..16].copy_from_slice(&tag.chunk.to_le_bytes());
    header[16..20].copy_from_slice(&depth.to_le_bytes());
    header[20..].copy_from_slice(&len.to_le_bytes());
    header
}

/// Reads a header: tag, depth and the length of the body that follows.
///
/// # Errors
/// [`Oversized`] if the length exceeds [`MAX_BODY_BYTES`]; nothing is allocated before that is known.
pub fn decode_header(header: &[u8; HEADER_BYTES]) -> Result<(Tag, u32, usize), Oversized> {
    let word = |at: usize| {
        let mut bytes = [0; 4];
        bytes.copy_from_slice(&header[at..at + 4]);
        u32::from_le_bytes(bytes)
    };
    let path = u64::from(word(0)) | u64::from(word(4)) << 32;
    let tag = Tag { path, seq: word(8), chunk: word(12) };
    let len = word(20);
    if len as usize > MAX_BODY_BYTES {
        return Err(Oversized(len));
    }
    Ok((tag, word(16), len as usize))
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "step {} message {}.{}", self.path, self.seq, self.chunk)
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Frame({}, depth {}, {} bytes)", self.tag, self.depth, self.body.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_as_it_was_written() {
        let tag = Tag { path: 0x0102_0304_0506_0708, seq: 9, chunk: 10 };
        let header = encode_header(tag, 11, 12);
        assert_eq!(decode_header(&header), Ok((tag, 11, 12)));
        assert_eq!(header[..8], [8, 7, 6, 5, 4, 3, 2, 1], "little-endian on the wire");
    }

    #[test]
    fn a_length_over_the_limit_is_refused() {
        let tag = Tag { path: 0, seq: 0, chunk: 0 };
        let header = encode_header(tag, 0, u32::MAX);
        assert_eq!(decode_header(&header), Err(Oversized(u32::MAX)));
    }

    #[test]
    fn messages_pay_a_header_for_each_frame() {
        assert_eq!(wire_bytes(0), 0);
        assert_eq!(wire_bytes(1), 25);
        assert_eq!(wire_bytes(CHUNK_BYTES), (CHUNK_BYTES + 24) as u64);
        assert_eq!(wire_bytes(CHUNK_BYTES + 1), (CHUNK_BYTES + 49) as u64);
    }
}
