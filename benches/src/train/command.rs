//! The subcommand.

use std::time::Duration;

use serde::Serialize;

use super::cases::{CASES, Case, LATER};
use crate::{
    Failure,
    figure::{peak_rss, reset_peak},
};

#[derive(clap::Args)]
pub(crate) struct Train {
    /// A case by name, several with commas between, or `all`.
    #[arg(long, default_value = "all")]
    case: String,
    /// How many parameters a model has.
    #[arg(long, default_value_t = 1_000_000)]
    n: usize,
    /// How often; the median counts.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    reps: u32,
    /// JSON, one object a line; else a table.
    #[arg(long)]
    json: bool,
}

/// One case's figures, in the format of the operations' lines.
#[derive(Debug, Serialize)]
struct Line {
    case: &'static str,
    n: usize,
    parties: u16,
    network: &'static str,
    seconds: f64,
    bytes_sent: u64,
    rounds: u32,
    peak_rss_bytes: u64,
    exact: bool,
    note: String,
}

/// What one repetition showed.
pub(super) struct Rep {
    pub(super) took: Duration,
    pub(super) exact: bool,
}

/// Runs the cases; whether every result was right.
#[expect(clippy::print_stdout, reason = "a program that prints its figures")]
pub(crate) fn run(train: &Train) -> Result<bool, Failure> {
    let mut exact = true;
    if !train.json {
        println!("{:<12} {:>10} {:>12} {:>14}  note", "case", "n", "seconds", "ns a parameter");
    }
    for case in named(&train.case)? {
        let line = measure(case, train)?;
        exact &= line.exact;
        if train.json {
            println!("{}", serde_json::to_string(&line)?);
        } else {
            let each = line.seconds * 1e9 / line.n.max(1) as f64;
            println!(
                "{:<12} {:>10} {:>12.6} {each:>14.3}  {}",
                line.case, line.n, line.seconds, line.note
            );
        }
    }
    Ok(exact)
}

fn measure(case: &'static Case, train: &Train) -> Result<Line, Failure> {
    reset_peak();
    // The first repetition finds no memory and no cache warm.
    (case.run)(train.n)?;
    let reps: Vec<Rep> = (0..train.reps).map(|_| (case.run)(train.n)).collect::<Result<_, _>>()?;
    let mut times: Vec<Duration> = reps.iter().map(|rep| rep.took).collect();
    times.sort_unstable();
    Ok(Line {
        case: case.name,
        n: train.n,
        parties: 1,
        network: "memory",
        seconds: times[times.len() / 2].as_secs_f64(),
        bytes_sent: 0,
        rounds: 0,
        peak_rss_bytes: peak_rss(),
        exact: reps.iter().all(|rep| rep.exact),
        note: case.note.to_owned(),
    })
}

/// One case, several with commas between, or all of them.
fn named(names: &str) -> Result<Vec<&'static Case>, Failure> {
    if names == "all" {
        return Ok(CASES.iter().collect());
    }
    let one = |name: &str| {
        let known = || CASES.iter().map(|case| case.name).collect::<Vec<_>>().join(", ");
        let missing = || -> Failure {
            if LATER.contains(&name) {
                format!("`{name}` is not built yet; there are: all, {}", known()).into()
            } else {
                format!("no case `{name}`; there are: all, {}", known()).into()
            }
        };
        CASES.iter().find(|case| case.name == name).ok_or_else(missing)
    };
    names.split(',').map(one).collect()
}
