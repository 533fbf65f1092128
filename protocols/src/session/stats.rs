//! Counters of what a party sent, in all and by step of the plan.

use std::collections::BTreeMap;

/// Bytes and messages sent, and rounds on the critical path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Bytes sent: frame headers and bodies.
    pub bytes: u64,
    /// Messages sent (a message may be several frames).
    pub messages: u64,
    /// Rounds: how much deeper on the critical path this step ended than it began.
    pub rounds: u32,
}

/// One party's counters for one run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    steps: BTreeMap<u64, Counters>,
}

impl Stats {
    pub(super) fn step(&mut self, path: u64) -> &mut Counters {
        self.steps.entry(path).or_default()
    }

    /// Counters of each step that sent or waited for anything, in step order.
    pub fn steps(&self) -> impl Iterator<Item = (u64, Counters)> {
        self.steps.iter().map(|(step, counters)| (*step, *counters))
    }

    /// Sums over all steps.
    #[must_use]
    pub fn total(&self) -> Counters {
        self.steps.values().fold(Counters::default(), |sum, step| Counters {
            bytes: sum.bytes + step.bytes,
            messages: sum.messages + step.messages,
            rounds: sum.rounds + step.rounds,
        })
    }
}
