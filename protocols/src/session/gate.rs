//! The opening gate: the one place a shared value can leave its shares, and only as the plan listed it.

use std::{collections::BTreeMap, fmt};

use crate::party::{PartyId, Role};

/// Why a value is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum OpeningKind {
    /// A result, to whom the job says.
    Result,
    /// A uniformly random permutation: positions of rows after a shuffle that no single party knows.
    Permutation,
    /// A value under a uniform mask.
    Masked,
    /// Whether any value of a step's input lies outside the range declared for it: one bit for all of them.
    RangeCheck,
    /// Which of the recipient's own elements are in a peer's set; the count is that of the elements tested.
    Membership,
    /// A number worked out over an intersection: its size, or a sum.
    Aggregate,
    /// The average of a round of training, and the figures beside it.
    Average,
    /// Whether a number worked out over an intersection reaches a least one: one bit. What follows it may depend on it.
    Threshold,
    /// Which of the providers' updates are taken, a bit each, 64 a word.
    Acceptance,
    /// What providers' updates were worth over all rounds, a number each, and how sure that is.
    Contribution,
}

/// Who learns an opened value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Recipient {
    /// All three compute parties.
    All,
    /// One compute party.
    One(Role),
    /// A participant of a protocol of two or of many.
    Party(PartyId),
    /// The buyer, by sealed shares.
    Buyer,
}

/// One opening, as listed or as done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Opening {
    /// The step of the plan.
    pub step: u64,
    /// Why.
    pub kind: OpeningKind,
    /// How many elements (rows of a permutation, words of a result).
    pub count: u64,
    /// To whom.
    pub to: Recipient,
}

/// An opening that does not stand on the list, or a listed one that did not happen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GateError {
    /// About to open something that is not listed.
    #[error("the plan does not list this opening: {0}; nothing was sent")]
    NotListed(Opening),
    /// About to open something after a bit said that nothing more may be.
    #[error("this opening is listed, but the run was to end before it: {0}; nothing was sent")]
    Closed(Opening),
    /// The run ended with listed openings left over.
    #[error("the run ended without a listed opening: {0}")]
    LeftOver(Opening),
}

/// What may still be opened, and what was.
#[derive(Debug)]
pub struct Gate {
    /// How many times each opening may still happen; `None` for a gate that only records.
    listed: Option<BTreeMap<Opening, u64>>,
    opened: Vec<Opening>,
    /// Whether nothing may pass any more.
    closed: bool,
}

impl Gate {
    /// A gate that lets exactly these openings through.
    #[must_use]
    pub fn listing(openings: &[Opening]) -> Self {
        let mut listed = BTreeMap::new();
        for opening in openings {
            *listed.entry(*opening).or_insert(0) += 1;
        }
        Self { listed: Some(listed), opened: Vec::new(), closed: false }
    }

    /// A gate that lets everything through and records it. For tests and benches only.
    #[cfg(any(test, feature = "testkit"))]
    #[must_use]
    pub fn recording() -> Self {
        Self { listed: None, opened: Vec::new(), closed: false }
    }

    /// Takes one opening off the list; called before anything is sent.
    ///
    /// # Errors
    /// [`GateError::NotListed`]; [`GateError::Closed`] after [`Gate::close`].
    pub fn pass(&mut self, opening: Opening) -> Result<(), GateError> {
        if self.closed {
            return Err(GateError::Closed(opening));
        }
        if let Some(listed) = &mut self.listed {
            let left = listed.get_mut(&opening).filter(|left| **left > 0);
            *left.ok_or(GateError::NotListed(opening))? -= 1;
        }
        self.opened.push(opening);
        Ok(())
    }

    /// Puts what was opened from this place on back on the list: the work that opened it was broken off, and is done again.
    pub(super) fn put_back(&mut self, from: usize) {
        for opening in self.opened.drain(from..) {
            if let Some(listed) = &mut self.listed {
                *listed.entry(opening).or_insert(0) += 1;
            }
        }
    }

