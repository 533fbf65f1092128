//! The thread that sends one direction of a link.

use std::{
    io::{self, IoSlice, Read, Write},
    net::{Shutdown, TcpStream},
    sync::OnceLock,
    time::Duration,
};

use rustls::Connection;

use super::{
    super::{
        channel::Abort,
        frame::{Frame, HEADER_BYTES, encode_header},
    },
    config::LinkConfig,
    control::{Kind, encode_abort},
    digest::Running,
    outbox::{Item, Outbox, Work},
};

/// Bodies shorter than this are copied together, so that small frames share a TLS record.
const COPY_BELOW: usize = 16 << 10;
/// Bytes encrypted before they are handed to the kernel.
const FLUSH_AT: usize = 256 << 10;

/// One direction's sending end.
pub(super) struct Writer {
    stream: TcpStream,
    conn: Connection,
    /// Plain bytes that wait for more to share a record with.
    staged: Vec<u8>,
    /// Bytes encrypted since the last flush.
    encrypted: usize,
}

/// Where a writer finds what to send.
pub(super) struct Source<'a> {
    pub(super) outbox: &'a Outbox,
    pub(super) sent: &'a Running,
    pub(super) abort: &'a OnceLock<Abort>,
    pub(super) config: &'a LinkConfig,
}

impl Writer {
    pub(super) fn new(stream: TcpStream, mut conn: Connection) -> Self {
        conn.set_buffer_limit(None); // bounded by FLUSH_AT instead
        Self { stream, conn, staged: Vec::with_capacity(FLUSH_AT), encrypted: 0 }
    }

    /// Sends until the outbox closes or the link breaks.
    pub(super) fn run(mut self, source: &Source<'_>) {
        if self.send_all(source).is_ok() {
            // A peer that does not take leave within the time to linger is left all the same.
            let _ = self.close(source.config.linger);
        }
        source.outbox.done();
    }

    fn send_all(&mut self, source: &Source<'_>) -> io::Result<()> {
        loop {
            match source.outbox.take(source.config.heartbeat) {
                Work::Close => return Ok(()),
                Work::Heartbeat => self.stage(&Kind::Heartbeat.header(0))?,
                Work::Send(items) => {
                    for item in items {
                        self.item(item, source)?;
                    }
                }
            }
            self.flush()?;
        }
    }

    fn item(&mut self, item: Item, source: &Source<'_>) -> io::Result<()> {
        match item {
            // The run is over: what is left of it must not delay the abort.
            Item::Data(_) if source.abort.get().is_some() => Ok(()),
            Item::Data(frame) => self.data(&frame, source.sent),
            Item::Note(note) => {
                self.stage(&Kind::Note.header(note.len()))?;
                self.stage(&note)
            }
            Item::Working => self.stage(&Kind::Working.header(0)),
            Item::Abort(abort) => {
                let body = encode_abort(&abort);
                self.stage(&Kind::Abort.header(body.len()))?;
                self.stage(&body)
            }
        }
    }

    fn data(&mut self, frame: &Frame, sent: &Running) -> io::Result<()> {
        let len = u32::try_from(frame.body.len()).unwrap_or(u32::MAX);
        let header: [u8; HEADER_BYTES] = encode_header(frame.tag, frame.depth, len);
        self.stage(&header)?;
        if frame.body.len() < COPY_BELOW {
            self.stage(&frame.body)?;
        } else {
            for part in frame.body.chunks(FLUSH_AT) {
                self.encrypt(part)?;
            }
        }
        // Last: the peer begins meanwhile, and the body, made on another core, has come into this one's cache.
        sent.add(&header, frame);
        Ok(())
    }

    /// Adds a few plain bytes.
    fn stage(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.staged.extend_from_slice(bytes);
        if self.staged.len() >= FLUSH_AT { self.encrypt(&[]) } else { Ok(()) }
    }

    /// Encrypts what is staged and then `bytes`.
    fn encrypt(&mut self, bytes: &[u8]) -> io::Result<()> {
        let len = self.staged.len() + bytes.len();
        let parts = [IoSlice::new(&self.staged), IoSlice::new(bytes)];
        let taken = self.conn.writer().write_vectored(&parts)?;
        if taken != len {
            return Err(io::ErrorKind::WriteZero.into());
        }
        self.staged.clear();
        self.encrypted += len;
        if self.encrypted >= FLUSH_AT { self.hand_over() } else { Ok(()) }
    }

    fn hand_over(&mut self) -> io::Result<()> {
        while self.conn.wants_write() {
            self.conn.write_tls(&mut self.stream)?;
        }
        self.encrypted = 0;
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.staged.is_empty() {
            self.encrypt(&[])?;
        }
        self.hand_over()
    }

    /// Says goodbye and waits until the peer has read it: closing a socket that holds unread bytes (a session ticket is enough)
    /// would throw away what is still on its way.
    fn close(&mut self, linger: Duration) -> io::Result<()> {
        self.conn.send_close_notify();
        self.hand_over()?;
        self.stream.shutdown(Shutdown::Write)?;
        self.stream.set_read_timeout(Some(linger))?;
        let mut unread = [0; 4096];
        while self.stream.read(&mut unread)? > 0 {}
        Ok(())
    }
}
