//! Which protocol for which sets and links: bytes from the protocols' own price twins, time from measured constants.

use std::fmt;

use super::{
    ecdh,
    hello::{Output, Setting},
    parameters::{Parameters, ParametersError, Sizes},
    vole_psi,
};
use crate::{
    session::{PairCost, Profile, Side},
    vole::Model,
};

/// What is asked of two sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    /// How many items each side has.
    pub sizes: Sizes,
    /// Who learns what.
    pub form: Form,
    /// What the peer may do.
    pub model: Model,
}

/// What comes out, and to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// The receiver learns which of its items are common.
    ToReceiver,
    /// Both do.
    ToBoth,
    /// The receiver learns how many are common.
    Count,
}

/// A protocol that may answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Protocol {
    /// [`super::vole_psi`].
    Vole,
    /// [`super::ecdh`].
    Ecdh,
    /// [`super::vole_psi`] with stores of short values, see [`Parameters::low_communication`].
    VoleLowCommunication,
}

/// What a protocol would take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figures {
    /// Bytes of the sender, then of the receiver.
    pub bytes: [u64; 2],
    /// Length of the longest chain of messages.
    pub rounds: u32,
    /// Processor time of both sides, in nanoseconds.
    pub cpu_nanos: u64,
    /// From start to end, in nanoseconds: latency, and the larger of computing and of filling the fuller direction.
    pub nanos: u64,
}

/// One way to answer: its figures, or why it does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alternative {
    /// The protocol.
    pub protocol: Protocol,
    /// What it would take, or why it cannot be taken.
    pub figures: Result<Figures, Unfit>,
}

/// Why a protocol does not answer a question.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unfit {
    /// It has no form for what is asked.
    #[error("does not give this form of result")]
    Form,
    /// It withstands less than is asked.
    #[error("is semi-honest, and a malicious peer was asked for")]
    Model,
    /// Its parameters do not reach so far.
    #[error("has no parameters for these sizes")]
    Sizes,
}

/// All ways to answer, the fastest first, those that do not at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    alternatives: Vec<Alternative>,
}

/// Chooses among all protocols of two for links like these.
///
/// Both sides choose alike from the same public figures; all arithmetic is on integers.
#[must_use]
pub fn choose(question: &Question, profile: Profile) -> Choice {
    let mut alternatives = [Protocol::Vole, Protocol::Ecdh, Protocol::VoleLowCommunication]
        .map(|protocol| Alternative { protocol, figures: protocol.figures(question, profile) });
    alternatives.sort_by_key(|it| it.figures.as_ref().map_or(u64::MAX, |figures| figures.nanos));
    Choice { alternatives: alternatives.into() }
}

impl Choice {
    /// The fastest, if any protocol answers.
    #[must_use]
    pub fn best(&self) -> Option<Protocol> {
        let first = self.alternatives.first()?;
        first.figures.is_ok().then_some(first.protocol)
    }

    /// All of them.
    #[must_use]
    pub fn alternatives(&self) -> &[Alternative] {
        &self.alternatives
    }
}

/// Processor time of both sides together: nanoseconds that a run takes whatever its size, and that each pair of items takes, one
/// of either side. Measured with AVX-512 on a Zen 5 server, at 2^16 and 2^20 items a side; other processors choose by the same.
struct Speed {
    fixed: u64,
    item: u64,
}

const VOLE: Speed = Speed { fixed: 4_000_000, item: 220 };
const VOLE_MALICIOUS: Speed = Speed { fixed: 13_000_000, item: 425 };
const VOLE_LOW: Speed = Speed { fixed: 6_000_000, item: 600 };
const ECDH: Speed = Speed { fixed: 100_000, item: 10_900 };

impl Protocol {
    fn figures(self, question: &Question, profile: Profile) -> Result<Figures, Unfit> {
        let Question { sizes, model, .. } = *question;
        let mut cost = PairCost::new();
        let speed = match self {
            Self::Vole => {
                vole_psi::cost(&mut cost, &setting(question)?);
                if model == Model::Malicious { VOLE_MALICIOUS } else { VOLE }
            }
            Self::Ecdh => {
                if model == Model::Malicious {
                    return Err(Unfit::Model);
                }
                let output = match question.form {
                    Form::ToReceiver => ecdh::Output::ToReceiver,
                    Form::ToBoth => ecdh::Output::ToBoth,
                    Form::Count => ecdh::Output::CountToReceiver,
                };
                let Sizes { sender, receiver } = sizes;
                ecdh::cost(&mut cost, ecdh::Shape { sender, receiver, output });
                ECDH
            }
            Self::VoleLowCommunication => {
                if model == Model::Malicious {
                    return Err(Unfit::Model);
                }
                vole_psi::cost(&mut cost, &low_setting(question)?);
                VOLE_LOW
            }
        };
        Ok(Figures::new(&cost, &speed, sizes, profile))
    }
}

fn setting(question: &Question) -> Result<Setting, Unfit> {
    with(question, Parameters::new(question.sizes, question.model))
}