    /// Lets nothing through any more. What is listed may depend on a bit that is opened first: where it says that the rest is not
    /// to happen, the gate is closed, and the run cannot [finish](Gate::finish) but only end, whoever calls what after that.
    pub fn close(&mut self) {
        self.closed = true;
    }

    /// Ends the run: everything listed must have happened.
    ///
    /// # Errors
    /// [`GateError::LeftOver`].
    pub fn finish(&self) -> Result<(), GateError> {
        let left = self.listed.iter().flatten().find(|(_, left)| **left > 0);
        left.map_or(Ok(()), |(opening, _)| Err(GateError::LeftOver(*opening)))
    }

    /// What was opened, in order.
    #[must_use]
    pub fn opened(&self) -> &[Opening] {
        &self.opened
    }
}

impl fmt::Display for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            OpeningKind::Result => "result elements",
            OpeningKind::Permutation => "positions of a random permutation",
            OpeningKind::Masked => "masked elements",
            OpeningKind::RangeCheck => {
                "bit that tells whether a value is outside its declared range,"
            }
            OpeningKind::Membership => "elements' membership",
            OpeningKind::Aggregate => "numbers over an intersection",
            OpeningKind::Average => "the average of a round",
            OpeningKind::Threshold => "bit that tells whether enough elements are common",
            OpeningKind::Contribution => "numbers that tell what updates were worth",
            OpeningKind::Acceptance => "words of bits that tell whose updates are taken,",
        };
        write!(f, "step {}: {} {kind} to ", self.step, self.count)?;
        match self.to {
            Recipient::All => f.write_str("the three compute parties"),
            Recipient::One(role) => write!(f, "{role}"),
            Recipient::Party(party) => write!(f, "{party}"),
            Recipient::Buyer => f.write_str("the buyer"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opening(count: u64) -> Opening {
        Opening { step: 1, kind: OpeningKind::Permutation, count, to: Recipient::All }
    }

    #[test]
    fn only_what_is_listed_passes_and_only_as_often() {
        let mut gate = Gate::listing(&[opening(5), opening(5), opening(6)]);
        assert_eq!(gate.pass(opening(7)), Err(GateError::NotListed(opening(7))));
        assert_eq!(gate.pass(opening(5)), Ok(()));
        assert_eq!(gate.pass(opening(5)), Ok(()));
        assert_eq!(gate.pass(opening(5)), Err(GateError::NotListed(opening(5))));
        assert_eq!(gate.finish(), Err(GateError::LeftOver(opening(6))));
        assert_eq!(gate.pass(opening(6)), Ok(()));
        assert_eq!(gate.finish(), Ok(()));
        assert_eq!(gate.opened().len(), 3);
    }

    #[test]
    fn what_was_put_back_passes_again_and_is_opened_once() {
        let mut gate = Gate::listing(&[opening(5), opening(6), opening(6)]);
        for count in [5, 6, 6] {
            assert_eq!(gate.pass(opening(count)), Ok(()));
        }
        gate.put_back(1);
        assert_eq!(gate.opened(), [opening(5)]);
        assert_eq!(gate.finish(), Err(GateError::LeftOver(opening(6))));
        assert_eq!(gate.pass(opening(5)), Err(GateError::NotListed(opening(5))));
        assert_eq!(gate.pass(opening(6)), Ok(()));
        assert_eq!(gate.pass(opening(6)), Ok(()));
        assert_eq!(gate.pass(opening(6)), Err(GateError::NotListed(opening(6))));
        assert_eq!(gate.finish(), Ok(()));
    }

    #[test]
    fn nothing_passes_a_closed_gate_and_its_run_does_not_finish() {
        for mut gate in [Gate::listing(&[opening(5), opening(6)]), Gate::recording()] {
            assert_eq!(gate.pass(opening(5)), Ok(()));
            gate.close();
            assert_eq!(gate.pass(opening(6)), Err(GateError::Closed(opening(6))));
            assert_eq!(gate.opened().len(), 1);
        }
        let mut gate = Gate::listing(&[opening(6)]);
        gate.close();
        assert_eq!(gate.finish(), Err(GateError::LeftOver(opening(6))));
    }
}
