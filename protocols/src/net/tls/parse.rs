//! Bytes from a peer, taken apart into frames. Trusts nothing, allocates no more than one frame.

use super::{
    super::{
        channel::Abort,
        frame::{CONTROL_PATH, Frame, HEADER_BYTES, Tag, decode_header},
    },
    control::{Kind, decode_abort},
};

/// What arrived.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Arrived {
    /// A frame of the run, with its header as it came.
    Data([u8; HEADER_BYTES], Frame),
    /// The peer lives.
    Heartbeat,
    /// The peer ends the run.
    Abort(Abort),
    /// Bytes for whoever set the link up.
    Note(Vec<u8>),
}

/// Reads frames from bytes that arrive in pieces of any size: fill [`Parser::space`], then [`Parser::advance`].
#[derive(Default)]
pub(super) struct Parser {
    header: [u8; HEADER_BYTES],
    /// Bytes present of what is being read now: the header or the body.
    filled: usize,
    open: Option<Open>,
}

/// A frame whose header has been read.
struct Open {
    tag: Tag,
    depth: u32,
    /// `None` for a frame of the run.
    control: Option<Kind>,
    body: Vec<u8>,
}

impl Parser {
    /// Where the next bytes go. Never empty.
    pub(super) fn space(&mut self) -> &mut [u8] {
        match &mut self.open {
            None => &mut self.header[self.filled..],
            Some(open) => &mut open.body[self.filled..],
        }
    }

    /// Takes note of `count` bytes written to the start of [`Parser::space`]; says what they complete.
    pub(super) fn advance(&mut self, count: usize) -> Result<Option<Arrived>, String> {
        self.filled += count;
        if self.open.is_none() {
            if self.filled < HEADER_BYTES {
                return Ok(None);
            }
            self.open = Some(Open::read(&self.header)?);
            self.filled = 0;
        }
        match self.open.take_if(|open| open.body.len() == self.filled) {
            None => Ok(None),
            Some(open) => {
                self.filled = 0;
                open.complete(self.header).map(Some)
            }
        }
    }
}

impl Open {
    fn read(header: &[u8; HEADER_BYTES]) -> Result<Self, String> {
        let (tag, depth, len) = decode_header(header).map_err(|error| error.to_string())?;
        let control = if tag.path == CONTROL_PATH {
            let kind = Kind::of(tag, len).ok_or_else(|| {
                format!("no control frame is of kind {} and {len} bytes", tag.seq)
            })?;
            Some(kind)
        } else {
            None
        };
        Ok(Self { tag, depth, control, body: vec![0; len] })
    }

    fn complete(self, header: [u8; HEADER_BYTES]) -> Result<Arrived, String> {
        Ok(match self.control {
            None => {
                Arrived::Data(header, Frame { tag: self.tag, depth: self.depth, body: self.body })
            }
            Some(Kind::Heartbeat) => Arrived::Heartbeat,
            Some(Kind::Note) => Arrived::Note(self.body),
            Some(Kind::Abort) => Arrived::Abort(
                decode_abort(&self.body).ok_or("an abort for a reason that does not exist")?,
            ),
        })
    }
}
