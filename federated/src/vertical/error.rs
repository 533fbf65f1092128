//! Why a training or a scoring cannot be planned, or ends early.

use protocols::{mpc::fixed::FixedError, session::SessionError};

use crate::disk::DiskError;

/// Why a training or a scoring cannot be planned: found before anything is sent.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingError {
    /// Nothing to train on or to train.
    #[error("a training takes a row, a feature, an epoch and a row a step at least")]
    Empty,
    /// More steps, rows or features than are counted.
    #[error("{what}: {got} is more than {most}")]
    Many {
        /// What there is too much of.
        what: &'static str,
        /// How much.
        got: usize,
        /// The most.
        most: usize,
    },
    /// Not a power of two.
    #[error("{what} {got} is no power of two from 2^-20 to 2^4: take {near}")]
    Power {
        /// Rate or batch.
        what: &'static str,
        /// What it is.
        got: f64,
        /// The power of two below.
        near: f64,
    },
    /// A penalty that is none.
    #[error(
        "a penalty of {penalty} with a rate of {rate}: it is 0 or more, and times the rate 1 at most"
    )]
    Penalty {
        /// The penalty.
        penalty: f64,
        /// The rate.
        rate: f64,
    },
    /// Words would overflow, whatever precision the weights have.
    #[error(
        "no precision of weights fits: {0}; take fewer epochs or features, a lower rate, a narrower range or fewer fraction bits of \
         features"
    )]
    Room(FixedError),
    /// The scores do not fit.
    #[error("scores do not fit: {0}")]
    Scores(FixedError),
}

/// Why a training ended early.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DescentError {
    /// A link, or what came over it.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// This party's disk.
    #[error("keeping the weights' shares: {0}; make room and run the job again")]
    Disk(DiskError),
}
