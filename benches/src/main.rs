//! The benchmark harness: one JSON object a line for each case. `cargo run --release -p benches -- ops --help`

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that prints its figures")]

mod case;
mod cases;
mod figure;
mod logreg;
mod memory;
mod party;
mod processes;
mod psi;
mod run;
mod train;

use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use protocols::session::Profile;

use crate::{case::Case, figure::Figure};

/// Times protocols and writes one line of figures for each case.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Operations on shared columns: inputs already shared, outputs left shared.
    Ops(Ops),
    /// Private set intersection: from two sets of ids to the positions of those in common.
    Psi(psi::Psi),
    /// Pieces of federated training: sharing of updates, sums, what noise gives away.
    Train(train::Train),
    /// One compute party of a run over TLS; started by `ops`.
    #[command(hide = true)]
    Party,
    /// One party of an intersection over TLS; started by `psi`.
    #[command(hide = true)]
    PsiParty,
    /// One party of rounds of training over TLS; started by `train`.
    #[command(hide = true)]
    TrainParty,
}

#[derive(clap::Args)]
struct Ops {
    /// A case by name, several with commas between, or `all`.
    #[arg(long, default_value = "all")]
    case: String,
    /// How many rows (join and group: a tenth of it; a sort's are in its name).
    #[arg(long, default_value_t = 1_000_000)]
    n: usize,
    /// What the parties talk over; several with commas between.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "memory")]
    network: Vec<Network>,
    /// How often; the median counts.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    reps: u32,
    /// JSON, one object a line; else a table.
    #[arg(long)]
    json: bool,
}

/// What the parties talk over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Network {
    /// Queues in one process, a thread a party.
    Memory,
    /// TLS on this machine, a process a party.
    Loopback,
    /// Memory, slowed to one room: 10 Gbit/s, 0.3 ms.
    Lan,
    /// Memory, slowed to two cities: 100 Mbit/s, 50 ms.
    Wan,
}

impl Network {
    fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Loopback => "loopback",
            Self::Lan => "lan",
            Self::Wan => "wan",
        }
    }

    /// What the protocols are chosen for.
    fn profile(self) -> Profile {
        match self {
            Self::Memory | Self::Loopback => Profile::LOOPBACK,
            Self::Lan => Profile::LAN,
            Self::Wan => Profile::WAN,
        }
    }
}

/// What goes wrong in a harness ends it; the text says where.
type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Ops(ops) => run_ops(&ops),
        Command::Psi(psi) => psi::run(&psi),
        Command::Train(train) => train::run(&train),
        Command::Party => party::serve(),
        Command::PsiParty => psi::serve(),
        Command::TrainParty => train::serve(),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

/// Runs the cases; whether every result was right.
fn run_ops(ops: &Ops) -> Result<bool, Failure> {
    let mut exact = true;
    if !ops.json {
        println!("{}", Figure::heading());
    }
    for case in Case::named(&ops.case)? {
        for network in ops.network.iter().copied() {
            let n = (case.rows)(ops.n);
            let reps = match network {
                Network::Loopback => processes::run(case, n, ops.reps)?,
                _ => memory::run(case, n, ops.reps, network)?,
            };
            let figure = Figure::new(case, n, network, &reps);
            exact &= figure.exact();
            println!("{}", if ops.json { serde_json::to_string(&figure)? } else { figure.row() });
        }
    }
    Ok(exact)
}
