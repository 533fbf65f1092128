//! An intersection between two owners as its protocol sees it: sizes, parameters, price, and which protocol is the cheapest.

use protocols::{
    psi::{Output, Parameters, Setting, Sizes, ecdh, vole_psi},
    session::{Counters, PairCost, Profile},
    vole::Model,
};

use super::{
    ir::Plan,
    psi::{Learns, Match},
};
use crate::job::PsiProtocol;

/// What a raised point and a hashed item take of one core, and the setup of vector oblivious linear evaluation, in nanoseconds:
/// rough figures of an ordinary server.
const POINT_NANOS: u64 = 4_000;
const ITEM_NANOS: u64 = 300;
const SETUP_NANOS: u64 = 20_000_000;

/// All that is public of an intersection between two owners.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Between {
    /// By which protocol.
    pub protocol: PsiProtocol,
    /// Whether both learn which of their own elements the other has, or the receiver alone.
    pub both: bool,
    /// The bounds of both sets.
    pub sizes: Sizes,
}

impl Between {
    /// The protocols there are.
    pub const PROTOCOLS: [PsiProtocol; 3] =
        [PsiProtocol::Ecdh, PsiProtocol::Vole, PsiProtocol::VoleMalicious];

    /// What a plan says; nothing if it names other inputs than it has, or a protocol that is not one of two.
    #[must_use]
    pub fn of(plan: &Plan, of: &Match) -> Option<Self> {
        let rows = |at: u32| usize::try_from(plan.inputs.get(at as usize)?.rows).ok();
        let sizes = Sizes { sender: rows(of.sender)?, receiver: rows(of.receiver)? };
        let known = Self::PROTOCOLS.contains(&of.protocol);
        known.then_some(Self { protocol: of.protocol, both: of.learns == Learns::Both, sizes })
    }

    /// The same by another protocol.
    #[must_use]
    pub fn by(self, protocol: PsiProtocol) -> Self {
        Self { protocol, ..self }
    }

    /// For Diffie–Hellman: what both sides know beforehand.
    #[must_use]
    pub fn shape(&self) -> ecdh::Shape {
        let Sizes { sender, receiver } = self.sizes;
        let output = if self.both { ecdh::Output::ToBoth } else { ecdh::Output::ToReceiver };
        ecdh::Shape { sender, receiver, output }
    }

    /// For VOLE-PSI: what both sides know beforehand; nothing for sets that are too large. The context is what both must hold alike.
    #[must_use]
    pub fn setting(&self, context: [u8; 32]) -> Option<Setting> {
        let model = match self.protocol {
            PsiProtocol::VoleMalicious => Model::Malicious,
            _ => Model::SemiHonest,
        };
        let output = if self.both { Output::ToBoth } else { Output::ToReceiver };
        let parameters = Parameters::new(self.sizes, model).ok()?;
        Some(Setting { parameters, output, context })
    }

    /// The twin of the protocol.
    pub fn cost(&self, c: &mut PairCost) {
        if self.protocol == PsiProtocol::Ecdh {
            ecdh::cost(c, self.shape());
        } else if let Some(setting) = self.setting([0; 32]) {
            vole_psi::cost(c, &setting);
        }
    }

    /// −log2 of the bound on the probability that the run fails by chance or shows a false member.
    #[must_use]
    pub fn failure_bits(&self) -> Option<f64> {
        match self.protocol {
            PsiProtocol::Ecdh => Some(40.0),
            _ => Some(self.setting([0; 32])?.parameters.failure_bits()),
        }
    }

    /// What a run is estimated to take; nothing where there are no parameters. In integers, so that all parties choose alike.
    #[must_use]
    pub fn nanos(&self, profile: Profile) -> Option<u64> {
        self.failure_bits()?;
        let mut c = PairCost::new();
        self.cost(&mut c);
        let (bytes, messages, rounds) = (c.total_bytes(), c.messages, c.rounds());
        let items = self.sizes.sender.saturating_add(self.sizes.receiver) as u64;
        let work = match self.protocol {
            PsiProtocol::Ecdh => items.saturating_mul(POINT_NANOS),
            _ => items.saturating_mul(ITEM_NANOS).saturating_add(SETUP_NANOS),
        };
        // Both directions of one link carry it all.
        let link = profile.link_nanos(Counters { bytes: bytes * 3 / 2, messages, rounds });
        Some(work.saturating_add(link))
    }

    /// The cheaper of the protocols against parties that follow them.
    #[must_use]
    pub fn cheapest(self, profile: Profile) -> PsiProtocol {
        let both = [PsiProtocol::Ecdh, PsiProtocol::Vole];
        let nanos = |protocol: &PsiProtocol| self.by(*protocol).nanos(profile).unwrap_or(u64::MAX);
        both.into_iter().min_by_key(nanos).unwrap_or(PsiProtocol::Ecdh)
    }

    /// Every protocol with its bytes, rounds and estimated seconds, for people.
    #[must_use]
    pub fn alternatives(self, profile: Profile) -> Vec<String> {
        let line = |protocol: PsiProtocol| {
            let by = self.by(protocol);
            let nanos = by.nanos(profile)?;
            let mut c = PairCost::new();
            by.cost(&mut c);
            let (bytes, rounds) = (c.total_bytes(), c.rounds());
            let (seconds, millis) = (nanos / 1_000_000_000, nanos / 1_000_000 % 1_000);
            Some(format!(
                "`{protocol}`: {bytes} bytes, {rounds} rounds, about {seconds}.{millis:03} s"
            ))
        };
        Self::PROTOCOLS.into_iter().filter_map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn between(items: usize) -> Between {
        let sizes = Sizes { sender: items, receiver: items };
        Between { protocol: PsiProtocol::Auto, both: false, sizes }
    }

    #[test]
    fn small_sets_go_by_points_and_large_ones_by_vectors() {
        for profile in [Profile::LOOPBACK, Profile::LAN] {
            assert_eq!(between(64).cheapest(profile), PsiProtocol::Ecdh);
            assert_eq!(between(1 << 20).cheapest(profile), PsiProtocol::Vole);
        }
        let lines = between(1 << 16).alternatives(Profile::LAN);
        assert_eq!(lines.len(), 3, "{lines:?}");
    }

    #[test]
    fn every_protocol_keeps_to_forty_bits() {
        for protocol in Between::PROTOCOLS {
            for items in [1, 64, 4097, 1 << 20] {
                let bits = between(items).by(protocol).failure_bits().unwrap();
                assert!(bits >= 40.0, "{protocol} of {items}: 2^-{bits}");
            }
        }
    }
}
