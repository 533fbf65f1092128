//! What the links of a run are declared to be like: the public figures by which one protocol is chosen over another.

use super::stats::Counters;

/// A link's declared figures, the same for all links of a run.
///
/// Every party must hold the same profile, since it decides which messages are sent. It is a declaration, not a measurement:
/// a wrong one costs time, never correctness. All arithmetic on it is on integers, so that all parties choose alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Profile {
    /// There and back, in microseconds.
    pub rtt_us: u32,
    /// Of one direction of one link, in Mbit/s; 0 counts as 1.
    pub bandwidth_mbps: u32,
}

impl Profile {
    /// One machine: 25 Gbit/s, 0.06 ms.
    pub const LOOPBACK: Self = Self { rtt_us: 60, bandwidth_mbps: 25_000 };
    /// One room: 10 Gbit/s, 0.3 ms.
    pub const LAN: Self = Self { rtt_us: 300, bandwidth_mbps: 10_000 };
    /// Two cities: 100 Mbit/s, 50 ms.
    pub const WAN: Self = Self { rtt_us: 50_000, bandwidth_mbps: 100 };

    /// Whether links like these take longer with their bytes than processors do: then rows are worth spreading over all links.
    #[must_use]
    pub fn is_narrow(self) -> bool {
        self.bandwidth_mbps <= 1000
    }

    /// Nanoseconds that messages of this cost spend on the links: half a round trip a round, and the bytes of all parties
    /// spread evenly over three links.
    #[must_use]
    pub fn link_nanos(self, cost: Counters) -> u64 {
        let latency = (u64::from(cost.rounds) * 500).saturating_mul(u64::from(self.rtt_us));
        let bits = u128::from(cost.bytes) * 8 / 3;
        let transfer = bits * 1000 / u128::from(self.bandwidth_mbps.max(1));
        latency.saturating_add(u64::try_from(transfer).unwrap_or(u64::MAX))
    }
}

/// A room: what most deployments are.
impl Default for Profile {
    fn default() -> Self {
        Self::LAN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_take_half_a_round_trip_a_round_and_a_third_of_the_bytes_each() {
        let cost = Counters { bytes: 37_500_000, messages: 6, rounds: 4 };
        // 100 Mbit a link at 100 Mbit/s, and 4 times 25 ms.
        assert_eq!(Profile::WAN.link_nanos(cost), 1_100_000_000);
        assert_eq!(Profile::LAN.link_nanos(cost), 10_000_000 + 600_000);
    }

    #[test]
    fn no_figure_overflows() {
        let cost = Counters { bytes: u64::MAX, messages: 1, rounds: u32::MAX };
        let slow = Profile { rtt_us: u32::MAX, bandwidth_mbps: 0 };
        assert_eq!(slow.link_nanos(cost), u64::MAX);
    }
}
