//! The ways to answer, side by side.

use std::fmt;

use super::{
    figures::Figures,
    question::{Means, Protocol, Question, Unfit},
};

/// One way to answer: its figures, or why it does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alternative {
    /// The protocol.
    pub protocol: Protocol,
    /// What it would take, or why it cannot be taken.
    pub figures: Result<Figures, Unfit>,
}

/// All ways to answer, the fastest first, those that do not at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    alternatives: Vec<Alternative>,
}

/// Chooses among all protocols, for links like these, and processors where they are given.
///
/// All parties choose alike from the same public figures; all arithmetic is on integers. A protocol that withstands more
/// than is asked answers too.
#[must_use]
pub fn choose(question: &Question, means: impl Into<Means>) -> Choice {
    let means = means.into();
    let mut alternatives = Protocol::ALL
        .map(|protocol| Alternative { protocol, figures: Figures::of(protocol, question, means) });
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

    /// What one of them takes, or why it does not answer.
    #[must_use]
    pub fn of(&self, protocol: Protocol) -> Option<&Alternative> {
        self.alternatives.iter().find(|it| it.protocol == protocol)
    }
}

/// A line for each alternative.
impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.alternatives.iter().try_for_each(|it| writeln!(f, "{it}"))
    }
}

impl fmt::Display for Alternative {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { protocol, figures } = self;
        let it = match figures {
            Ok(it) => it,
            Err(why) => return write!(f, "{protocol}: {why}"),
        };
        write!(
            f,
            "{protocol}: {} bytes from the sender, {} from the receiver, ",
            it.bytes[0], it.bytes[1]
        )?;
        if it.others > 0 {
            write!(f, "{} from others, ", it.others)?;
        }
        write!(
            f,
            "{} rounds, {} ms of processor time, {} ms in all",
            it.rounds,
            it.cpu_nanos / 1_000_000,
            it.nanos / 1_000_000
        )
    }
}
