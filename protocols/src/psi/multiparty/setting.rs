//! What all parties of an intersection know beforehand.

use crate::{
    okvs::{Params, ParamsError},
    party::PartyId,
    psi::{
        layout::{capacity, overflow},
        parameters::{MOST_ITEMS, ParametersError},
    },
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
    /// Who they are in the run, ascending; sizes and capacities are in this order.
    parties: Vec<PartyId>,
    sizes: Vec<usize>,
    audience: Audience,
    buckets: usize,
    /// Items that a bucket of each party is padded to.
    capacity: Vec<usize>,
    context: [u8; 32],
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
    /// Seats that are none: not one for each party, or not ascending.
    #[error("{seats} seats, in whatever order, do not seat {parties} parties one by one")]
    Seats {
        /// How many there were.
        seats: usize,
        /// For how many.
        parties: usize,
    },
    /// Sets too large.
    #[error(transparent)]
    Size(#[from] ParamsError),
    /// Sets that cannot be put into buckets.
    #[error(transparent)]
    Buckets(#[from] ParametersError),
}

impl Setting {
    /// Parties 0, 1, 2, … with at most `sizes[i]` items each, of whom `leader` learns the intersection; all of a set is one bucket.
    ///
    /// # Errors
    /// [`SettingError`].
    pub fn new(
        leader: PartyId,
        sizes: Vec<usize>,
        audience: Audience,
    ) -> Result<Self, SettingError> {
        Self::with_buckets_of(usize::MAX, leader, sizes, audience)
    }

    /// The same in buckets of about `items` items of the largest set: fewer take less memory and more bytes.
    ///
    /// # Errors
    /// [`SettingError`].
    pub fn with_buckets_of(
        items: usize,
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
        if items == 0 {
            return Err(ParametersError::NoBucket.into());
        }
        let largest = sizes.iter().copied().max().unwrap_or(0);
        let buckets = largest.div_ceil(items).max(1);
        if buckets > 1 && largest > MOST_ITEMS {
            return Err(ParametersError::TooManyItems { items: largest }.into());
        }
        let capacity: Vec<_> = sizes.iter().map(|size| capacity(*size, buckets)).collect();
        let numbers = 0..u16::try_from(parties).unwrap_or(u16::MAX);
        let (parties, context) = (numbers.map(PartyId).collect(), [0; 32]);
        let setting = Self { leader, parties, sizes, audience, buckets, capacity, context };
        for most in &setting.capacity {
            Params::new(*most, setting.instances())?;
        }
        Ok(setting)
    }

    /// The same in a run of more parties: the first of these has the first of these seats, and so on. Whoever has another seat takes no
    /// part.
    ///
    /// # Shape
    /// Seats ascending, one for each party.
    ///
    /// # Errors
    /// [`SettingError::Seats`].
    pub fn seated(self, seats: Vec<PartyId>) -> Result<Self, SettingError> {
        let parties = self.parties.len();
        if seats.len() != parties || !seats.is_sorted_by(|one, next| one < next) {
            return Err(SettingError::Seats { seats: seats.len(), parties });
        }
        let leader = self.place(self.leader).and_then(|at| seats.get(at).copied());
        let leader = leader.ok_or(SettingError::Leader { leader: self.leader })?;
        Ok(Self { leader, parties: seats, ..self })
    }

    /// The same about items under this salt, of this job: a digest of all else that the parties agreed on, which they compare.
    #[must_use]
    pub fn about(self, context: [u8; 32]) -> Self {
        Self { context, ..self }
    }

    /// What it is [about](Setting::about).
    pub(super) fn context(&self) -> &[u8; 32] {
        &self.context
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

    /// Items of each party at most, in the order of [`Setting::parties`].
    #[must_use]
    pub fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    /// Buckets: an item belongs to the one [`bucket_of`](crate::psi::bucket_of) says.
    #[must_use]
    pub fn buckets(&self) -> usize {
        self.buckets
    }

    /// How many times a link of two parties is made anew in one run, where it is lost.
    pub const RENEWALS: u32 = 2;

    /// How many times buckets are repeated in one run at most, all taken together: one for each time that a link of the leader is
    /// made anew.
    #[must_use]
    pub fn repeats(&self) -> u64 {
        u64::from(Self::RENEWALS) * self.followers()
    }

    /// Links of the leader.
    fn followers(&self) -> u64 {
        self.sizes.len() as u64 - 1
    }

    /// Programmed functions of a run, those of repeated buckets among them: they share the failure probability.
    pub(super) fn instances(&self) -> u64 {
        self.followers() * (self.buckets as u64 + self.repeats())
    }

    /// −log2 of the bound on the probability that a run ends without a result by chance: on each of the leader's links the
    /// stores of its items have none with probability 2^-40, all programmed functions together have none with as much, and a bucket
    /// of a party gets more items than it holds. Buckets that are [repeated](Setting::repeats) are counted, as many as there can be.
    /// That an item passes as common which is not has probability below 2^-64 for sets of any size.
    #[must_use]
    pub fn failure_bits(&self) -> f64 {
        let stores = u32::try_from(self.sizes.len()).unwrap_or(u32::MAX);
        let full = self.sizes.iter().zip(&self.capacity);
        let full = full.map(|(size, most)| overflow(*size, self.buckets, *most).exp2());
        -(f64::from(stores) * (-40.0_f64).exp2() + full.sum::<f64>()).log2()
    }

    /// Items of one party at most; none of one that takes no part.
    #[must_use]
    pub fn size(&self, party: PartyId) -> usize {
        self.place(party).map_or(0, |at| self.sizes[at])
    }

    /// All parties, ascending.
    pub fn parties(&self) -> impl DoubleEndedIterator<Item = PartyId> + use<> {
        self.parties.clone().into_iter()
    }

    /// How many parties a run has at least in which these sit.
    #[must_use]
    pub fn places(&self) -> usize {
        self.parties.last().map_or(0, |last| usize::from(last.0) + 1)
    }

    /// Where a party stands in the order of all.
    fn place(&self, party: PartyId) -> Option<usize> {
        self.parties.binary_search(&party).ok()
    }

    /// All parties but one.
    pub fn others(&self, party: PartyId) -> impl Iterator<Item = PartyId> + use<> {
        self.parties().filter(move |other| *other != party)
    }

    /// Items of one party in a bucket; none of one that takes no part.
    pub(super) fn capacity(&self, party: PartyId) -> usize {
        self.place(party).map_or(0, |at| self.capacity[at])
    }

    /// Items that can be common at most.
    pub(super) fn most_common(&self) -> usize {
        self.sizes.iter().copied().min().unwrap_or(0)
    }

    /// Items of a bucket that can be common at most.
    pub(super) fn most_common_in_bucket(&self) -> usize {
        self.capacity.iter().copied().min().unwrap_or(0)
    }
}
