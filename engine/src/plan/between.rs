//! An intersection between two owners as its protocol sees it: sizes, parameters, price, and which protocol is the cheapest.

use protocols::{
    psi::{
        Output, Parameters, Setting, Sizes, ecdh,
        planner::{Alternative, Choice, Form, Means, Protocol, Question, choose},
    },
    session::PairCost,
    vole::Model,
};

use super::{
    agreed::Agreed,
    ir::Plan,
    psi::{Learns, Match},
};
use crate::job::{BucketRows, PsiProtocol};

/// All that is public of an intersection between two owners.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Between {
    /// By which protocol.
    pub protocol: PsiProtocol,
    /// Whether both learn which of their own elements the other has, or the receiver alone.
    pub both: bool,
    /// The bounds of both sets.
    pub sizes: Sizes,
    /// How many rows of the larger one go together.
    pub bucket: BucketRows,
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
        let (protocol, bucket) = (of.protocol, of.bucket_rows);
        known.then_some(Self { protocol, both: of.learns == Learns::Both, sizes, bucket })
    }

    /// The same by another protocol.
    #[must_use]
    pub fn by(self, protocol: PsiProtocol) -> Self {
        Self { protocol, ..self }
    }

    /// What both sides hold alike beforehand; nothing for sets that are too large. The context is what else both must hold alike.
    #[must_use]
    pub fn agreed(&self, context: [u8; 32]) -> Option<Agreed> {
        let (sizes, bucket) = (self.sizes, self.bucket.rows());
        let output = if self.both { Output::ToBoth } else { Output::ToReceiver };
        let parameters = match self.protocol {
            PsiProtocol::Ecdh => {
                let setting = ecdh::Setting::with_buckets_of(bucket, sizes, output, context);
                return setting.ok().map(Agreed::Points);
            }
            PsiProtocol::VoleLow => Parameters::low_communication_with_buckets_of(bucket, sizes),
            PsiProtocol::VoleMalicious => {
                Parameters::with_buckets_of(bucket, sizes, Model::Malicious)
            }
            _ => Parameters::with_buckets_of(bucket, sizes, Model::SemiHonest),
        };
        Some(Agreed::Vectors(Setting { parameters: parameters.ok()?, output, context }))
    }

    /// How many times the link between the two is made anew in one run, where it is lost and the protocol goes bucket by bucket:
    /// each time two buckets at most are repeated, which a party that deviates could fill with other keys.
    pub const RENEWALS: u32 = 2;

    /// How many jobs may go on with one that began, each behind the last bucket that both have on disk: two buckets at most are repeated there
    /// as well, so that in such a job the link is made anew once less.
    pub const RESUMPTIONS: u32 = 2;

    /// How many times the link is made anew in a run of a plan.
    #[must_use]
    pub fn renewals(of: &Match) -> u32 {
        Self::RENEWALS - u32::from(of.resumes.is_some())
    }

    /// Whether it goes bucket by bucket, and so can go on over other connections where the link is lost.
    #[must_use]
    pub fn goes_on(&self) -> bool {
        self.agreed([0; 32]).is_some_and(|agreed| agreed.goes_on())
    }

    /// The twin of the protocol from a bucket on, over the last connections; nothing if it has no such bucket.
    #[must_use]
    pub fn cost_from(&self, first: usize) -> Option<PairCost> {
        let agreed = self.agreed([0; 32]).filter(Agreed::goes_on)?;
        let mut cost = PairCost::new();
        agreed.cost_from(&mut cost, first);
        (first <= agreed.buckets()).then_some(cost)
    }

    /// The twin of the protocol.
    pub fn cost(&self, c: &mut PairCost) {
        if let Some(agreed) = self.agreed([0; 32]) {
            agreed.cost_from(c, 0);
        }
    }

    /// −log2 of the bound on the probability that the run fails by chance or shows a false member.
    #[must_use]
    pub fn failure_bits(&self) -> Option<f64> {
        Some(self.agreed([0; 32])?.failure_bits())
    }

    /// The cheaper of the protocols against parties that follow them.
    #[must_use]
    pub fn cheapest(self, means: impl Into<Means>) -> PsiProtocol {
        match self.choice(means).best() {
            Some(Protocol::Vole) => PsiProtocol::Vole,
            Some(Protocol::VoleLowCommunication) => PsiProtocol::VoleLow,
            _ => PsiProtocol::Ecdh,
        }
    }

    /// Every protocol with its bytes, rounds and estimated seconds, or why it cannot be had, for people.
    #[must_use]
    pub fn alternatives(self, means: impl Into<Means>) -> Vec<String> {
        let named = |it: &Alternative| format!("`{}`: {}", it.protocol, told(it));
        self.choice(means).alternatives().iter().map(named).collect()
    }

    /// Against parties that follow the protocol; one that withstands more is among them.
    fn choice(self, means: impl Into<Means>) -> Choice {
        let form = if self.both { Form::ToBoth } else { Form::ToReceiver };
        let (sizes, model, bucket) = (self.sizes, Model::SemiHonest, self.bucket.rows());
        choose(&Question { sizes, form, model, bucket }, means)
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
    use protocols::session::Profile;

    use super::*;

    fn between(items: usize) -> Between {
        let sizes = Sizes { sender: items, receiver: items };
        let bucket = BucketRows::default();
        Between { protocol: PsiProtocol::Auto, both: false, sizes, bucket }
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
    fn every_protocol_keeps_to_forty_bits_in_buckets_of_any_size() {
        for protocol in Between::PROTOCOLS {
            for items in [1, 64, 4097, 1 << 20] {
                for rows in [BucketRows::LEAST, 1 << 18, BucketRows::MOST] {
                    let bucket = rows.try_into().unwrap();
                    let between = Between { bucket, ..between(items) }.by(protocol);
                    let bits = between.failure_bits().unwrap();
                    assert!(bits >= 40.0, "{protocol} of {items}: 2^-{bits}");
                    let (buckets, due) =
                        (between.agreed([0; 32]).unwrap().buckets(), items.div_ceil(rows as usize));
                    let low = protocol == PsiProtocol::VoleLow;
                    assert!(buckets == due || (low && buckets > due), "{protocol} of {items}");
                }
            }
        }
    }
}
