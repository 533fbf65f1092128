//! A provider's rows as the integers that are shared: still clear, and still at home.

use std::{fmt, path::PathBuf, sync::Arc};

use ed25519_dalek::SigningKey;
use federated::{disk::DiskError, model::Rows, round::Masks};
use zeroize::Zeroizing;

use super::{ends::LookupEnd, own_set::OwnSet, presence::Presence, program::Program};
use crate::identity::Hash32;

/// One column before it is shared, padded to the public bound. Dead rows and absent values are 0.
#[derive(Clone)]
pub enum EncodedColumn {
    /// The low `width` bits of each word.
    Bits {
        /// At most 64.
        width: u16,
        /// One word a row.
        rows: Vec<u64>,
    },
    /// The same for more than 64 bits: the low `width` bits of each row.
    WideBits {
        /// At most 128.
        width: u16,
        /// One value a row.
        rows: Vec<u128>,
    },
    /// Z64, two's complement.
    Words(Vec<u64>),
    /// Z128, two's complement.
    Wide(Vec<u128>),
}

/// What one local input shares: its columns, and which rows exist.
#[derive(Clone, Default)]
pub struct EncodedInput {
    /// Which rows exist; all have the public length.
    pub live: Vec<bool>,
    /// In the order of [`crate::plan::LocalInput::columns`].
    pub columns: Vec<EncodedColumn>,
    /// A set that stays at home and is intersected into shares.
    pub home: Option<HomeSet>,
    /// A set that stays at home and whose owner learns an intersection, or helps another to.
    pub own: Option<OwnSet>,
    /// A set that is looked up in another, or the other.
    pub lookup: Option<LookupEnd>,
    /// Rows that a model is trained on.
    pub train: Option<TrainingRows>,
}

/// Rows that stay at home and are trained on.
#[derive(Clone)]
pub struct TrainingRows {
    /// In the clear.
    pub rows: Rows,
    /// What the order follows from in which they are seen: a secret of their owner.
    pub order: Zeroizing<[u8; 32]>,
    /// Who trains on them, if not this program.
    pub program: Option<Program>,
    /// Asked before anything is sent in a round that is accounted for; no such round is taken part in without.
    pub spend: Option<Spend>,
    /// Where their owner keeps trainings, for what a trainer has from round to round.
    pub keeps: Option<PathBuf>,
    /// The run, where what this party gives in it is kept, so that it comes back if it is killed.
    pub presence: Option<Presence>,
    /// What this party's updates are masked with, where they are.
    pub masking: Option<Masking>,
}

/// What a provider masks its updates with: the sums it is in, the key that it signs with, and its account of what it has signed.
#[derive(Clone)]
pub struct Masking {
    /// The sums.
    pub masks: Masks,
    /// Its registered key.
    pub signer: SigningKey,
    /// Its account.
    pub once: SignOnce,
}

/// What a provider signs of a round of a training by masks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedSum {
    /// The job that began the training.
    pub training: Hash32,
    /// Which round, from 0.
    pub round: u32,
    /// Whose updates are in the sum and who was lost, in this run.
    pub sets: Hash32,
    /// Whose updates to which model are added up, in whichever job of the training.
    pub summed: Hash32,
}

/// Writes down, for good, what is signed; says whether it may be: nothing else was for the round in this job, and nothing but the same sum
/// in its training; or why it cannot be written.
pub type SignOnce = Arc<dyn Fn(SignedSum) -> Result<bool, DiskError> + Send + Sync>;

/// Keys do not print.
impl fmt::Debug for Masking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Masking({} providers)", self.masks.keys.len())
    }
}

/// Writes down that a round is taken part in, for good; says why not where the budget of the rows does not reach, or why it cannot be written.
pub type Spend = Arc<dyn Fn(u32) -> Result<Result<(), String>, DiskError> + Send + Sync>;

/// Rows do not print.
impl fmt::Debug for TrainingRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TrainingRows × {}", self.rows.len())
    }
}

/// The keys of a set that stays at home.
#[derive(Clone)]
pub struct HomeSet {
    /// The id of each row's key; none where a part of it is NULL.
    pub ids: Vec<Option<u128>>,
    /// A one-way image of the salt that made the ids: both owners must hold the same.
    pub context: [u8; 32],
}

impl EncodedColumn {
    /// How many rows, padding included.
    #[must_use]
    pub fn rows(&self) -> usize {
        match self {
            Self::Bits { rows, .. } | Self::Words(rows) => rows.len(),
            Self::WideBits { rows, .. } | Self::Wide(rows) => rows.len(),
        }
    }
}

impl fmt::Debug for EncodedColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bits { width, .. } | Self::WideBits { width, .. } => {
                write!(f, "Bits({width}) × {}", self.rows())
            }
            Self::Words(_) => write!(f, "Words × {}", self.rows()),
            Self::Wide(_) => write!(f, "Wide × {}", self.rows()),
        }
    }
}

impl fmt::Debug for HomeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HomeSet × {}", self.ids.len())
    }
}

impl fmt::Debug for EncodedInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncodedInput")
            .field("rows", &self.live.len())
            .field("columns", &self.columns)
            .finish()
    }
}
