//! What all parties of an intersection know beforehand.

use crate::{
    okvs::{Params, ParamsError},
    party::PartyId,
};

/// Who learns the intersection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// The leader alone.
    Leader,
    /// Every party, from the leader's report, which nobody can check.
    Everyone,
}

/// Who takes part, with how many items, and who learns what: public, and the same at all parties.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    leader: PartyId,
    sizes: Vec<usize>,
    audience: Audience,
}

/// Why a setting is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingError {
    /// One party, or none, or more than can be numbered.
    #[error("{parties} parties cannot intersect their sets; two can, and up to 65535")]
    Parties {
        /// How many there were.
        parties: usize,
    },
    /// A leader who does not take part.
    #[error("{leader} leads but takes no part")]
    Leader {
        /// Who.
        leader: PartyId,
    },
    /// Sets too large.
    #[error(transparent)]
    Size(#[from] ParamsError),
}

impl Setting {
    /// Parties 0, 1, 2, … with at most `sizes[i]` items each, of whom `leader` learns the intersection.
    ///
    /// # Errors
    /// [`SettingError`].
    pub fn new(
        leader: PartyId,
        sizes: Vec<usize>,
        audience: Audience,
    ) -> Result<Self, SettingError> {
        let parties = sizes.len();
        if parties < 2 || u16::try_from(parties).is_err() {
            return Err(SettingError::Parties { parties });
        }
        if usize::from(leader.0) >= parties {
            return Err(SettingError::Leader { leader });
        }
        for size in &sizes {
            Params::new(*size, parties as u64)?;
        }
        Ok(Self { leader, sizes, audience })
    }

    /// Who learns the intersection first.
    #[must_use]
    pub fn leader(&self) -> PartyId {
        self.leader
    }

    /// Who learns it in the end.
    #[must_use]
    pub fn audience(&self) -> Audience {
        self.audience
    }

    /// Items of each party at most.
    #[must_use]
    pub fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    /// −log2 of the bound on the probability that a run ends without a result by chance: on each of the leader's links the
    /// store of its items has none with probability 2^-40, and all programmed functions together have none with as much. That
    /// an item passes as common which is not has probability below 2^-64 for sets of any size.
    #[must_use]
    pub fn failure_bits(&self) -> f64 {
        let stores = u32::try_from(self.sizes.len()).unwrap_or(u32::MAX);
        40.0 - f64::from(stores).log2()
    }

    /// Items of one party at most; none of one that takes no part.
    pub(super) fn size(&self, party: PartyId) -> usize {
        self.sizes.get(usize::from(party.0)).copied().unwrap_or(0)
    }

    /// All parties, in order.
    pub(super) fn parties(&self) -> impl DoubleEndedIterator<Item = PartyId> + use<> {
        (0..u16::try_from(self.sizes.len()).unwrap_or(u16::MAX)).map(PartyId)
    }

    /// All parties but one.
    pub(super) fn others(&self, party: PartyId) -> impl Iterator<Item = PartyId> + use<> {
        self.parties().filter(move |other| *other != party)
    }

    /// Items that can be common at most.
    pub(super) fn most_common(&self) -> usize {
        self.sizes.iter().copied().min().unwrap_or(0)
    }
}
