//! The keys of the party that asks, as they are asked: from its disk, a range of ids at a time.

use std::{collections::VecDeque, io, sync::Arc};

use protocols::{
    net::{Channel, at_work_here},
    prg::Prg,
    psi::{
        bucket_range,
        lookup::{Answer, Questions},
    },
    ring::Z128,
};

use super::labels::Labels;
use crate::{
    exec::error::ExecError,
    job::{Reason, is_full},
    plan::{Asks, OwnSet},
};

/// Rows whose ids are in memory at a time, about; all rows of one key, where those are more.
const AT_ONCE: u64 = 1 << 15;

/// Each id of a set once, in ascending order, filled up with random ones, which are in no table; and where the answers go.
///
/// In memory are the ids of a range and the rows of two batches, and a bit for each row.
pub(super) struct Keys {
    set: OwnSet,
    /// By which others hear that this party reads.
    channel: Arc<dyn Channel>,
    /// Ranges of ids, and which is the next.
    ranges: usize,
    range: usize,
    /// Of the range that was read last: what has not been asked stands behind `at`.
    pairs: Vec<(u128, u64)>,
    at: usize,
    /// Batches that were asked and not answered.
    open: VecDeque<Open>,
    filling: Prg,
    labels: Labels,
    /// Whether it was a full disk that something could not be read or kept for.
    full: bool,
}

/// The rows of a batch, and where those of each of its items end.
#[derive(Default)]
struct Open {
    rows: Vec<u64>,
    ends: Vec<usize>,
}

impl Keys {
    /// Reads the rows' keys as ids under a salt.
    pub(super) fn read(
        end: &Asks,
        (salt, label): (&[u8; 32], usize),
        channel: Arc<dyn Channel>,
        rng: &mut Prg,
    ) -> Result<Self, ExecError> {
        let set = (end.ids)(salt).map_err(|failure| {
            let full = failure.reason == Reason::DiskFull;
            ExecError::kept(failure.to_string(), full, ExecError::Keys)
        })?;
        let no_place =
            |error: io::Error| ExecError::of_disk(&error, |_| ExecError::Keys(unkept(&error)));
        let file = (end.passing)().map_err(no_place)?;
        let labels = Labels::new(file, set.rows(), label).map_err(no_place)?;
        let ranges = usize::try_from(set.rows() / AT_ONCE + 1).unwrap_or(usize::MAX);
        let filling = Prg::new(&rng.elements::<Z128>(1)[0].to_le_bytes());
        let (pairs, open) = (Vec::new(), VecDeque::new());
        let full = false;
        Ok(Self { set, channel, ranges, range: 0, pairs, at: 0, open, filling, labels, full })
    }

    /// What was found.
    pub(super) fn into_labels(self) -> Labels {
        self.labels
    }

    /// What went wrong, once a lookup has: that this party's disk is full, if that is why.
    pub(super) fn unless_full(&self, error: ExecError) -> ExecError {
        match error {
            ExecError::Keys(words) if self.full => ExecError::DiskFull(words),
            other => other,
        }
    }

    /// Whether there is a key that was not asked: reads on where that shows no other way.
    fn has_more(&mut self) -> Result<bool, String> {
        while self.at == self.pairs.len() {
            if self.range == self.ranges {
                return Ok(false);
            }
            let (first, last) = bucket_range(self.range, self.ranges).into_inner();
            (self.at, self.range) = (0, self.range + 1);
            self.pairs.clear();
            let (set, pairs) = (&self.set, &mut self.pairs);
            // It may be on a slow disk, and others wait.
            let read = at_work_here(|| self.channel.working(), || set.between(first, last, pairs));
            read.map_err(|error| {
                self.full = Reason::of_fault(&error) == Reason::DiskFull;
                format!("this party's keys cannot be read: {error}")
            })?;
            self.pairs.sort_unstable();
        }
        Ok(true)
    }
}

impl Questions for Keys {
    fn next(&mut self, count: usize, out: &mut Vec<u128>) -> Result<(), String> {
        let mut open = Open::default();
        while open.ends.len() < count && self.has_more()? {
            let id = self.pairs[self.at].0;
            let same = self.pairs[self.at..].iter().take_while(|pair| pair.0 == id);
            open.rows.extend(same.map(|(_, row)| *row));
            let before = open.ends.last().copied().unwrap_or(0);
            self.at += open.rows.len() - before;
            open.ends.push(open.rows.len());
            out.push(id);
        }
        let filling = self.filling.elements::<Z128>(count - open.ends.len());
        out.extend_from_slice(&filling);
        self.open.push_back(open);
        Ok(())
    }

    fn answered(&mut self, answers: Vec<Answer>) -> Result<(), String> {
        let Some(Open { rows, ends }) = self.open.pop_front() else { return Ok(()) };
        let mut before = 0;
        for (answer, end) in answers.into_iter().zip(ends) {
            if let Answer::Present(label) = answer {
                for row in &rows[before..end] {
                    self.labels.put(*row, &label).map_err(|error| {
                        self.full = is_full(error.kind());
                        unkept(&error)
                    })?;
                }
            }
            before = end;
        }
        Ok(())
    }
}

fn unkept(error: &io::Error) -> String {
    format!("what was found cannot be kept in this party's `scratch` folder: {error}")
}
