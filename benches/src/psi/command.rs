//! The subcommand.

use protocols::psi::Sizes;

use super::{
    all::{all, with_files},
    line::Line,
    memory, multi, processes,
    seat::Protocol,
};
use crate::{Failure, Network};

#[derive(clap::Args)]
pub(crate) struct Psi {
    /// A protocol by name, several with commas between, or `all`.
    #[arg(long, default_value = "all")]
    protocol: String,
    /// How many items each party has.
    #[arg(long, default_value_t = 1 << 20)]
    n: usize,
    /// How many the sender has, where that differs (for a lookup: rows of the table).
    #[arg(long)]
    sender: Option<usize>,
    /// How many the receiver has, where that differs (for a lookup: queries).
    #[arg(long)]
    receiver: Option<usize>,
    /// Of how many sets, 3 to 16: for `multi` alone, whose line says it where it is not 3.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(3..=16))]
    sets: u16,
    /// From a CSV file to a Parquet file, parties being processes on `loopback`.
    #[arg(long)]
    files: bool,
    /// From Parquet files instead: rows to the receiver by `vole`, `vole-malicious`, `vole-low` and `ecdh`.
    #[arg(long, requires = "files")]
    parquet: bool,
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

/// Runs the protocols; whether every result was right.
#[expect(clippy::print_stdout, reason = "a program that prints its figures")]
pub(crate) fn run(psi: &Psi) -> Result<bool, Failure> {
    let mut exact = true;
    if !psi.json {
        println!("{}", Line::heading());
    }
    let sizes =
        Sizes { sender: psi.sender.unwrap_or(psi.n), receiver: psi.receiver.unwrap_or(psi.n) };
    let (protocols, networks) = if psi.files {
        if psi.sets != 3 {
            return Err("--files is of three sets: leave out --sets, or --files".into());
        }
        if sizes.sender != sizes.receiver {
            return Err(
                "files are of one size: leave out --sender and --receiver, or --files".into()
            );
        }
        (named_files(&psi.protocol, psi.parquet)?, vec![Network::Loopback])
    } else {
        (named(&of_sets(&psi.protocol, psi.sets)?)?, psi.network.clone())
    };
    for protocol in protocols {
        for network in networks.iter().copied() {
            let reps = match network {
                Network::Loopback => processes::run(protocol, sizes, psi.reps)?,
                _ => memory::run(protocol, sizes, psi.reps, network)?,
            };
            let line = Line::new(protocol, sizes, network, &reps);
            exact &= line.exact();
            println!("{}", if psi.json { serde_json::to_string(&line)? } else { line.row() });
        }
    }
    Ok(exact)
}

/// One protocol, several with commas between, or all of them; those from file to file by their whole name too.
pub(super) fn named(names: &str) -> Result<Vec<&'static Protocol>, Failure> {
    if names == "all" {
        return Ok(all().collect());
    }
    let every = || all().chain(with_files());
    let known = || every().map(|protocol| protocol.name).collect::<Vec<_>>().join(", ");
    let one = |name: &str| {
        let found = every().chain(multi::more()).find(|protocol| protocol.name == name);
        found.ok_or_else(|| format!("no protocol `{name}`; there are: all, {}", known()).into())
    };
    names.split(',').map(one).collect()
}

/// The names, of protocols of so many sets: 3 is what they have anyway.
fn of_sets(names: &str, sets: u16) -> Result<String, Failure> {
    match sets {
        3 => Ok(names.to_owned()),
        _ if names == "multi" => Ok(format!("multi/{sets}")),
        _ => Err(format!("--sets {sets} is for --protocol multi, not for `{names}`").into()),
    }
}

/// The same from file to file: `vole` means `vole/files`, or `vole/files/parquet`.
fn named_files(names: &str, parquet: bool) -> Result<Vec<&'static Protocol>, Failure> {
    if names == "all" {
        let is_parquet = |protocol: &&Protocol| protocol.name.ends_with("/parquet");
        return Ok(with_files().filter(|protocol| is_parquet(protocol) == parquet).collect());
    }
    let ending = if parquet { "files/parquet" } else { "files" };
    let whole: Vec<_> = names.split(',').map(|name| format!("{name}/{ending}")).collect();
    named(&whole.join(","))
}
