//! One line of figures.

use std::time::Duration;

use serde::Serialize;

use crate::{
    Network,
    case::{Case, Verdict},
    run::quote,
};

/// What one repetition showed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rep {
    /// From the common start to the last party's end.
    pub(crate) took: Duration,
    /// All parties together.
    pub(crate) bytes: u64,
    /// The longest chain of messages.
    pub(crate) rounds: u32,
    /// The largest process so far.
    pub(crate) peak_rss: u64,
    /// How near every party's result was to the clear one.
    pub(crate) verdict: Verdict,
}

/// The median of a case's repetitions, in the harness's line format.
#[derive(Debug, Serialize)]
pub(crate) struct Figure {
    case: &'static str,
    n: usize,
    parties: u8,
    network: &'static str,
    seconds: f64,
    bytes_sent: u64,
    rounds: u32,
    peak_rss_bytes: u64,
    exact: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_error: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_bound: Option<f64>,
    note: &'static str,
}

impl Figure {
    pub(crate) fn new(case: &Case, n: usize, network: Network, reps: &[Rep]) -> Self {
        let mut times: Vec<_> = reps.iter().map(|rep| rep.took).collect();
        times.sort_unstable();
        let quoted = quote(case, n, network.profile());
        let as_quoted = |rep: &Rep| rep.bytes == quoted.bytes && rep.rounds == quoted.rounds;
        let verdict = Verdict::all(reps.iter().map(|rep| rep.verdict));
        let (max_error, error_bound) = match verdict {
            Verdict::Exact(_) => (None, None),
            Verdict::Within { error, bound } => (Some(error), Some(bound)),
        };
        let first = reps.first();
        Self {
            case: case.name,
            n,
            parties: 3,
            network: network.name(),
            seconds: times.get(times.len() / 2).map_or(0.0, Duration::as_secs_f64),
            bytes_sent: first.map_or(0, |rep| rep.bytes),
            rounds: first.map_or(0, |rep| rep.rounds),
            peak_rss_bytes: reps.iter().map(|rep| rep.peak_rss).max().unwrap_or(0),
            exact: verdict.is_right() && reps.iter().all(as_quoted),
            max_error,
            error_bound,
            note: case.note,
        }
    }

    pub(crate) fn exact(&self) -> bool {
        self.exact
    }

    pub(crate) fn heading() -> String {
        format!(
            "{:<15} {:>9} {:>9} {:>10} {:>14} {:>7} {:>9} exact",
            "case", "n", "network", "seconds", "bytes", "rounds", "MiB"
        )
    }

    pub(crate) fn row(&self) -> String {
        format!(
            "{:<15} {:>9} {:>9} {:>10.4} {:>14} {:>7} {:>9} {}{}",
            self.case,
            self.n,
            self.network,
            self.seconds,
            self.bytes_sent,
            self.rounds,
            self.peak_rss_bytes >> 20,
            self.exact,
            self.max_error.map_or(String::new(), |error| format!(" (error {error:.1e})"))
        )
    }
}

/// The most memory this process had since [`reset_peak`]; 0 where the system does not say.
pub(crate) fn peak_rss() -> u64 {
    memory("VmHWM:")
}

/// The memory that this process has now; 0 where the system does not say.
pub(crate) fn rss() -> u64 {
    memory("VmRSS:")
}

fn memory(what: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib = status.lines().find_map(|line| line.strip_prefix(what));
    let kib = kib.and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

/// Starts counting the peak anew, so that one case's memory is not the next one's. Best effort.
pub(crate) fn reset_peak() {
    drop(std::fs::write("/proc/self/clear_refs", "5"));
}
