//! One line of figures, in the format of the operations' lines.

use std::time::Duration;

use protocols::psi::Sizes;
use serde::Serialize;

use super::seat::{Protocol, Quote};
use crate::Network;

/// What one repetition showed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rep {
    /// From the common start to the last party's end.
    pub(super) took: Duration,
    /// All parties together.
    pub(super) bytes: u64,
    pub(super) rounds: u32,
    /// Processor time of the parties' own threads together.
    pub(super) cpu_nanos: u64,
    /// Of the receiver's by itself.
    pub(super) receiver_nanos: u64,
    /// The largest process.
    pub(super) peak_rss: u64,
    pub(super) exact: bool,
}

/// The median of a protocol's repetitions.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    case: &'static str,
    n: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    sizes: Option<[usize; 2]>,
    parties: u16,
    network: &'static str,
    seconds: f64,
    bytes_sent: u64,
    rounds: u32,
    peak_rss_bytes: u64,
    exact: bool,
    note: String,
}

impl Line {
    pub(super) fn new(protocol: &Protocol, sizes: Sizes, network: Network, reps: &[Rep]) -> Self {
        let Sizes { sender, receiver } = sizes;
        let n = sender.max(receiver);
        let mut times: Vec<_> = reps.iter().map(|rep| rep.took).collect();
        times.sort_unstable();
        let quote = (protocol.quote)(sizes, network.profile());
        let as_quoted = |rep: &Rep| {
            quote.is_none_or(|quote| quote == Quote { bytes: rep.bytes, rounds: rep.rounds })
        };
        let bytes = reps.first().map_or(0, |rep| rep.bytes);
        let least = |of: fn(&Rep) -> u64| reps.iter().map(of).min().unwrap_or(0);
        let (cpu, own) = (least(|rep| rep.cpu_nanos), least(|rep| rep.receiver_nanos));
        let note = format!(
            "{}; {:.2} bytes an element; {:.4} s of processor time in the parties' threads; {:.2} µs an element at the receiver",
            protocol.note,
            ratio(bytes, n as u64),
            Duration::from_nanos(cpu).as_secs_f64(),
            ratio(own, 1000 * receiver as u64)
        );
        Self {
            case: protocol.name,
            n,
            sizes: (sender != receiver).then_some([sender, receiver]),
            parties: protocol.parties,
            network: network.name(),
            seconds: times.get(times.len() / 2).map_or(0.0, Duration::as_secs_f64),
            bytes_sent: bytes,
            rounds: reps.first().map_or(0, |rep| rep.rounds),
            peak_rss_bytes: reps.iter().map(|rep| rep.peak_rss).max().unwrap_or(0),
            exact: reps.iter().all(|rep| rep.exact && as_quoted(rep)),
            note,
        }
    }

    pub(super) fn exact(&self) -> bool {
        self.exact
    }

    pub(super) fn heading() -> String {
        format!(
            "{:<15} {:>9} {:>9} {:>10} {:>14} {:>7} {:>9} exact note",
            "protocol", "n", "network", "seconds", "bytes", "rounds", "MiB"
        )
    }

    pub(super) fn row(&self) -> String {
        format!(
            "{:<15} {:>9} {:>9} {:>10.4} {:>14} {:>7} {:>9} {} {}",
            self.case,
            self.n,
            self.network,
            self.seconds,
            self.bytes_sent,
            self.rounds,
            self.peak_rss_bytes >> 20,
            self.exact,
            self.note
        )
    }
}

#[expect(clippy::cast_precision_loss, reason = "a figure to read")]
fn ratio(bytes: u64, n: u64) -> f64 {
    bytes as f64 / n.max(1) as f64
}
