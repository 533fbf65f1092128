//! A protocol of two: one party's end of what it does with one peer, and the price of it.

use std::fmt;

use super::{
    error::SessionError,
    gate::{OpeningKind, Recipient},
    wire::Wire,
};
use crate::{
    net::wire_bytes,
    party::PartyId,
    ring::{Buf, Word},
};

/// One party's end of a protocol of two, over a [`Wire`] that may have other peers as well.
///
/// Both parties make matching calls in the same order; message lengths follow from public sizes alone.
pub struct Pair<'w> {
    wire: &'w mut Wire,
    peer: PartyId,
}

impl<'w> Pair<'w> {
    pub(super) fn new(wire: &'w mut Wire, peer: PartyId) -> Self {
        Self { wire, peer }
    }

    /// This party.
    #[must_use]
    pub fn me(&self) -> PartyId {
        self.wire.me()
    }

    /// The other party.
    #[must_use]
    pub fn peer(&self) -> PartyId {
        self.peer
    }

    /// The step of the plan this party is at.
    #[must_use]
    pub fn step(&self) -> u64 {
        self.wire.step()
    }

    /// What lies beneath, for a protocol that goes on with others.
    pub fn wire(&mut self) -> &mut Wire {
        self.wire
    }

    /// Sends one message. Nothing is sent for an empty one.
    ///
    /// # Errors
    /// If the link is down.
    pub fn send<W: Word>(&mut self, words: &[W]) -> Result<(), SessionError> {
        self.wire.send(self.peer, words)
    }

    /// Receives one message of as many words as `out` has.
    ///
    /// # Errors
    /// If the link is down, or the message is not the one due.
    pub fn recv<W: Word>(&mut self, out: &mut [W]) -> Result<(), SessionError> {
        self.wire.recv(self.peer, out)
    }

    /// Receives one message of `len` words.
    ///
    /// # Errors
    /// As [`Pair::recv`].
    pub fn recv_words<W: Word>(&mut self, len: usize) -> Result<Buf<W>, SessionError> {
        self.wire.recv_words(self.peer, len)
    }

    /// Receives one message of exactly `N` bytes.
    ///
    /// # Errors
    /// As [`Pair::recv`].
    pub fn recv_array<const N: usize>(&mut self) -> Result<[u8; N], SessionError> {
        let mut out = [0; N];
        self.recv(&mut out)?;
        Ok(out)
    }

    /// Makes the link with the peer anew after it was lost: see [`Wire::renew`].
    ///
    /// # Errors
    /// As [`Wire::renew`].
    pub fn renew(&mut self) -> Result<(), SessionError> {
        self.wire.renew(self.peer)
    }

    /// How often the link with the peer was made anew in this run.
    #[must_use]
    pub fn renewed(&self) -> u32 {
        self.wire.renewed(self.peer)
    }

    /// Takes an opening to the peer off the plan's list, before its first byte is sent.
    ///
    /// # Errors
    /// [`super::GateError::NotListed`].
    pub fn reveal(&mut self, kind: OpeningKind, count: usize) -> Result<(), SessionError> {
        self.wire.pass_gate(kind, count, Recipient::Party(self.peer))
    }

    /// The peer sent something the protocol does not allow there.
    #[must_use]
    pub fn invalid(&self, what: &'static str) -> SessionError {
        SessionError::Invalid { step: self.step(), peer: self.peer, what }
    }

    /// Copies that must agree do not.
    #[must_use]
    pub fn inconsistent(&self, what: &'static str) -> SessionError {
        SessionError::Inconsistent { step: self.step(), peer: self.peer, what }
    }

    /// The caller gave what the protocol does not take.
    #[must_use]
    pub fn misuse(&self, what: &'static str) -> SessionError {
        SessionError::Misuse { step: self.step(), what }
    }

    /// A random choice failed that fails with negligible probability.
    #[must_use]
    pub fn unlucky(&self, what: &'static str) -> SessionError {
        SessionError::Unlucky { step: self.step(), what }
    }
}

impl fmt::Debug for Pair<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pair({} with {}, step {})", self.me(), self.peer, self.step())
    }
}

/// One of the two ends of a protocol of two, by what it does there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The end that sends last: it learns nothing, or nothing but what is stated.
    Sender,
    /// The end that learns the outcome.
    Receiver,
}

impl Side {
    /// The other end.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Sender => Self::Receiver,
            Self::Receiver => Self::Sender,
        }
    }

    const fn index(self) -> usize {
        match self {
            Self::Sender => 0,
            Self::Receiver => 1,
        }
    }
}

/// The price of a protocol of two, worked out from public sizes by a twin of the protocol that makes the same calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PairCost {
    /// Bytes that the sender, then the receiver, puts on the link: headers and bodies.
    pub bytes: [u64; 2],
    /// Messages of both.
    pub messages: u64,
    depth: [u32; 2],
}

