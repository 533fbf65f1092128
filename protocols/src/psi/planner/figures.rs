//! What an answer takes.

use super::{
    price::Price,
    question::{Means, Protocol, Question, Unfit},
    speed::{Work, of_link},
};

/// What a protocol would take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figures {
    /// Bytes of the sender, then of the receiver. Of a protocol of three compute parties, what is not between these two is put down
    /// as spread evenly over all three.
    pub bytes: [u64; 2],
    /// Bytes of all other parties.
    pub others: u64,
    /// Length of the longest chain of messages.
    pub rounds: u32,
    /// Processor time of all parties, in nanoseconds.
    pub cpu_nanos: u64,
    /// From start to end, in nanoseconds: latency, and the larger of computing and of filling the fullest direction of a link.
    pub nanos: u64,
}

impl Figures {
    pub(super) fn of(protocol: Protocol, question: &Question, means: Means) -> Result<Self, Unfit> {
        let price = Price::of(protocol, question, means.profile)?;
        let work = Work::of(protocol, question, means.cores);
        let latency = u64::from(price.rounds).saturating_mul(u64::from(means.profile.rtt_us) * 500);
        let transfer =
            u128::from(price.fullest) * 8_000 / u128::from(means.profile.bandwidth_mbps.max(1));
        let transfer = u64::try_from(transfer).unwrap_or(u64::MAX);
        // With one processor the link's own work stands in line with the protocol's, at both ends.
        let link = of_link(price.bytes[0].saturating_add(price.bytes[1]));
        let computing =
            if means.cores > 1 { work.path.max(link) } else { work.path.saturating_add(link) };
        let Price { bytes, others, rounds, .. } = price;
        let nanos = latency.saturating_add(computing.max(transfer));
        Ok(Self { bytes, others, rounds, cpu_nanos: work.all, nanos })
    }

    /// Bytes of all parties.
    #[must_use]
    pub fn total_bytes(&self) -> u64 {
        self.bytes[0].saturating_add(self.bytes[1]).saturating_add(self.others)
    }
}
