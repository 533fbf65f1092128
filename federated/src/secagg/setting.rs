//! What all know of a sum beforehand.

use std::collections::BTreeMap;

use ed25519_dalek::VerifyingKey;

use super::{
    graph::Graph,
    threshold::{Threshold, ThresholdError},
};

/// One sum: of which job and round, by whom, of how many words.
#[derive(Clone, Debug)]
pub struct Setting {
    pub(super) digest: [u8; 32],
    pub(super) clients: Vec<VerifyingKey>,
    pub(super) words: usize,
    pub(super) threshold: Threshold,
    pub(super) least: usize,
    pub(super) graph: Graph,
}

/// What names a sum: no two have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name {
    /// The job.
    pub job: [u8; 32],
    /// The round of the job.
    pub round: u32,
    /// Which try at the round.
    pub attempt: u32,
    /// The hash of what the vectors are worked out from: clients that were handed different things are in different sums.
    pub from: [u8; 32],
}

impl Setting {
    /// A sum of vectors of `words` words, by clients with these registered keys, that is opened of `least` clients and more.
    /// The coin is public and drawn after the clients are known.
    ///
    /// # Errors
    /// [`ThresholdError`] if fewer than three take part.
    pub fn new(
        name: Name,
        clients: Vec<VerifyingKey>,
        words: usize,
        (threshold, least): (Threshold, usize),
        coin: &[u8; 32],
    ) -> Result<Self, ThresholdError> {
        let count = u32::try_from(clients.len()).unwrap_or(u32::MAX);
        if count < 3 || threshold.neighbours >= count || threshold.shares > threshold.neighbours {
            return Err(ThresholdError::Clients(count));
        }
        let graph = Graph::new(count, threshold.neighbours, coin);
        let mut hasher = blake3::Hasher::new_derive_key("unseen 2026-11 secure sum: setting");
        hasher
            .update(&name.job)
            .update(&name.round.to_le_bytes())
            .update(&name.attempt.to_le_bytes())
            .update(&name.from);
        hasher.update(&(words as u64).to_le_bytes()).update(&(least as u64).to_le_bytes());
        hasher.update(&threshold.neighbours.to_le_bytes()).update(&threshold.shares.to_le_bytes());
        hasher.update(coin);
        clients.iter().for_each(|key| {
            hasher.update(key.as_bytes());
        });
        let digest = *hasher.finalize().as_bytes();
        Ok(Self { digest, clients, words, threshold, least: least.max(2), graph })
    }

    /// How many clients.
    #[must_use]
    pub fn clients(&self) -> u32 {
        u32::try_from(self.clients.len()).unwrap_or(u32::MAX)
    }

    /// The neighbours of a client, ascending.
    ///
    /// # Panics
    /// If there is no such client.
    #[must_use]
    pub fn neighbours(&self, client: u32) -> Vec<u32> {
        self.graph.of(client)
    }

    /// Shares that restore a secret.
    #[must_use]
    pub fn shares(&self) -> usize {
        self.threshold.shares as usize
    }

    /// Whether there is such a client.
    pub(super) fn knows(&self, client: u32) -> bool {
        client < self.clients()
    }

    /// The points at which neighbours have their shares of a client's secrets: their places among its neighbours, from 1.
    pub(super) fn points(&self, of: u32) -> BTreeMap<u32, u16> {
        self.graph.of(of).into_iter().zip(1..).collect()
    }
}