impl PairCost {
    /// Nothing said yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Nothing said yet, by a sender and a receiver that have seen chains of messages of these lengths before.
    pub(super) fn after(depth: [u32; 2]) -> Self {
        Self { depth, ..Self::default() }
    }

    /// The longest chains of messages that the sender and the receiver have seen.
    pub(super) fn depths(&self) -> [u32; 2] {
        self.depth
    }

    /// A message of `words` words from one side to the other. Nothing for an empty one.
    pub fn message<W: Word>(&mut self, from: Side, words: usize) {
        self.bytes_from(from, words * size_of::<W>());
    }

    /// A message of `len` bytes from one side to the other.
    pub fn bytes_from(&mut self, from: Side, len: usize) {
        let message = self.departs(from, len);
        self.arrives(message);
    }

    /// A message of `len` bytes each way, neither waiting for the other.
    pub fn exchange(&mut self, len: usize) {
        let messages = [Side::Sender, Side::Receiver].map(|from| self.departs(from, len));
        messages.into_iter().for_each(|message| self.arrives(message));
    }

    /// A message leaves; what its sender does next does not wait for it to arrive.
    pub fn departs(&mut self, from: Side, len: usize) -> InFlight {
        if len == 0 {
            return InFlight { to: from.other(), depth: 0 };
        }
        self.bytes[from.index()] += wire_bytes(len);
        self.messages += 1;
        InFlight { to: from.other(), depth: self.depth[from.index()] + 1 }
    }

    /// A message that left is received.
    pub fn arrives(&mut self, message: InFlight) {
        let InFlight { to, depth } = message;
        self.depth[to.index()] = self.depth[to.index()].max(depth);
    }

    /// Bytes of both.
    #[must_use]
    pub fn total_bytes(&self) -> u64 {
        self.bytes[0] + self.bytes[1]
    }

    /// Bytes that one side sends.
    #[must_use]
    pub fn sent_by(&self, side: Side) -> u64 {
        self.bytes[side.index()]
    }

    /// Length of the longest chain of messages.
    #[must_use]
    pub fn rounds(&self) -> u32 {
        self.depth[0].max(self.depth[1])
    }

    /// Turns the sides around: what follows is a protocol in which the sender of before receives.
    #[must_use]
    pub fn swapped(self) -> Self {
        let Self { bytes: [a, b], messages, depth: [c, d] } = self;
        Self { bytes: [b, a], messages, depth: [d, c] }
    }
}

/// A message of a [`PairCost`] that left and has not arrived.
#[derive(Debug)]
#[must_use]
pub struct InFlight {
    to: Side,
    depth: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_that_cross_take_one_round() {
        let mut cost = PairCost::new();
        cost.exchange(8);
        assert_eq!((cost.messages, cost.rounds(), cost.total_bytes()), (2, 1, 64));
        cost.exchange(0);
        assert_eq!((cost.messages, cost.rounds()), (2, 1));
    }

    #[test]
    fn a_cost_counts_headers_and_the_longest_chain() {
        let mut cost = PairCost::new();
        cost.message::<u64>(Side::Receiver, 2);
        cost.message::<u64>(Side::Receiver, 0);
        cost.message::<u8>(Side::Receiver, 1);
        cost.message::<u128>(Side::Sender, 1);
        assert_eq!((cost.sent_by(Side::Receiver), cost.sent_by(Side::Sender)), (65, 40));
        assert_eq!((cost.messages, cost.rounds()), (3, 2));
        assert_eq!(cost.swapped().sent_by(Side::Sender), 65);
    }

    #[test]
    fn two_parties_talk_and_the_cost_is_what_was_counted() {
        let run = crate::testkit::Duo::new(1).run(
            |pair, _| {
                pair.send(&[1_u64; 1000])?;
                pair.recv_array::<5>()
            },
            |pair, _| {
                let words = pair.recv_words::<u64>(1000)?;
                pair.reveal(OpeningKind::Aggregate, 1)?;
                pair.send(&[7_u8; 5])?;
                Ok(words.iter().sum::<u64>())
            },
        );
        assert_eq!((run.sender, run.receiver), ([7; 5], 1000));
        assert_eq!(run.opened[1][0].to, Recipient::Party(PartyId(0)));
        let mut cost = PairCost::new();
        cost.message::<u64>(Side::Sender, 1000);
        cost.message::<u8>(Side::Receiver, 5);
        run.assert_cost(&cost);
    }

    #[test]
    fn a_message_of_another_length_is_refused() {
        let run = crate::testkit::Duo::new(2).run(
            |pair, _| pair.send(&[1_u64; 2]),
            |pair, _| Ok(pair.recv_words::<u64>(3).unwrap_err()),
        );
        let want = SessionError::Length { step: 1, peer: PartyId(0), want: 24, got: 16 };
        assert_eq!(run.receiver, want);
    }
}
