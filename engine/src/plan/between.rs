//! An intersection between two owners as its protocol sees it: sizes, parameters, price, and which protocol is the cheapest.

use protocols::{
    psi::{
        Output, Parameters, Setting, Sizes, ecdh,
        planner::{Alternative, Choice, Form, Protocol, Question, choose},
        vole_psi,
    },
    session::{PairCost, Profile},
    vole::Model,
};

use super::{
    ir::Plan,
    psi::{Learns, Match},
};
use crate::job::PsiProtocol;

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
    pub const PROTOCOLS: [PsiProtocol; 4] =
        [PsiProtocol::Ecdh, PsiProtocol::Vole, PsiProtocol::VoleLow, PsiProtocol::VoleMalicious];

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
        let parameters = match self.protocol {
            PsiProtocol::VoleMalicious => Parameters::new(self.sizes, Model::Malicious),
            PsiProtocol::VoleLow => Parameters::low_communication(self.sizes),
            _ => Parameters::new(self.sizes, Model::SemiHonest),
        };
        let output = if self.both { Output::ToBoth } else { Output::ToReceiver };
        Some(Setting { parameters: parameters.ok()?, output, context })
    }

    /// How many times the link between the two is made anew in one run, where it is lost and the protocol goes bucket by bucket:
    /// each time two buckets at most are repeated, which a party that deviates could fill with other keys.
    pub const RENEWALS: u32 = 2;

    /// Whether it goes bucket by bucket, and so can go on over other connections where the link is lost.
    #[must_use]
    pub fn goes_on(&self) -> bool {
        self.protocol != PsiProtocol::Ecdh
    }

    /// The twin of the protocol from a bucket on, over the last connections; nothing if it has no such bucket.
    #[must_use]
    pub fn cost_from(&self, first: usize) -> Option<PairCost> {
        let setting = self.setting([0; 32]).filter(|_| self.goes_on())?;
        let mut cost = PairCost::new();
        vole_psi::cost_from(&mut cost, &setting, first);
        (first <= setting.parameters.buckets()).then_some(cost)
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

    /// The cheaper of the protocols against parties that follow them.
    #[must_use]
    pub fn cheapest(self, profile: Profile) -> PsiProtocol {
        match self.choice(profile).best() {
            Some(Protocol::Vole) => PsiProtocol::Vole,
            Some(Protocol::VoleLowCommunication) => PsiProtocol::VoleLow,
            _ => PsiProtocol::Ecdh,
        }
    }

    /// Every protocol with its bytes, rounds and estimated seconds, or why it cannot be had, for people.
    #[must_use]
    pub fn alternatives(self, profile: Profile) -> Vec<String> {
        let named = |it: &Alternative| format!("`{}`: {}", it.protocol, told(it));
        self.choice(profile).alternatives().iter().map(named).collect()
    }

    /// Against parties that follow the protocol; one that withstands more is among them.
    fn choice(self, profile: Profile) -> Choice {
        let form = if self.both { Form::ToBoth } else { Form::ToReceiver };
        choose(&Question { sizes: self.sizes, form, model: Model::SemiHonest }, profile)
    }
}

/// What an alternative takes, or why it cannot be had.
fn told(alternative: &Alternative) -> String {
    match &alternative.figures {
        Ok(figures) => {
            let (bytes, rounds) = (figures.total_bytes(), figures.rounds);
            let (seconds, millis) =
                (figures.nanos / 1_000_000_000, figures.nanos / 1_000_000 % 1_000);
            format!("{bytes} bytes, {rounds} rounds, about {seconds}.{millis:03} s")
        }
        Err(why) => why.to_string(),
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
        assert_eq!(between(1 << 20).cheapest(Profile::WAN), PsiProtocol::VoleLow);
        let lines = between(1 << 16).alternatives(Profile::LAN);
        let starts = ["`vole`: ", "`vole-malicious`: ", "`vole-low`: ", "`ecdh`: "];
        assert!(lines.iter().zip(starts).all(|(line, start)| line.starts_with(start)), "{lines:?}");
        assert!(lines.iter().any(|line| line.starts_with("`circuit`: does not")), "{lines:?}");
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
