//! What cannot be grown.

use protocols::session::SessionError;

use crate::disk::DiskError;

/// Why a training of trees cannot be planned.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// A figure that is none.
    #[error("{what} of {got}: {least} to {most} are possible")]
    Range {
        /// Which figure.
        what: &'static str,
        /// What it is.
        got: f64,
        /// The least.
        least: f64,
        /// The most.
        most: f64,
    },
    /// Gains would not fit 128 bits.
    #[error(
        "comparing gains over {rows} rows leaves {bits} fraction bits of gradients, and {least} are the least; train on a sample of the \
         rows"
    )]
    Rows {
        /// All providers' rows.
        rows: u64,
        /// What is left.
        bits: u32,
        /// What must be.
        least: u32,
    },
}

/// Why a growth ended early: there is no model of a part of the rows.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GrowthError {
    /// A link, or what came over it.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// This provider's rows.
    #[error(transparent)]
    Rows(#[from] GrowError),
    /// No two compute parties say the same, and so nobody knows whom to believe.
    #[error(
        "the three compute parties say three different things of the trees; nothing was grown on"
    )]
    Contradiction,
    /// This party's disk.
    #[error("keeping the trees: {0}; make room and run the job again")]
    Disk(DiskError),
}

/// Why rows are not grown on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GrowError {
    /// Something else is due.
    #[error("{what} is not what is due in the growth of a tree: {due} is")]
    Turn {
        /// What was asked.
        what: &'static str,
        /// What is due.
        due: &'static str,
    },
    /// Another model's rows, cuts or leaves.
    #[error("{what}: {got} where the plan has {want}")]
    Shape {
        /// What does not fit.
        what: &'static str,
        /// What there is.
        got: usize,
        /// What there should be.
        want: usize,
    },
    /// A row's label is neither 0 nor 1.
    #[error("the label of row {0} is neither 0 nor 1")]
    Label(usize),
    /// More rows than all providers together were to have.
    #[error("{got} rows are more than the {most} of all providers that precision was planned for")]
    Rows {
        /// How many.
        got: u64,
        /// The most.
        most: u64,
    },
}
