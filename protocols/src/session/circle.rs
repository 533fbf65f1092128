//! The price of a protocol of several parties.

use super::pair::PairCost;
use crate::{net::wire_bytes, party::PartyId, ring::Word};

/// The price of a protocol of several parties, worked out from public sizes by a twin that makes the same calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CircleCost {
    /// Bytes that each party puts on its links: headers and bodies.
    pub bytes: Vec<u64>,
    /// Messages of all.
    pub messages: u64,
    depth: Vec<u32>,
}

impl CircleCost {
    /// Nothing said yet, among so many parties.
    #[must_use]
    pub fn new(parties: usize) -> Self {
        Self::after(&vec![0; parties])
    }

    /// Nothing said yet, by parties that have seen chains of messages of these lengths before.
    pub(super) fn after(depth: &[u32]) -> Self {
        Self { bytes: vec![0; depth.len()], messages: 0, depth: depth.to_vec() }
    }

    /// The longest chain of messages that each party has seen.
    pub(super) fn depths(&self) -> &[u32] {
        &self.depth
    }

    /// Messages of `words` words each, from and to, none of which waits for another. Nothing for empty ones.
    ///
    /// # Panics
    /// If a party is not among those there are.
    pub fn at_once<W: Word>(&mut self, messages: &[(PartyId, PartyId)], words: usize) {
        if words == 0 {
            return;
        }
        let before = self.depth.clone();
        for (from, to) in messages.iter().map(|(from, to)| (usize::from(from.0), usize::from(to.0)))
        {
            self.bytes[from] += wire_bytes(words * size_of::<W>());
            self.messages += 1;
            self.depth[to] = self.depth[to].max(before[from] + 1);
        }
    }

    /// A protocol of two of the parties: `twin` is the one that quotes it by itself.
    ///
    /// # Panics
    /// If a party is not among those there are, or named as both.
    pub fn pair(&mut self, sender: PartyId, receiver: PartyId, twin: impl FnOnce(&mut PairCost)) {
        assert_ne!(sender, receiver, "a protocol of two is between two");
        let parties = [sender, receiver].map(|party| usize::from(party.0));
        let mut cost = PairCost::after(parties.map(|party| self.depth[party]));
        twin(&mut cost);
        self.messages += cost.messages;
        for ((party, bytes), depth) in parties.into_iter().zip(cost.bytes).zip(cost.depths()) {
            self.bytes[party] += bytes;
            self.depth[party] = depth;
        }
    }

    /// Bytes of all.
    #[must_use]
    pub fn total_bytes(&self) -> u64 {
        self.bytes.iter().sum()
    }

    /// Length of the longest chain of messages.
    #[must_use]
    pub fn rounds(&self) -> u32 {
        self.depth.iter().copied().max().unwrap_or(0)
    }
}
