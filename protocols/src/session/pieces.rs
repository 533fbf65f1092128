//! Messages that are too long to stand in memory: given and taken piece by piece.

use std::time::{Duration, Instant};

use super::{
    error::SessionError,
    pair::Pair,
    wire::{Wire, bump},
};
use crate::{
    net::{Body, CHUNK_BYTES, Frame, Tag},
    party::PartyId,
};

/// So many bytes of it may have come before they are taken.
const BEHIND: usize = 4 << 20;

/// Others who wait for this party hear so often that a long message is still coming.
const SIGN: Duration = Duration::from_millis(250);

/// So many pieces may be on their way out before the next one is asked for.
const AHEAD: u32 = 16;

impl Wire {
    /// Sends one message of `len` bytes, which `fill` gives piece by piece: the same frames as those of a message that is there as
    /// a whole. No more than a few MB of it wait to leave.
    ///
    /// # Errors
    /// Those of `fill`; if the link is down.
    pub fn send_pieces<E: From<SessionError>>(
        &mut self,
        to: PartyId,
        len: usize,
        mut fill: impl FnMut(&mut [u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        if len == 0 {
            return Ok(());
        }
        let (seq, depth) = (bump(&mut self.sent, to), self.depth);
        self.count(len);
        for (chunk, from) in (0_u32..).zip((0..len).step_by(CHUNK_BYTES)) {
            let mut body = Body::scratch(CHUNK_BYTES.min(len - from));
            fill(&mut body)?;
            let tag = Tag { path: self.place(), seq, chunk };
            let sent = self.channel.send(to, Frame { tag, depth, body });
            let sent = sent.and_then(|()| match (chunk + 1) % AHEAD {
                0 => self.channel.settle(to),
                _ => Ok(()),
            });
            sent.map_err(|source| self.channel_error(source))?;
        }
        Ok(())
    }

    /// Receives one message of `len` bytes and hands it on piece by piece, in order. No more than a few MB of it wait to be taken.
    ///
    /// # Errors
    /// Those of `take`; if the link is down, or the frame is not the one due.
    pub fn recv_pieces<E: From<SessionError>>(
        &mut self,
        from: PartyId,
        len: usize,
        mut take: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        if len == 0 {
            return Ok(());
        }
        self.channel.throttle(from, Some(BEHIND));
        let taken = self.take_pieces(from, len, &mut take);
        self.channel.throttle(from, None);
        taken
    }

    fn take_pieces<E: From<SessionError>>(
        &mut self,
        from: PartyId,
        len: usize,
        take: &mut impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let (seq, before) = (bump(&mut self.received, from), self.depth);
        let mut told = Instant::now();
        for (chunk, at) in (0_u32..).zip((0..len).step_by(CHUNK_BYTES)) {
            let frame = self.next(from).map_err(|source| self.channel_error(source))?;
            if frame.tag != (Tag { path: self.place(), seq, chunk }) {
                return Err(self.not_due(from, (seq, chunk), frame).into());
            }
            let (want, got) = (CHUNK_BYTES.min(len - at), frame.body.len());
            if want != got {
                let step = self.step();
                return Err(SessionError::Length { step, peer: from, want, got }.into());
            }
            self.depth = self.depth.max(frame.depth.saturating_add(1));
            take(&frame.body)?;
            if told.elapsed() >= SIGN {
                self.working();
                told = Instant::now();
            }
        }
        self.passed(before);
        Ok(())
    }
}

impl Pair<'_> {
    /// See [`Wire::send_pieces`].
    ///
    /// # Errors
    /// As there.
    pub fn send_pieces<E: From<SessionError>>(
        &mut self,
        len: usize,
        fill: impl FnMut(&mut [u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let peer = self.peer();
        self.wire().send_pieces(peer, len, fill)
    }

    /// See [`Wire::recv_pieces`].
    ///
    /// # Errors
    /// As there.
    pub fn recv_pieces<E: From<SessionError>>(
        &mut self,
        len: usize,
        take: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let peer = self.peer();
        self.wire().recv_pieces(peer, len, take)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, mpsc};

    use super::*;
    use crate::{
        net::{loopback, tls::LinkConfig},
        session::Gate,
    };

    /// It takes two seconds because patience is what it is about.
    #[test]
    fn who_takes_a_message_that_is_long_on_its_way_is_waited_for() {
        const PIECES: usize = 20;
        let stall = LinkConfig::with_stall(Duration::from_millis(1200));
        let ends = loopback::mesh(3, stall).unwrap().into_iter();
        let wires = ends.map(|end| Wire::new(Arc::new(end), Gate::listing(&[])));
        let [mut sends, mut takes, mut waits] = wires.collect::<Vec<_>>().try_into().unwrap();
        let (_never, tick) = mpsc::channel::<()>();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                let slowly = |piece: &mut [u8]| {
                    tick.recv_timeout(Duration::from_millis(100)).unwrap_err();
                    piece.fill(7);
                    Ok::<(), SessionError>(())
                };
                sends.send_pieces(PartyId(1), PIECES * CHUNK_BYTES, slowly).unwrap();
            });
            scope.spawn(move || {
                let mut taken = 0;
                let take = |piece: &[u8]| {
                    taken += piece.len();
                    Ok::<(), SessionError>(())
                };
                takes.recv_pieces(PartyId(0), PIECES * CHUNK_BYTES, take).unwrap();
                assert_eq!(taken, PIECES * CHUNK_BYTES);
                takes.send(PartyId(2), &[5_u64]).unwrap();
            });
            let mut word = [0_u64];
            waits.recv(PartyId(1), &mut word).unwrap();
            assert_eq!(word, [5]);
        });
    }
}
