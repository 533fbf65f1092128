//! A program of a provider's own that trains in the place of this one.

use std::path::PathBuf;

use tokio::sync::watch;

/// Where such a program is: the provider's own matter, and in no plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// It is started for each job, in this folder.
    Child {
        /// The program and its arguments.
        command: Vec<String>,
        /// Where it runs.
        folder: PathBuf,
    },
    /// It runs already, on this machine: `http://127.0.0.1:…` or `unix:/…`.
    At(String),
}

/// A program, for one run.
#[derive(Clone, Debug)]
pub struct Program {
    /// Where it is.
    pub place: Place,
    /// The job's name, for the program's own records.
    pub job: String,
    /// Becomes true when the run is to end: nobody waits for the program any more.
    pub ended: watch::Receiver<bool>,
}
