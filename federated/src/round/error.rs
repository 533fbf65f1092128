//! Why a training ends early.

use protocols::session::SessionError;

use crate::{
    average::SumError, disk::DiskError, gate::AcceptError, secagg::SecAggError, sums::SumsError,
};

/// Why a training ends early.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RoundError {
    /// A compute party's link, or a message that was not the one due.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// Too few updates came.
    #[error(
        "round {round}: {got} of {asked} providers sent an update and {least} are the least; nothing was opened. {declined} declined, \
         which their own logs explain; {} came too late, or are not up",
        asked.saturating_sub(got + declined)
    )]
    Few {
        /// Which round, from 1.
        round: u32,
        /// How many came.
        got: usize,
        /// How many there are.
        asked: usize,
        /// How many must come.
        least: usize,
        /// How many said to this party that they have none to send.
        declined: usize,
    },
    /// Too few updates are within the gates' bounds.
    #[error(
        "round {round}: {taken} of the {got} updates that came are taken by the gates and {least} are the least; nothing of them was \
         opened. A bound that more providers keep to lets more through"
    )]
    Refused {
        /// Which round, from 1.
        round: u32,
        /// How many are taken.
        taken: usize,
        /// How many came.
        got: usize,
        /// How many must be taken.
        least: usize,
    },
    /// Gates that are none for so many providers.
    #[error("the gates of this training cannot be: {0}")]
    Gate(AcceptError),
    /// Updates in words of 32 bits, and something that computes with words of 64.
    #[error(
        "updates in words of 32 bits go with no gate, no noise, no masks and no telling what they were worth; take words of 64 bits"
    )]
    Narrow,
    /// Counts of rows, and something that hides or bounds what providers send, or no three parties to work with them.
    #[error(
        "rows are counted by three parties, with no gate, no noise, no masks and no telling what updates were worth; leave the metrics out"
    )]
    Counting,
    /// What updates were worth cannot be told.
    #[error(
        "what updates were worth cannot be told: {0}; ask without it, or of other validation rows"
    )]
    Worth(&'static str),
    /// The opened figures cannot be true.
    #[error("round {round}: {source}; the average was not used")]
    Sum {
        /// Which round, from 1.
        round: u32,
        /// What is wrong.
        source: SumError,
    },
    /// The sums of a round give no model.
    #[error("round {round}: {source}")]
    Solved {
        /// Which round, from 1.
        round: u32,
        /// Why not.
        source: SumsError,
    },
    /// A sum of masked updates that cannot be, or that somebody cheats in.
    #[error("round {round}: {source}; nothing more is given")]
    Masks {
        /// Which round, from 1.
        round: u32,
        /// What is wrong.
        source: SecAggError,
    },
    /// Not all whose updates a sum was closed over are there to make it anew.
    #[error(
        "round {round} was under way over the updates of {asked} providers when the training was interrupted, and {got} of them are there; \
         of one round there is one sum, ever: run the job again with `resumes` when all of them are, or without, as another training"
    )]
    Closed {
        /// Which round, from 1.
        round: u32,
        /// How many of them are there.
        got: usize,
        /// How many there were.
        asked: usize,
    },
    /// The compute parties told a provider different things.
    #[error(
        "the compute parties asked this provider for different rounds, or for updates of different models (P0 for one of round {round}); \
         nothing was given. One of them may have lost its disk, or deviates: run the job again, with `resumes` where it has rounds"
    )]
    Model {
        /// Which round P0 asked for, from 1.
        round: u32,
    },
    /// The compute parties asked a provider for what it has given, or for what is no part of the training.
    #[error(
        "the compute parties asked this provider for round {round}, which it has spoken in before, or which the training does not have; \
         there is one update a round, and no second one was given. Run the job again, with `resumes` where it has rounds"
    )]
    Again {
        /// Which round, from 1.
        round: u32,
    },
    /// What the compute parties have kept of an earlier run does not fit together.
    #[error(
        "the compute parties kept the training after {rounds:?} rounds, each its own, and not the round between; it cannot go on: \
         run the job without `resumes`"
    )]
    Apart {
        /// How many rounds each has, this party first.
        rounds: Vec<u64>,
    },
    /// This party's own trainer cannot go on, where nobody else may take its place.
    #[error("{0}")]
    Train(#[from] super::TrainError),
    /// With noise or masks: what this provider had said before it was killed.
    #[error(
        "what this party gave before it was killed cannot be read ({0}), and there is no other in its place: noise is paid for once, and \
         a mask serves once; nothing more was sent. Run a new job"
    )]
    Said(DiskError),
    /// This party's disk.
    #[error("round {round}: {what}: {why}; make room and run the job again")]
    Disk {
        /// Which round, from 1.
        round: u32,
        /// What was under way.
        what: &'static str,
        /// What the system says.
        why: DiskError,
    },
}

impl RoundError {
    /// Whether there is no room left on this party's disk.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        matches!(self, Self::Disk { why, .. } if why.is_full())
    }
}

/// What a party's disk says of an update that it keeps.
pub(super) fn disk(round: u32, error: &std::io::Error) -> RoundError {
    RoundError::Disk {
        round: round.saturating_add(1),
        what: "keeping an update until all of them are there",
        why: error.into(),
    }
}
