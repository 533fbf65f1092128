//! The subcommand.

use std::time::Duration;

use federated::sums::Method;
use serde::Serialize;

use super::{
    adult,
    cases::{CASES, Case},
    digits, exact, many, masks, mnist, party, people, round, shared,
};
use crate::{
    Failure, Network, case,
    figure::{Figure, peak_rss, reset_peak},
    memory, processes,
};

#[derive(clap::Args)]
pub(crate) struct Train {
    /// A case by name, several with commas between, or `all`.
    #[arg(long, default_value = "all")]
    case: String,
    /// Bits of the words of updates, for cases that know both: with 32 the case `encode` is `encode/32`.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u8).range(32..=64))]
    ring: u8,
    /// How many parameters a model has, or rows where it is trained on shares.
    #[arg(long, default_value_t = 1_000_000)]
    n: usize,
    /// How often; the median counts.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    reps: u32,
    /// What the parties of a case on shares talk over.
    #[arg(long, value_enum, default_value = "memory")]
    network: Network,
    /// By whom the averages of `round` are worked out.
    #[arg(long, value_enum, default_value = "shares")]
    averaging: Averaging,
    /// JSON, one object a line; else a table.
    #[arg(long)]
    json: bool,
}

/// Who works out averages.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Averaging {
    /// Three parties, on shares.
    Shares,
    /// One that adds up masked updates.
    Masks,
}

/// One case's figures, in the format of the operations' lines.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    pub(super) case: &'static str,
    pub(super) n: usize,
    pub(super) parties: u16,
    pub(super) network: &'static str,
    pub(super) seconds: f64,
    pub(super) bytes_sent: u64,
    pub(super) rounds: u32,
    pub(super) peak_rss_bytes: u64,
    pub(super) exact: bool,
    pub(super) note: String,
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
        println!("{:<13} {:>10} {:>12} {:>14}  note", "case", "n", "seconds", "ns a parameter");
    }
    let names = averaged(&train.case, train.averaging);
    for case in named(&in_words(&names, train.ring)?)? {
        let case = match case {
            Found::Alone(case) => Ok(case),
            Found::Shared(case) => {
                exact &= on_shares(case, train)?;
                continue;
            }
            Found::Whole(run) => Err(run),
        };
        let line = match case {
            Ok(case) => measure(case, train)?,
            Err(run) => run(train.n, train.reps)?,
        };
        exact &= line.exact;
        if train.json {
            println!("{}", serde_json::to_string(&line)?);
        } else {
            let each = line.seconds * 1e9 / line.n.max(1) as f64;
            println!(
                "{:<13} {:>10} {:>12.6} {each:>14.3}  {}",
                line.case, line.n, line.seconds, line.note
            );
        }
    }
    Ok(exact)
}

/// The names of cases by who works out averages.
fn averaged(names: &str, by: Averaging) -> String {
    match by {
        Averaging::Shares => names.to_owned(),
        Averaging::Masks => {
            names.split(',').map(|name| format!("{name}/masks")).collect::<Vec<_>>().join(",")
        }
    }
}

/// The names of the same cases with words of so many bits.
fn in_words(names: &str, bits: u8) -> Result<String, Failure> {
    match bits {
        64 => Ok(names.to_owned()),
        32 => {
            let known = CASES.iter().map(|case| case.name).filter(|name| name.ends_with("/32"));
            let narrow = |name| format!("{name}/32");
            let all: Vec<String> = match names {
                "all" => known.map(str::to_owned).collect(),
                names => names.split(',').map(narrow).collect(),
            };
            Ok(all.join(","))
        }
        other => Err(format!("words of {other} bits; there are 64 and 32").into()),
    }
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

/// A case that parties run on shares, in the format of the operations' lines; whether the result was right.
#[expect(clippy::print_stdout, reason = "a program that prints its figures")]
fn on_shares(case: &'static case::Case, train: &Train) -> Result<bool, Failure> {
    if case.name.contains("adult") {
        adult::look()?;
    }
    let n = (case.rows)(train.n);
    let reps = match train.network {
        Network::Loopback => processes::run(case, n, train.reps)?,
        network => memory::run(case, n, train.reps, network)?,
    };
    let figure = Figure::new(case, n, train.network, &reps);
    if train.json {
        println!("{}", serde_json::to_string(&figure)?);
    } else {
        println!("{}\n{}", Figure::heading(), figure.row());
    }
    Ok(figure.exact())
}

/// A case by its name.
#[derive(Clone, Copy)]
enum Found {
    Alone(&'static Case),
    Shared(&'static case::Case),
    Whole(Whole),
}

/// A case that is a training: of so many parameters or repetitions, where it does not have its own.
type Whole = fn(usize, u32) -> Result<Line, Failure>;

const WHOLE: [(&str, Whole); 25] = [
    (masks::NAME, masks::run),
    (round::NAME, round::run),
    (round::NARROW, round::run_narrow),
    (many::NAME, |n, _| many::run(n)),
    (party::NAME, party::run),
    (party::CROWD, party::run_crowd),
    (party::NARROW, party::run_narrow),
    (party::MASKS, party::run_masks),
    (party::MANY, party::run_many),
    (exact::RIDGE, |n, _| exact::run(Method::Ridge, n)),
    (exact::NEWTON, |n, _| exact::run(Method::Newton, n)),
    (mnist::CENTRAL.name, |_, _| mnist::run(&mnist::CENTRAL)),
    (mnist::ALIKE.name, |_, _| mnist::run(&mnist::ALIKE)),
    (mnist::SKEWED.name, |_, _| mnist::run(&mnist::SKEWED)),
    (mnist::APART.name, |_, _| mnist::run(&mnist::APART)),
    (people::CASES[0].name, |_, _| people::run(&people::CASES[0])),
    (people::CASES[1].name, |_, _| people::run(&people::CASES[1])),
    (people::CASES[2].name, |_, _| people::run(&people::CASES[2])),
    (people::CASES[3].name, |_, _| people::run(&people::CASES[3])),
    (people::CASES[4].name, |_, _| people::run(&people::CASES[4])),
    (people::CASES[5].name, |_, _| people::run(&people::CASES[5])),
    (people::CASES[6].name, |_, _| people::run(&people::CASES[6])),
    (digits::CASES[0].name, |_, _| digits::run(&digits::CASES[0])),
    (digits::CASES[1].name, |_, _| digits::run(&digits::CASES[1])),
    (digits::CASES[2].name, |_, _| digits::run(&digits::CASES[2])),
];

/// One case, several with commas between, or all that a provider or a party runs by itself.
fn named(names: &str) -> Result<Vec<Found>, Failure> {
    if names == "all" {
        return Ok(CASES.iter().map(Found::Alone).collect());
    }
    let one = |name: &str| {
        let shared = shared::cases().map(|case| (case.name, Found::Shared(case)));
        let whole = WHOLE.iter().map(|(name, run)| (*name, Found::Whole(*run)));
        let alone = CASES.iter().map(|case| (case.name, Found::Alone(case)));
        let mut known = alone.chain(whole).chain(shared);
        let names = || {
            let shared = shared::cases().map(|case| case.name);
            let alone = CASES.iter().map(|case| case.name);
            let whole = WHOLE.iter().map(|(name, _)| *name);
            alone.chain(whole).chain(shared).collect::<Vec<_>>().join(", ")
        };
        let missing =
            || -> Failure { format!("no case `{name}`; there are: all, {}", names()).into() };
        known.find(|(known, _)| *known == name).map(|(_, case)| case).ok_or_else(missing)
    };
    names.split(',').map(one).collect()
}
