//! Rounds and rounds: the last take no longer than the first, and no more memory.

use std::time::{Duration, Instant};

use super::{
    command::Line,
    round::{PROVIDERS, Ran, course, one_round, rounds},
};
use crate::{
    Failure,
    figure::{peak_rss, reset_peak},
};

pub(super) const NAME: &str = "rounds";
const ROUNDS: u32 = 500;
/// So many rounds at either end are compared.
const ENDS: usize = 50;
/// By so much the last may take longer, of noise.
const SLOWER: f64 = 1.25;
/// By so many bytes more.
const MORE: u64 = 16 << 20;

/// The seconds of a line are those of one of the last rounds.
pub(super) fn run(n: usize) -> Result<Line, Failure> {
    reset_peak();
    let course = course(n, ROUNDS)?;
    let Ran { ends, exact } = rounds(&course)?;
    let (first, last) = (ends.get(..=ENDS), ends.get(ends.len().saturating_sub(ENDS + 1)..));
    let (first, last) = first.zip(last).ok_or("too few rounds")?;
    let [(fast, before), (slow, after)] = [first, last].map(figures);
    let one = one_round(&course);
    Ok(Line {
        case: NAME,
        n,
        parties: 3 + PROVIDERS,
        network: "loopback",
        seconds: slow.as_secs_f64(),
        bytes_sent: one.bytes,
        rounds: one.rounds,
        peak_rss_bytes: peak_rss(),
        exact: exact && slow <= fast.mul_f64(SLOWER) && after <= before + MORE,
        note: format!(
            "a round of 10 providers over TLS: medians of rounds 2–{} {:.4} s and {} MB, of the last {ENDS} of {ROUNDS} {:.4} s and {} MB",
            ENDS + 1,
            fast.as_secs_f64(),
            before >> 20,
            slow.as_secs_f64(),
            after >> 20
        ),
    })
}

/// The median round and the median memory.
fn figures(ends: &[(Instant, u64)]) -> (Duration, u64) {
    let mut took: Vec<Duration> = ends.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    let mut memory: Vec<u64> = ends.iter().map(|(_, memory)| *memory).collect();
    took.sort_unstable();
    memory.sort_unstable();
    (took[took.len() / 2], memory[memory.len() / 2])
}
