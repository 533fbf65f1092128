//! Why a training ends early.

use protocols::session::SessionError;

use crate::average::SumError;

/// Why a training ends early.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RoundError {
    /// A compute party's link, or a message that was not the one due.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// Too few updates came.
    #[error(
        "round {round}: {got} of {asked} providers sent an update in time and {least} are the least; nothing was opened. See which \
         daemons are up, or allow more time"
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
    },
    /// The opened figures cannot be true.
    #[error("round {round}: {source}; the average was not used")]
    Sum {
        /// Which round, from 1.
        round: u32,
        /// What is wrong.
        source: SumError,
    },
    /// The compute parties told a provider different things.
    #[error("the compute parties do not agree on the model of round {round}; nothing was trained")]
    Model {
        /// Which round, from 1.
        round: u32,
    },
    /// This party's own trainer cannot go on, where nobody else may take its place.
    #[error("{0}")]
    Train(#[from] super::TrainError),
    /// This party's disk.
    #[error("round {round}: {what}: {why}; make room and run the job again")]
    Disk {
        /// Which round, from 1.
        round: u32,
        /// What was under way.
        what: &'static str,
        /// What the system says.
        why: String,
    },
}
