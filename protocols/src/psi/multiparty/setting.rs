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
        let setting = Self { leader, sizes, audience, buckets, capacity, context: [0; 32] };
        for most in &setting.capacity {
            Params::new(*most, setting.instances())?;
        }
        Ok(setting)
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

    /// Items of each party at most.
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

    /// Items of one party in a bucket; none of one that takes no part.
    pub(super) fn capacity(&self, party: PartyId) -> usize {
        self.capacity.get(usize::from(party.0)).copied().unwrap_or(0)
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
