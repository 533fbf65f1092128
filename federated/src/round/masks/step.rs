//! What the party says, and how long each body is.

use crate::{
    round::{course::Course, message::HASH_WORDS},
    secagg::{ENVELOPE_WORDS, KEYS_WORDS, SECRET_WORDS, SIGNATURE_WORDS, Slots, Threshold},
};

/// The step of a round that a message begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// The hash of the model, and the model: an update is asked for.
    Ask = 1,
    /// The others' keys.
    Keys = 2,
    /// The others' shares.
    Shares = 3,
    /// Who is in the sum.
    Sets = 4,
    /// The others' signatures.
    Signatures = 5,
    /// There are no more rounds.
    Over = 6,
}

impl Step {
    pub(super) const ALL: [Self; 6] =
        [Self::Ask, Self::Keys, Self::Shares, Self::Sets, Self::Signatures, Self::Over];

    /// Words of what the party says; the model travels by itself.
    pub(super) fn says(self, course: &Course, threshold: Threshold) -> usize {
        let slots = |each| Slots::words(threshold.neighbours as usize, each);
        match self {
            Self::Ask => HASH_WORDS,
            Self::Over => 0,
            Self::Keys => slots(KEYS_WORDS),
            Self::Shares => slots(ENVELOPE_WORDS),
            Self::Sets => 2 * course.set_words(),
            Self::Signatures => slots(SIGNATURE_WORDS),
        }
    }

    /// Words before an answer: that it comes, and of what is large its name.
    pub(super) const fn begins(self) -> usize {
        if self.is_large() { 1 + HASH_WORDS } else { 1 }
    }

    /// Whether the answer is a vector, which goes on where a link was lost.
    pub(super) const fn is_large(self) -> bool {
        matches!(self, Self::Shares)
    }

    /// Words of what a provider answers, behind those; nothing where no answer is due.
    pub(super) fn answers(self, course: &Course, threshold: Threshold) -> Option<usize> {
        let slots = |each| Slots::words(threshold.neighbours as usize, each);
        match self {
            Self::Ask => Some(KEYS_WORDS),
            Self::Keys => Some(slots(ENVELOPE_WORDS)),
            Self::Shares => Some(course.words()),
            Self::Sets => Some(SIGNATURE_WORDS),
            Self::Signatures => Some(slots(SECRET_WORDS)),
            Self::Over => None,
        }
    }
}

/// What stands before a body: the step and the round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) step: Step,
    /// From 0.
    pub(super) round: u32,
}

impl Head {
    /// Whether it comes after another one in a training.
    pub(super) fn is_after(self, other: Self) -> bool {
        (self.round, self.step) > (other.round, other.step)
    }

    pub(super) const fn word(self) -> u64 {
        (self.step as u64) << 32 | self.round as u64
    }

    /// The inverse of [`Self::word`]; nothing for a word that is none.
    pub(super) fn of(word: u64) -> Option<Self> {
        let step = Step::ALL.into_iter().find(|step| *step as u64 == word >> 32)?;
        let round = u32::try_from(word & u64::from(u32::MAX)).ok()?;
        Some(Self { step, round })
    }
}
