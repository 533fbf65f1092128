//! Bytes from a peer, taken apart into frames. Trusts nothing, allocates no more than one frame.

use super::{
    super::{
        body::Body,
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
    /// The peer gets on with work of its own.
    Working,
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
    body: Body,
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
        Ok(Self { tag, depth, control, body: Body::scratch(len) })
    }

    fn complete(self, header: [u8; HEADER_BYTES]) -> Result<Arrived, String> {
        Ok(match self.control {
            None => {
                Arrived::Data(header, Frame { tag: self.tag, depth: self.depth, body: self.body })
            }
            Some(Kind::Heartbeat) => Arrived::Heartbeat,
            Some(Kind::Working) => Arrived::Working,
            Some(Kind::Note) => Arrived::Note(self.body.to_vec()),
            Some(Kind::Abort) => Arrived::Abort(
                decode_abort(&self.body).ok_or("an abort for a reason that does not exist")?,
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::{
        super::super::{
            channel::AbortCode,
            frame::{MAX_BODY_BYTES, encode_header},
        },
        super::control::encode_abort,
        *,
    };
    use crate::party::PartyId;

    /// What a parser makes of `bytes` that come in pieces of at most `piece`.
    fn parse(mut bytes: &[u8], piece: usize) -> Result<Vec<Arrived>, String> {
        let mut parser = Parser::default();
        let mut arrived = Vec::new();
        while !bytes.is_empty() {
            let space = parser.space();
            assert!((1..=MAX_BODY_BYTES).contains(&space.len()));
            let count = space.len().min(piece).min(bytes.len());
            space[..count].copy_from_slice(&bytes[..count]);
            bytes = &bytes[count..];
            arrived.extend(parser.advance(count)?);
        }
        Ok(arrived)
    }

    fn data(path: u64, body: Vec<u8>) -> (Vec<u8>, Arrived) {
        let tag = Tag { path, seq: 1, chunk: 2 };
        let header = encode_header(tag, 3, u32::try_from(body.len()).unwrap());
        (
            [&header[..], &body].concat(),
            Arrived::Data(header, Frame { tag, depth: 3, body: body.into() }),
        )
    }

    fn control() -> impl Strategy<Value = (Vec<u8>, Arrived)> {
        let note = |note: Vec<u8>| {
            ([&Kind::Note.header(note.len())[..], &note].concat(), Arrived::Note(note))
        };
        let abort = Abort { party: PartyId(1), path: 9, code: AbortCode::Input };
        let body = encode_abort(&abort);
        let abort_bytes = [&Kind::Abort.header(body.len())[..], &body].concat();
        prop_oneof![
            vec(any::<u8>(), 0..100).prop_map(note),
            Just((abort_bytes, abort)).prop_map(|(bytes, abort)| (bytes, Arrived::Abort(abort))),
            Just(()).prop_map(|()| (Kind::Heartbeat.header(0).to_vec(), Arrived::Heartbeat)),
            Just(()).prop_map(|()| (Kind::Working.header(0).to_vec(), Arrived::Working)),
        ]
    }

    proptest! {
        #[test]
        fn frames_are_read_as_they_were_written_in_pieces_of_any_size(
            frames in vec(prop_oneof![
                (0..u64::MAX, vec(any::<u8>(), 0..100)).prop_map(|(path, body)| data(path, body)),
                control(),
            ], 0..20),
            piece in 1_usize..200,
        ) {
            let (bytes, sent): (Vec<_>, Vec<_>) = frames.into_iter().unzip();
            prop_assert_eq!(parse(&bytes.concat(), piece), Ok(sent));
        }

        #[test]
        fn any_bytes_are_frames_or_an_error(bytes in vec(any::<u8>(), 0..2000), piece in 1_usize..100) {
            let _ = parse(&bytes, piece);
        }

        /// Random headers rarely pass the length check; these do, or fail it narrowly.
        #[test]
        fn any_plausible_header_is_a_frame_or_an_error(
            path in prop_oneof![Just(CONTROL_PATH), 0..10_u64],
            seq in 0..5_u32,
            len in prop_oneof![0..40_u32, (1 << 20) - 2..(1 << 20) + 2_u32, any::<u32>()],
            rest in vec(any::<u8>(), 0..100),
        ) {
            let header = encode_header(Tag { path, seq, chunk: 0 }, 0, len);
            let parsed = parse(&[&header[..], &rest].concat(), 7);
            if len as usize > MAX_BODY_BYTES {
                prop_assert!(parsed.is_err());
            }
        }
    }

    #[test]
    fn control_frames_of_no_kind_are_refused() {
        let header = |seq, len| encode_header(Tag { path: CONTROL_PATH, seq, chunk: 0 }, 0, len);
        for (seq, len) in [(0, 1), (1, 0), (1, 10), (1, 12), (2, (64 << 10) + 1), (3, 1), (4, 0)] {
            assert!(parse(&header(seq, len), 24).is_err(), "kind {seq} of {len} bytes");
        }
    }
}
