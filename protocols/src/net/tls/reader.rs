//! The thread that receives one direction of a link.

use std::{
    io::{BufRead, BufReader, ErrorKind, Read},
    net::{Shutdown, TcpStream},
    sync::OnceLock,
};

use rustls::Connection;

use super::{
    super::{
        channel::{Abort, ChannelError},
        frame::Frame,
    },
    digest::Running,
    inbox::Inbox,
    parse::{Arrived, Parser},
};
use crate::party::PartyId;

/// rustls asks for 4 KiB at a time; the kernel is asked for this much.
const READ_BYTES: usize = 256 << 10;

/// One direction's receiving end.
pub(super) struct Reader {
    peer: PartyId,
    source: BufReader<TcpStream>,
    conn: Connection,
    parser: Parser,
    /// Frames of the run that are complete and not in the inbox yet.
    batch: Vec<Frame>,
    batch_bytes: usize,
    /// The peer has said goodbye.
    left: bool,
}

/// What a reader does with what arrives.
pub(super) struct Sink<'a> {
    pub(super) inbox: &'a Inbox,
    pub(super) received: &'a Running,
    pub(super) abort: &'a OnceLock<Abort>,
    /// Whether the peer ends nothing but its own link.
    pub(super) guest: bool,
    /// Wakes every waiting `recv` of the channel, because the run is over.
    pub(super) wake_all: &'a dyn Fn(),
}

impl Reader {
    pub(super) fn new(peer: PartyId, stream: TcpStream, conn: Connection) -> Self {
        let source = BufReader::with_capacity(READ_BYTES, stream);
        let (parser, batch) = (Parser::default(), Vec::new());
        Self { peer, source, conn, parser, batch, batch_bytes: 0, left: false }
    }

    /// Receives until the link ends, and says why in the inbox.
    pub(super) fn run(mut self, sink: &Sink<'_>) {
        let end = self.receive(sink).err().unwrap_or(ChannelError::Closed(self.peer));
        sink.inbox.push_frames(&mut self.batch, sink.abort);
        if self.left {
            sink.inbox.goodbye();
        }
        sink.inbox.end(end);
        // Tells the peer's writer that its last bytes were read, or that no more will be.
        let _ = self.source.get_ref().shutdown(Shutdown::Both);
    }

    /// `Ok` when nobody here wants more.
    fn receive(&mut self, sink: &Sink<'_>) -> Result<(), ChannelError> {
        loop {
            let read = self.conn.reader().read(self.parser.space());
            match read {
                // Only a goodbye ends the stream like this; a connection that breaks is an error.
                Ok(0) => {
                    self.left = true;
                    return Err(ChannelError::Closed(self.peer));
                }
                Ok(count) => {
                    let arrived =
                        self.parser.advance(count).map_err(|what| self.malformed(what))?;
                    if let Some(arrived) = arrived
                        && !self.deliver(arrived, sink)
                    {
                        return Ok(());
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    // Nobody is kept waiting for a frame that is here: the next read may take long.
                    if self.source.buffer().is_empty() && !self.hand_over(sink) {
                        return Ok(());
                    }
                    self.fetch()?;
                }
                Err(_) => return Err(ChannelError::Closed(self.peer)),
            }
        }
    }

    /// False when nobody here wants more.
    fn deliver(&mut self, arrived: Arrived, sink: &Sink<'_>) -> bool {
        match arrived {
            Arrived::Heartbeat => true,
            Arrived::Working => {
                sink.inbox.working();
                true
            }
            Arrived::Note(note) => sink.inbox.push_note(note, sink.abort),
            Arrived::Data(header, frame) => {
                sink.received.add(&header, &frame);
                self.batch_bytes += frame.body.len();
                self.batch.push(frame);
                self.batch_bytes < READ_BYTES || self.hand_over(sink)
            }
            // A guest leaves alone: what it says of the run is no end of it.
            Arrived::Abort(abort) if sink.guest => {
                sink.inbox.end(ChannelError::Aborted(abort));
                true
            }
            Arrived::Abort(abort) => {
                let _ = sink.abort.set(abort); // the first one heard of counts
                (sink.wake_all)();
                true
            }
        }
    }

    /// Puts the batch into the inbox.
    fn hand_over(&mut self, sink: &Sink<'_>) -> bool {
        self.batch_bytes = 0;
        let wanted = self.batch.is_empty() || sink.inbox.push_frames(&mut self.batch, sink.abort);
        self.batch.clear(); // after an abort they stay behind
        wanted
    }

    /// Reads from the kernel once and decrypts what became complete. Silence for longer than the socket's timeout ends the link.
    fn fetch(&mut self) -> Result<(), ChannelError> {
        let closed = |_| ChannelError::Closed(self.peer);
        if let Err(error) = self.source.fill_buf() {
            return if error.kind() == ErrorKind::Interrupted {
                Ok(())
            } else {
                Err(closed(error))
            };
        }
        self.conn.read_tls(&mut self.source).map_err(closed)?;
        let processed = self.conn.process_new_packets();
        // Answers, alerts among them, go back on the same connection.
        while self.conn.wants_write() {
            self.conn.write_tls(self.source.get_mut()).map_err(closed)?;
        }
        processed.map_err(|error| self.malformed(error.to_string()))?;
        Ok(())
    }

    fn malformed(&self, what: String) -> ChannelError {
        ChannelError::Malformed { peer: self.peer, what }
    }
}