fn low_setting(question: &Question) -> Result<Setting, Unfit> {
    with(question, Parameters::low_communication(question.sizes))
}

fn with(
    question: &Question,
    parameters: Result<Parameters, ParametersError>,
) -> Result<Setting, Unfit> {
    let output = match question.form {
        Form::ToReceiver => Output::ToReceiver,
        Form::ToBoth => Output::ToBoth,
        Form::Count => return Err(Unfit::Form),
    };
    Ok(Setting { parameters: parameters.map_err(|_| Unfit::Sizes)?, output, context: [0; 32] })
}

impl Figures {
    fn new(cost: &PairCost, speed: &Speed, sizes: Sizes, profile: Profile) -> Self {
        let bytes = [Side::Sender, Side::Receiver].map(|side| cost.sent_by(side));
        // A pair is an item of either side: an item of one set costs its owner most.
        let items = (sizes.sender as u64).saturating_add(sizes.receiver as u64) / 2;
        let cpu_nanos = speed.fixed.saturating_add(items.saturating_mul(speed.item));
        let latency = u64::from(cost.rounds()).saturating_mul(u64::from(profile.rtt_us) * 500);
        let fuller = u128::from(bytes[0].max(bytes[1]));
        let transfer = fuller * 8_000 / u128::from(profile.bandwidth_mbps.max(1));
        let transfer = u64::try_from(transfer).unwrap_or(u64::MAX);
        let nanos = latency.saturating_add(cpu_nanos.max(transfer));
        Self { bytes, rounds: cost.rounds(), cpu_nanos, nanos }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Vole => "vole",
            Self::Ecdh => "ecdh",
            Self::VoleLowCommunication => "vole-low",
        })
    }
}

/// A line for each alternative.
impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Alternative { protocol, figures } in &self.alternatives {
            match figures {
                Ok(it) => writeln!(
                    f,
                    "{protocol}: {} bytes from the sender, {} from the receiver, {} rounds, {} ms of processor time, {} ms in all",
                    it.bytes[0],
                    it.bytes[1],
                    it.rounds,
                    it.cpu_nanos / 1_000_000,
                    it.nanos / 1_000_000
                )?,
                Err(why) => writeln!(f, "{protocol}: {why}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{psi::Scattered, testkit::Duo};

    fn question(n: usize, form: Form, model: Model) -> Question {
        Question { sizes: Sizes { sender: n, receiver: n }, form, model }
    }

    #[test]
    fn tiny_sets_go_by_curve_points_and_large_ones_by_correlations() {
        for (profile, large) in [
            (Profile::LOOPBACK, Protocol::Vole),
            (Profile::LAN, Protocol::Vole),
            (Profile::WAN, Protocol::VoleLowCommunication),
        ] {
            let best =
                |n| choose(&question(n, Form::ToReceiver, Model::SemiHonest), profile).best();
            assert_eq!(best(100), Some(Protocol::Ecdh));
            assert_eq!(best(1 << 20), Some(large));
        }
    }

    #[test]
    fn what_a_protocol_cannot_do_is_said() {
        let malicious = choose(&question(100, Form::ToBoth, Model::Malicious), Profile::LAN);
        assert_eq!(malicious.best(), Some(Protocol::Vole));
        assert!(malicious.to_string().contains("ecdh: is semi-honest"), "{malicious}");
        let count = choose(&question(1 << 20, Form::Count, Model::SemiHonest), Profile::LAN);
        assert_eq!(count.best(), Some(Protocol::Ecdh));
        assert!(malicious.to_string().contains("vole-low: is semi-honest"), "{malicious}");
        let many = choose(&question(1 << 28, Form::ToBoth, Model::SemiHonest), Profile::LAN);
        assert!(many.to_string().contains("vole-low: has no parameters"), "{many}");
        let none = choose(&question(100, Form::Count, Model::Malicious), Profile::LAN);
        assert_eq!(none.best(), None);
    }

    /// The bytes that decide are those that a run sends.
    #[test]
    fn quoted_bytes_are_measured_bytes() {
        let duo = Duo::new(1);
        let (n, words) = (2000, duo.words(0, 3000));
        for form in [Form::ToReceiver, Form::ToBoth] {
            let asked = question(n, form, Model::SemiHonest);
            for (protocol, setting) in [
                (Protocol::Vole, setting(&asked).unwrap()),
                (Protocol::VoleLowCommunication, low_setting(&asked).unwrap()),
            ] {
                let mut sets = [&words[..n], &words[1000..]].map(|set| Scattered::new(set, 1));
                let [sender, receiver] = &mut sets;
                let run = duo.run(
                    |pair, rng| vole_psi::send(pair, &setting, sender, rng),
                    |pair, rng| vole_psi::receive(pair, &setting, receiver, rng),
                );
                let quoted = protocol.figures(&asked, Profile::LAN).unwrap();
                assert_eq!(quoted.bytes, [0, 1].map(|side| run.sent[side].bytes));
                assert_eq!(quoted.rounds, run.rounds);
            }
        }
    }
}
