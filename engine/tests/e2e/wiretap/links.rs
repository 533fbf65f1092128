//! The data plane: bytes are carried over as they come, and read as frames afterwards.

use std::{io, time::Duration};

use protocols::net::{CONTROL_PATH, HEADER_BYTES, Tag, decode_header};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, split};

use super::{
    Kept,
    strikes::{Garbling, Struck},
};

/// One connection; frames go one way only.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) dialled: &'static str,
    pub(crate) called: &'static str,
    /// What went to the party that was called, and what came back.
    there: Vec<u8>,
    back: Vec<u8>,
}

/// A frame or note as it went from one party to another.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) tag: Tag,
    pub(crate) depth: u32,
    pub(crate) body: Vec<u8>,
}

impl Sent {
    /// Whether it stands beside the run: key agreement, READY, or how the run ended.
    pub(crate) fn is_note(&self) -> bool {
        self.tag.path == CONTROL_PATH
    }
}

impl Link {
    /// The first message, which says what the connection is for.
    pub(crate) fn hello(&self) -> Value {
        serde_json::from_slice(opening(&self.there).0).unwrap()
    }

    /// Sender and receiver.
    pub(crate) fn direction(&self) -> (&'static str, &'static str) {
        match self.hello()["flow"].as_str().unwrap() {
            "from_dialler" => (self.dialled, self.called),
            _ => (self.called, self.dialled),
        }
    }

    /// All bytes of both directions.
    pub(crate) fn bytes(&self) -> [&[u8]; 2] {
        [&self.there, &self.back]
    }

    /// What was sent, in order; heartbeats, which only tell that time passes, are left out.
    pub(crate) fn sent(&self) -> Vec<Sent> {
        let (there, back) = (opening(&self.there).1, opening(&self.back).1);
        let (mut bytes, silent) =
            if self.direction().0 == self.dialled { (there, back) } else { (back, there) };
        assert!(silent.is_empty(), "frames go one way only");
        let mut sent = Vec::new();
        while let Some((header, rest)) = bytes.split_first_chunk::<HEADER_BYTES>() {
            let (tag, depth, len) = decode_header(header).unwrap();
            let (body, rest) = rest.split_at(len);
            if tag.path != CONTROL_PATH || tag.seq != 0 {
                sent.push(Sent { tag, depth, body: body.to_vec() });
            }
            bytes = rest;
        }
        assert!(bytes.is_empty(), "half a header");
        sent
    }
}

/// The hello or its answer, and what comes after it.
fn opening(bytes: &[u8]) -> (&[u8], &[u8]) {
    let (len, rest) = bytes.split_first_chunk().unwrap();
    rest.split_at(usize::from(u16::from_be_bytes(*len)))
}

/// Relays one connection until both directions have ended, or a strike cuts it.
pub(super) async fn relay(
    kept: &Kept,
    (dialled, called): (&'static str, &'static str),
    near: impl AsyncRead + AsyncWrite,
    (far, garbling): (impl AsyncRead + AsyncWrite, Garbling),
) -> Option<()> {
    let at = {
        let mut links = kept.links();
        links.push(Link { dialled, called, there: Vec::new(), back: Vec::new() });
        links.len() - 1
    };
    let ((near_in, near_out), (mut far_in, mut far_out)) = (split(near), split(far));
    let struck = kept.strikes.on([dialled, called], garbling);
    let there = |bytes: &[u8]| kept.links()[at].there.extend_from_slice(bytes);
    let back = |bytes: &[u8]| kept.links()[at].back.extend_from_slice(bytes);
    let both = async {
        let there = copy(near_in, &mut far_out, there, (&struck, true));
        tokio::try_join!(there, copy(&mut far_in, near_out, back, (&struck, false))).is_ok()
    };
    tokio::select! {
        said_goodbye = both => return said_goodbye.then_some(()),
        // Both streams just end, without a goodbye.
        () = struck.cut() => {}
    }
    if kept.strikes.halves() {
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    None
}

async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    keep: impl Fn(&[u8]),
    (struck, goes_there): (&Struck<'_>, bool),
) -> io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    // A stream that ends without a goodbye is an error: whoever is at the other end is to see it end likewise.
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return to.shutdown().await;
        }
        keep(&buffer[..read]);
        struck.passed(read, goes_there).await;
        to.write_all(&buffer[..read]).await?;
        to.flush().await?;
    }
}
