//! The command line: what a person types becomes calls to the rooms below, and their answers become text and exit codes.
//!
//! # Invariants
//! * Standard output carries what was asked for and nothing else; progress and errors go to standard error.
//! * Every command ends with one of the exit codes of [`Ending`] or 0.

mod answer;
mod args;
mod config;
mod dataset;
mod demo;
mod doctor;
mod exit;
mod job_file;
mod keygen;
mod outcome;
mod output;
mod policy;
mod progress;
mod receipt;
mod run;

pub use args::{
    Cli, Command, ConfigArgs, ConsentCommand, DatasetAddArgs, DatasetCommand, DemoArgs, Format,
    JobCommand, JobIdArgs, KeygenArgs, OutputArgs, PolicyCommand, ReceiptCommand, SubmitArgs,
    UpArgs,
};
pub use exit::{CliError, Ending};
pub use run::main;
