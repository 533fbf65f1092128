//! The command line: what a person types becomes calls to the rooms below, and their answers become text and exit codes.
//!
//! # Invariants
//! * Standard output carries what was asked for and nothing else; progress and errors go to standard error.
//! * Every command ends with one of the exit codes of [`Ending`] or 0.

mod args;
mod buyer;
mod config;
mod consent;
mod dataset;
mod demo;
mod doctor;
mod exit;
mod job;
mod job_file;
mod keygen;
mod lookup;
mod outcome;
mod output;
mod policy;
mod policy_words;
mod price;
mod progress;
mod receipt;
mod rounds;
mod run;
#[cfg(test)]
mod settings;
mod table_file;
mod timeouts;
mod trainers;
mod up;

pub use args::{
    Cli, Command, ConfigArgs, ConsentCommand, DatasetAddArgs, DatasetCommand, DemoArgs, Format,
    JobCommand, JobIdArgs, KeygenArgs, LookupCommand, OutputArgs, PolicyCommand, PublishArgs,
    ReceiptCommand, SubmitArgs, UpArgs,
};
pub use exit::{CliError, Ending};
pub use run::main;
