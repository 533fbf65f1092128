//! Frames that steer the link itself: the step is [`CONTROL_PATH`], the sequence number says which kind.

use super::super::{
    channel::{Abort, AbortCode},
    frame::{CONTROL_PATH, HEADER_BYTES, MAX_NOTE_BYTES, Tag, encode_header},
};
use crate::party::PartyId;

const ABORT_BYTES: usize = 11;

/// What a control frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// This party lives.
    Heartbeat = 0,
    /// The run is over.
    Abort = 1,
    /// Bytes for whoever set the link up.
    Note = 2,
    /// This party is at work that was announced, and gets on with it.
    Working = 3,
}

impl Kind {
    /// The kind of a control frame, if its length is one that this kind can have.
    pub(super) fn of(tag: Tag, len: usize) -> Option<Self> {
        match tag.seq {
            0 if len == 0 => Some(Self::Heartbeat),
            1 if len == ABORT_BYTES => Some(Self::Abort),
            2 if len <= MAX_NOTE_BYTES => Some(Self::Note),
            3 if len == 0 => Some(Self::Working),
            _ => None,
        }
    }

    /// The header of such a frame; `len` is within the limits of its kind.
    pub(super) fn header(self, len: usize) -> [u8; HEADER_BYTES] {
        let tag = Tag { path: CONTROL_PATH, seq: self as u32, chunk: 0 };
        encode_header(tag, 0, u32::try_from(len).unwrap_or(u32::MAX))
    }
}

/// Party, step, code, little-endian.
pub(super) fn encode_abort(abort: &Abort) -> [u8; ABORT_BYTES] {
    let mut body = [0; ABORT_BYTES];
    body[..2].copy_from_slice(&abort.party.0.to_le_bytes());
    body[2..10].copy_from_slice(&abort.path.to_le_bytes());
    body[10] = abort.code as u8;
    body
}

/// Reads what [`encode_abort`] wrote.
pub(super) fn decode_abort(body: &[u8]) -> Option<Abort> {
    let (party, rest) = body.split_first_chunk()?;
    let (path, code) = rest.split_first_chunk()?;
    let [code] = code else { return None };
    Some(Abort {
        party: PartyId(u16::from_le_bytes(*party)),
        path: u64::from_le_bytes(*path),
        code: AbortCode::from_byte(*code)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_abort_is_read_as_it_was_written() {
        let abort = Abort { party: PartyId(2), path: 1 << 40, code: AbortCode::Deadline };
        let mut body = encode_abort(&abort);
        assert_eq!(decode_abort(&body), Some(abort));
        body[10] = 0;
        assert_eq!(decode_abort(&body), None, "there is no code 0");
        assert_eq!(decode_abort(&body[..10]), None);
    }
}
