//! Which providers: sets that the compute parties agree on.

use protocols::{
    party::PartyId,
    session::{Session, SessionError},
};

use super::course::Course;

/// A set of providers, by number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Set(pub(super) Vec<u64>);

impl Set {
    /// Those of whom something holds.
    pub(super) fn of(course: &Course, has: impl Fn(usize) -> bool) -> Self {
        let mut words = vec![0; course.set_words()];
        for number in (0..course.providers.len()).filter(|number| has(*number)) {
            words[number / 64] |= 1 << (number % 64);
        }
        Self(words)
    }

    /// Those that all three parties have.
    pub(super) fn agree(mut self, s: &mut Session) -> Result<Self, SessionError> {
        let others: [PartyId; 2] = [s.role().next().id(), s.role().prev().id()];
        for to in others {
            s.send(to, &self.0)?;
        }
        for from in others {
            let theirs = s.wire().recv_words::<u64>(from, self.0.len())?;
            self.0.iter_mut().zip(theirs.iter()).for_each(|(word, theirs)| *word &= theirs);
        }
        Ok(self)
    }

    /// Whether a provider is in it.
    pub(super) fn has(&self, number: usize) -> bool {
        self.0.get(number / 64).is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    /// Who is in it, in order.
    pub(super) fn numbers(&self) -> impl Iterator<Item = usize> {
        (0..64 * self.0.len()).filter(|number| self.has(*number))
    }

    /// How many are in it.
    pub(super) fn count(&self) -> usize {
        self.numbers().count()
    }
}
